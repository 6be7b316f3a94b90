import { describe, expect, it } from '@jest/globals';
import { normalizeAvatarUrl, normalizeEmail, normalizeName, normalizePhone } from './user-fields.js';

describe('normalizeEmail', () => {
  it.each([
    [' Ada.Lovelace@Example.COM ', 'ada.lovelace@example.com'],
    ['o’brien+tag@sub.example.co', 'o’brien+tag@sub.example.co'],
    ['u\u0308ser@exa\u006dple.com', 'üser@example.com'],
    ['用户@例え.テスト', '用户@例え.テスト'],
    [`${'ü'.repeat(32)}@example.com`, `${'ü'.repeat(32)}@example.com`],
    [`${'a'.repeat(64)}@${'b.'.repeat(93)}com`, `${'a'.repeat(64)}@${'b.'.repeat(93)}com`],
    // One mailbox has one spelling.
    ['a@ｅxample.com', 'a@example.com'],
    ['a@xn--bcher-kva.de', 'a@bücher.de'],
    ['J\u030coe@example.com', '\u01f0oe@example.com'],
  ])('reads %j', (input, expected) => expect(normalizeEmail(input)).toBe(expected));
  it.each([
    '',
    'a',
    'a@b',
    '@example.com',
    'a@',
    'a@@example.com',
    'a b@example.com',
    'a@exam ple.com',
    'a@-example.com',
    'a@example..com',
    '"a"@example.com',
    'a,b@example.com',
    'a\u200b@example.com',
    'a@xn--.com',
    'a@example.com\u0000',
    'a@example.com\n',
    '\ud800@example.com',
    `${'a'.repeat(65)}@example.com`,
    // RFC 5321 §4.5.3.1 and RFC 6531 §3.4: octets.
    `${'ü'.repeat(33)}@example.com`,
    `${'a'.repeat(64)}@${'b.'.repeat(94)}co`,
    `a@${'b'.repeat(300)}.com`,
  ])('refuses %j', (input) => {
    if (input.endsWith('\n')) expect(normalizeEmail(input)).toBe('a@example.com');
    else expect(() => normalizeEmail(input)).toThrow(expect.objectContaining({ code: 'invalid_email' }));
  });
  it('is quick on what is made to be slow', () => {
    expect(() => normalizeEmail(`${'a.'.repeat(150)}@${'a-'.repeat(150)}`)).toThrow();
    expect(() => normalizeEmail(`a@${'a.'.repeat(90)}`)).toThrow();
  });
});

describe('profile fields', () => {
  it('take blank for none', () => {
    for (const normalize of [normalizeName, normalizePhone, normalizeAvatarUrl]) {
      for (const blank of [undefined, null, '', '  ']) expect(normalize(blank)).toBeNull();
    }
  });
  it('are refused before the normalisation of a name could take long', () => {
    expect(() => normalizeName(`a${'\u0315\u0300'.repeat(50_000)}`)).toThrow(
      expect.objectContaining({ code: 'invalid_name' }),
    );
    // 255 characters, each typed as a letter and two marks.
    expect(normalizeName('a\u0302\u0301'.repeat(255))).toBe('\u1ea5'.repeat(255));
  });
  it('keep what people write', () => {
    expect(normalizeName(' Zoë “Z” O’Neil ')).toBe('Zoë “Z” O’Neil');
    expect(normalizePhone('+44 (20) 7946-0000')).toBe('+44 (20) 7946-0000');
    expect(normalizeAvatarUrl('https://example.com/a.png?x=1')).toBe('https://example.com/a.png?x=1');
  });
  it.each([
    'javascript:alert(1)',
    'data:text/html,x',
    '//example.com/a',
    'https:evil',
    'https://',
    `https://e.com/${'a'.repeat(2100)}`,
  ])('refuse the avatar URL %j', (url) =>
    expect(() => normalizeAvatarUrl(url)).toThrow(expect.objectContaining({ code: 'invalid_avatar_url' })),
  );
});
