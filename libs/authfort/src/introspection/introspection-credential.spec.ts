import { describe, expect, it } from '@jest/globals';
import { IntrospectionCredential } from './introspection-credential.js';

const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;

describe('IntrospectionCredential', () => {
  const credential = new IntrospectionCredential(['the old shared secret', 'pässwörd with spaces']);

  it('accepts each secret, as Bearer and as Basic', () => {
    expect(credential.accepts('Bearer the old shared secret')).toBe(true);
    expect(credential.accepts('BEARER   the old shared secret')).toBe(true);
    expect(credential.accepts(basic('client:the old shared secret'))).toBe(true);
    expect(credential.accepts(basic(':the old shared secret'))).toBe(true);
    expect(credential.accepts(basic(`client:${encodeURIComponent('pässwörd with spaces')}`))).toBe(true);
    expect(credential.accepts('Bearer pässwörd with spaces')).toBe(true);
  });
  it('takes everything behind the first colon for the secret', () => {
    const colons = new IntrospectionCredential(['a:b:c:d:e:f:g:h:i']);
    expect(colons.accepts(basic('client:a:b:c:d:e:f:g:h:i'))).toBe(true);
  });
  it.each([
    undefined,
    '',
    'Bearer',
    'Bearer ',
    'Basic',
    basic('no colon'),
    basic('client:'),
    'the old shared secret',
    'Bearer the',
  ])('refuses %j', (header) => expect(credential.accepts(header)).toBe(false));
});
