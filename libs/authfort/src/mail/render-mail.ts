import type { MailText } from '../options/mail.options.js';
import { addressInHtml, addressInText } from './address-in-mail.js';

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
 * Fills a text in. Values are escaped in HTML, line breaks are removed from a subject, and an address is never shown as a link.
 * @param language of the text, for durations and screen readers
 */
export function renderMail(mail: MailText, values: MailValues, language: string): RenderedMail {
  const all = { ...values, duration: durationIn(language, values.minutes) };
  const { email = '' } = values;
  const plain = (template: string) =>
    fill(template, { ...all, email: addressInText(email) }, (value) => value);
  const markup = (template: string) =>
    fill(escapeHtml(template), { ...all, email: addressInHtml(email) }, escapeHtml).replaceAll('\n', '<br>');
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

function fill(
  template: string,
  values: MailValues & { readonly duration: string },
  write: (value: string) => string,
): string {
  return template.replace(/\{(app|duration|minutes|code|email)\}/g, (_, name: keyof typeof values) =>
    write(String(values[name] ?? '')),
  );
}

/** `90 minutes`, `24 hours`, `7 days`: rounded down, so that nobody comes too late. */
function durationIn(language: string, minutes = 0): string {
  const [amount, unit] =
    minutes < 120 ? [minutes, 'minute'] : minutes < 2880 ? [minutes / 60, 'hour'] : [minutes / 1440, 'day'];
  return new Intl.NumberFormat(language, { style: 'unit', unit, unitDisplay: 'long' }).format(
    Math.floor(amount),
  );
}

function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
