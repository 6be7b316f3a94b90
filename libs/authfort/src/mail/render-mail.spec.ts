import { describe, expect, it } from '@jest/globals';
import type { MailText } from '../options/mail.options.js';
import { acceptedLanguages } from './accepted-languages.js';
import { builtInTexts } from './mail-texts.js';
import { renderMail } from './render-mail.js';

const text: MailText = {
  subject: 'Hello from {app}',
  body: 'For {email} & you:\nsee "{app}"',
  action: 'Go <there>',
  note: '{minutes} minutes',
};
const values = {
  app: 'A <b>&</b> "C"',
  email: 'x@example.com',
  minutes: 5,
  link: 'https://app.example.com/x?token=a&b="c"',
};

describe('a mail', () => {
  it('has the plain link in its text, on a line of its own', () =>
    expect(renderMail(text, values, 'en').text).toBe(
      'For x@example.com & you:\nsee "A <b>&</b> "C""\n\nhttps://app.example.com/x?token=a&b="c"\n\n5 minutes\n',
    ));

  it('is escaped in HTML: its words and what they are filled with', () => {
    const { html } = renderMail(text, values, 'de');
    expect(html).toContain('<html lang="de">');
    expect(html.replaceAll('\u2060', '')).toContain(
      'For x@example.com &amp; you:<br>see &quot;A &lt;b&gt;&amp;&lt;/b&gt; &quot;C&quot;&quot;',
    );
    expect(html).toContain('href="https://app.example.com/x?token=a&amp;b=&quot;c&quot;"');
    expect(html).toContain('Go &lt;there&gt;');
    expect(html).not.toContain('<b>');
  });

  it('has one line as its subject, whatever it is filled with', () => {
    const { subject } = renderMail(text, { app: ' a\r\nBcc: b@example.com\u2028\t ' }, 'en');
    expect(subject).toBe('Hello from a Bcc: b@example.com');
    expect(renderMail(text, { app: 'x'.repeat(500) }, 'en').subject).toHaveLength(200);
  });

  it.each([
    [1, 'en', '1 minute'],
    [119, 'en', '119 minutes'],
    [1440, 'de', '24 Stunden'],
    [150, 'fr', '2\u00a0heures'],
    [10_080, 'en', '7 days'],
  ])('writes %d minutes in %s as %s', (minutes, language, written) => {
    const mail = { subject: 'x', body: '{duration}, {minutes}' };
    expect(renderMail(mail, { app: 'x', minutes }, language).text).toBe(`${written}, ${minutes}\n`);
  });

  // Mail programs turn what looks like an address of the web into a link, in text and in HTML.
  it.each([
    ['www.evil.example/win@attacker.example', 'w…@attacker.example'],
    ['evil.example/login?a=b&c=@x.example', 'e…@x.example'],
    ['click!evil.example@x.example', 'c…@x.example'],
    ['x/@www.evil.example', 'x…@www.evil.example'],
    ['a@www.evil.example', 'a…@www.evil.example'],
    ['http.evil.example#@x.example', 'h…@x.example'],
    ['😀www.evil.example@x.example', '😀…@x.example'],
    [`${'a'.repeat(64)}@${'b'.repeat(180)}.example`, `a…@…${'b'.repeat(55)}.example`],
  ])('shows %.40s without its text or a link', (email, shown) => {
    const { text: plain, html } = renderMail(
      { subject: '{email}', body: 'To {email}.' },
      { app: 'x', email },
      'en',
    );
    for (const written of [plain, html]) {
      expect(written).not.toMatch(/evil\.example|www\.|attacker\.example/);
      expect(written.replaceAll('\u2060', '')).toContain(`To ${shown}.`);
      expect(written.length).toBeLessThan(400);
    }
  });
  it('shows a plain address as it is, and in HTML without a link', () => {
    const email = 'ada.lovelace+tag@sub.example.com';
    const mail = renderMail({ subject: 'x', body: 'To {email}.' }, { app: 'x', email }, 'en');
    expect(mail.text).toBe('To ada.lovelace+tag@sub.example.com.\n');
    expect(mail.html).not.toContain('example.com');
    expect(mail.html.replaceAll('\u2060', '')).toContain(`To ${email}.`);
  });

  it('shows a code, and fills nothing in twice', () => {
    const mail = renderMail({ subject: '{code}', body: '{app}' }, { app: '{code}', code: '012345' }, 'en');
    expect(mail).toMatchObject({ subject: '012345', text: '{code}\n\n012345\n' });
    expect(mail.html).toContain('<strong>012345</strong>');
  });
});

describe('the built-in texts', () => {
  it.each(Object.keys(builtInTexts))('in %s name every mail, with an action where there is a link', (key) => {
    const texts = builtInTexts[key]!;
    expect(Object.keys(texts)).toEqual(Object.keys(builtInTexts.en!));
    for (const name of ['email_verification', 'password_reset', 'magic_link', 'email_change'] as const)
      expect(texts[name].action).toBeTruthy();
    for (const written of Object.values(texts))
      expect(JSON.stringify(written).replaceAll(/\{(app|duration|code|email)\}/g, '')).not.toMatch(/[^"]\{/);
  });
});

describe('acceptedLanguages', () => {
  it.each([
    [null, []],
    ['', []],
    ['*', []],
    ['de-CH,de;q=0.9,en;q=0.5', ['de', 'en']],
    ['en;q=0.5, de', ['de', 'en']],
    ['fr;q=0, en', ['en']],
    ['__proto__, constructor, de;q=much', []],
  ])('reads %j', (header, languages) => expect(acceptedLanguages(header)).toEqual(languages));
});
