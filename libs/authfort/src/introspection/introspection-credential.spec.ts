import { describe, expect, it } from '@jest/globals';
import { IntrospectionCredential } from './introspection-credential.js';
import { presentedCredential } from './presented-credential.js';

const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;

function accepts(secrets: string[], authorization: string | undefined, body?: unknown): boolean {
  const presented = presentedCredential({ headers: { authorization }, body });
  return presented !== undefined && new IntrospectionCredential(secrets).accepts(presented);
}

describe('IntrospectionCredential', () => {
  const secrets = ['the old shared secret', 'pässwörd with spaces', '100% a+b'];

  it.each([
    'Bearer the old shared secret',
    'BEARER   the old shared secret',
    'Bearer pässwörd with spaces',
    basic('client:the old shared secret'),
    basic(':the old shared secret'),
    basic('client:the+old%20shared+secret'),
    basic(`client:${encodeURIComponent('pässwörd with spaces')}`),
    basic('client:p%C3%a4ssw%c3%B6rd+with+spaces'),
    basic('client:100% a+b'),
    basic('client:100%25+a%2bb'),
  ])('accepts %s', (header) => expect(accepts(secrets, header)).toBe(true));
  it('removes spaces on both sides of the credential, and no byte of a UTF-8 secret', () => {
    const secret = 'the old shared secret à';
    const header = `  ${Buffer.from(secret, 'utf8').toString('latin1')}  `;
    expect(accepts([secret], `Bearer${header}`)).toBe(true);
  });
  // A header of 16 KiB is the longest that Node.js accepts.
  it.each(['Bearer', 'Basic', 'Digest'])('reads a %s header with many spaces in linear time', (scheme) => {
    const began = performance.now();
    for (let i = 0; i < 5; i += 1) expect(accepts(secrets, `${scheme} a${' '.repeat(16_000)}b`)).toBe(false);
    expect(performance.now() - began).toBeLessThan(200);
  });
  it('takes everything behind the first colon for the secret', () => {
    expect(accepts(['a:b:c:d:e:f:g:h:i'], basic('client:a:b:c:d:e:f:g:h:i'))).toBe(true);
    expect(accepts(['a:b:c:d:e:f:g:h:i'], basic('a%3Aclient:a%3ab:c:d:e:f:g:h:i'))).toBe(true);
  });
  it.each([
    undefined,
    '',
    'Bearer',
    'Bearer ',
    'Bearer the+old+shared+secret',
    'Basic',
    basic('no colon'),
    basic('client:'),
    basic('client:the+old%2+shared+secret'),
    'the old shared secret',
    'Bearer the',
  ])('refuses %j', (header) => expect(accepts(secrets, header)).toBe(false));
  it('reads client_secret_post, and no inherited member', () => {
    expect(accepts(secrets, undefined, { client_secret: '100% a+b' })).toBe(true);
    expect(accepts(secrets, undefined, Object.create({ client_secret: '100% a+b' }))).toBe(false);
    for (const client_secret of [['100% a+b', '100% a+b'], 7, null, {}])
      expect(() => accepts(secrets, undefined, { client_secret })).toThrow(
        expect.objectContaining({ code: 'invalid_request' }),
      );
  });
});
