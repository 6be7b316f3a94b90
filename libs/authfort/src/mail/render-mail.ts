import type { MailText } from '../options/mail.options.js';

/** What a mail is filled with. */
export interface MailValues {
  readonly app: string;
  readonly minutes?: number;
  readonly code?: string;
  readonly email?: string;
  readonly link?: string;
}

/** The two bodies of a mail and its subject. */
export interface RenderedMail {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

/**
 * Fills a text in. Values are escaped in HTML, and a subject is one line whatever they hold.
 * @param language of the text, for screen readers
 */
export function renderMail(mail: MailText, values: MailValues, language: string): RenderedMail {
  const plain = (template: string) => fill(template, values, (value) => value);
  const markup = (template: string) =>
    fill(escapeHtml(template), values, escapeHtml).replaceAll('\n', '<br>');
  const { link, code } = values;
  const text = [plain(mail.body), link ?? code, mail.note && plain(mail.note)].filter(Boolean).join('\n\n');
  const html = [
    `<p>${markup(mail.body)}</p>`,
    link &&
      `<p><a href="${escapeHtml(link)}" style="display:inline-block;padding:10px 20px;border-radius:6px;background:#1d4ed8;color:#fff;text-decoration:none">${markup(mail.action ?? mail.subject)}</a></p><p style="font-size:13px;word-break:break-all">${escapeHtml(link)}</p>`,
    code && `<p style="font-size:28px;letter-spacing:4px"><strong>${escapeHtml(code)}</strong></p>`,
    mail.note && `<p style="font-size:13px;color:#555">${markup(mail.note)}</p>`,
  ].filter(Boolean);
  return {
    subject: plain(mail.subject).replace(/\s+/g, ' ').trim().slice(0, 200),
    text: `${text}\n`,
    html: `<!doctype html><html lang="${language}"><head><meta charset="utf-8"></head><body style="font-family:sans-serif;font-size:16px;max-width:560px">${html.join('')}</body></html>`,
  };
}

function fill(template: string, values: MailValues, write: (value: string) => string): string {
  return template.replace(/\{(app|minutes|code|email)\}/g, (_, name: keyof MailValues) =>
    write(String(values[name] ?? '')),
  );
}

function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
