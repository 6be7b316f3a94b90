import { describe, expect, it } from '@jest/globals';
import { assertNotCrossSite } from './csrf.policy.js';

interface Given {
  readonly headers: Record<string, string | undefined>;
  readonly encrypted?: boolean;
  readonly allowed?: readonly string[];
}

function isRefused({ headers, encrypted, allowed = [] }: Given): boolean {
  try {
    assertNotCrossSite(
      { method: 'POST', headers, ...(encrypted !== undefined && { socket: { encrypted } }) },
      allowed,
    );
    return false;
  } catch {
    return true;
  }
}

describe('assertNotCrossSite', () => {
  it.each([
    ['https://shop.example', 'shop.example'],
    ['https://shop.example', 'shop.example:443'],
    ['https://shop.example:443', 'shop.example'],
    ['http://shop.example', 'shop.example:80'],
    ['http://shop.example:80', 'shop.example'],
    ['https://shop.example', 'SHOP.Example'],
    ['HTTPS://Shop.Example', 'shop.example'],
    ['https://shop.example', 'shop.example.'],
    ['https://shop.example.', 'shop.example'],
    ['https://shop.example.:443', 'shop.example'],
    ['https://bücher.example', 'xn--bcher-kva.example'],
    ['https://xn--bcher-kva.example', 'BÜCHER.example'],
    ['http://[::1]:8000', '[0:0:0:0:0:0:0:1]:8000'],
    ['http://[2001:DB8::0001]', '[2001:db8:0::1]:80'],
    ['http://[::ffff:192.0.2.1]:8000', '[::ffff:c000:201]:8000'],
    ['http://127.0.0.1:8000', '127.0.0.1:8000'],
    ['https://shop.example:8443', 'shop.example:08443'],
  ])('takes %s for the origin of the host %s', (origin, host) => {
    expect(isRefused({ headers: { origin, host } })).toBe(false);
    expect(isRefused({ headers: { origin, ':authority': host } })).toBe(false);
  });
  it.each([
    ['https://shop.example:8443', 'shop.example'],
    ['https://shop.example', 'shop.example:80'],
    ['http://shop.example', 'shop.example:443'],
    ['https://evil.example', 'shop.example'],
    ['https://shop.example.evil.example', 'shop.example'],
    ['https://shop.example..', 'shop.example'],
    ['https://xshop.example', 'shop.example'],
    ['https://sh\u043ep.example', 'shop.example'],
    ['null', 'null'],
    ['null', 'shop.example'],
    ['', 'shop.example'],
    ['https://', ''],
    ['nonsense', 'nonsense'],
    ['file://', 'shop.example'],
    ['capacitor://shop.example', 'shop.example'],
    ['app://shop.example', 'shop.example'],
    ['chrome-extension://shop', 'shop'],
    ['https://user@shop.example', 'shop.example'],
    ['https://shop.example/', 'shop.example'],
    ['https://shop.example/path', 'shop.example'],
    ['https://shop.example?x', 'shop.example'],
    ['https://shop.example#x', 'shop.example'],
    ['https:\\\\shop.example', 'shop.example'],
    ['https:shop.example', 'shop.example'],
    ['https://shop.example, https://evil.example', 'shop.example'],
    ['https://evil.example', 'shop.example@evil.example'],
    ['https://evil.example', 'evil.example/shop.example'],
    ['https://[fe80::1%25eth0]', '[fe80::1%25eth0]'],
  ])('refuses %s at the host %s', (origin, host) => {
    expect(isRefused({ headers: { origin, host } })).toBe(true);
    expect(isRefused({ headers: { origin, ':authority': host } })).toBe(true);
  });
  it('refuses a Host that differs from :authority (RFC 9113 §8.3.1)', () => {
    const headers = { origin: 'https://evil.example', ':authority': 'shop.example' };
    expect(isRefused({ headers: { ...headers, host: 'evil.example' } })).toBe(true);
    const own = { origin: 'https://shop.example', ':authority': 'shop.example' };
    expect(isRefused({ headers: { ...own, host: 'evil.example' } })).toBe(true);
    expect(isRefused({ headers: { ...own, host: 'shop.example:443' } })).toBe(false);
  });
  it('refuses a page without TLS where the connection has it, unless the browser says that the origin is the same', () => {
    const headers = { origin: 'http://shop.example', host: 'shop.example' };
    expect(isRefused({ headers, encrypted: true })).toBe(true);
    expect(isRefused({ headers })).toBe(false);
    expect(isRefused({ headers: { ...headers, 'sec-fetch-site': 'same-origin' }, encrypted: true })).toBe(
      false,
    );
    expect(isRefused({ headers: { ...headers, origin: 'https://shop.example' }, encrypted: true })).toBe(
      false,
    );
  });
  it('does not believe forwarded hosts', () => {
    for (const name of ['x-forwarded-host', 'forwarded', 'x-original-host'])
      expect(
        isRefused({
          headers: { origin: 'https://evil.example', host: 'shop.example', [name]: 'evil.example' },
        }),
      ).toBe(true);
  });
  it('compares the list in any spelling', () => {
    const allowed = ['https://app.example.com', 'http://[::1]:3000', 'capacitor://localhost', 'app://.'];
    for (const origin of [
      'https://app.example.com',
      'https://APP.example.com:443',
      'https://app.example.com.',
      'http://[0:0:0:0:0:0:0:1]:3000',
      'capacitor://localhost',
      'Capacitor://LOCALHOST',
      'app://.',
    ])
      expect(isRefused({ headers: { origin, host: 'auth.example.com' }, allowed })).toBe(false);
    for (const origin of [
      'http://app.example.com',
      'https://app.example.com:8443',
      'capacitor://localhost:1',
      'capacitor://evil',
      'ionic://localhost',
      'capacitor:localhost',
      'null',
    ])
      expect(isRefused({ headers: { origin, host: 'auth.example.com' }, allowed })).toBe(true);
  });
});
