import { describe, expect, it } from '@jest/globals';
import { otherCookieForms, parentDomains } from './other-cookie-forms.js';

describe('parentDomains', () => {
  it.each([
    ['auth.example.com', ['auth.example.com', 'example.com']],
    ['auth.example.com:8443', ['auth.example.com', 'example.com']],
    ['AUTH.shop.example.co.uk', ['auth.shop.example.co.uk', 'shop.example.co.uk', 'example.co.uk']],
    ['a.b.c.d.example.com', ['c.d.example.com', 'd.example.com', 'example.com']],
    ['example.com', ['example.com']],
    ['co.uk', []],
    ['localhost', []],
    ['auth-server:8000', []],
    ['127.0.0.1:8000', []],
    ['1.2.3.400', []],
    ['[::1]:8000', []],
    ['evil.com; Path=/', []],
    ['a..b.com', []],
    [`${'a'.repeat(300)}.com`, []],
    [undefined, []],
  ])('finds those of %j', (host, domains) => expect(parentDomains(host)).toEqual(domains));
});

describe('otherCookieForms', () => {
  it('leaves out the form that is set', () => {
    expect(
      otherCookieForms({ path: '/', domain: '.example.com' }, ['/'], '.example.com', 'auth.example.com'),
    ).toEqual([{ path: '/' }, { path: '/', domain: 'auth.example.com' }]);
    expect(otherCookieForms({ path: '/' }, ['/'], undefined, '127.0.0.1')).toEqual([]);
  });
  it('covers every path, host-only and for each domain', () => {
    const forms = otherCookieForms({ path: '/v2/auth' }, ['/auth', '/'], undefined, 'example.com');
    expect(forms).toEqual([
      { path: '/v2/auth', domain: 'example.com' },
      { path: '/auth' },
      { path: '/auth', domain: 'example.com' },
      { path: '/' },
      { path: '/', domain: 'example.com' },
    ]);
  });
});
