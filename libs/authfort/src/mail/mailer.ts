import { Inject, Injectable } from '@nestjs/common';
import { AUTHFORT_CONFIG, type AuthFortConfig } from '../options/auth-fort.config.js';
import { type MailName, type MailText, MailTransport } from '../options/mail.options.js';
import { acceptedLanguages } from './accepted-languages.js';
import { builtInTexts } from './mail-texts.js';
import { type MailValues, renderMail } from './render-mail.js';

/** Writes mails in the reader's language and hands them to the transport. Call it from the outbox, never from a request. */
@Injectable()
export class Mailer {
  constructor(
    private readonly transport: MailTransport,
    @Inject(AUTHFORT_CONFIG) private readonly config: AuthFortConfig,
  ) {}

  /** @param languages as in `Accept-Language` (RFC 9110 §12.5.4); the most wanted that there is a text for counts, then English */
  async send(
    name: MailName,
    to: string,
    languages: string | null,
    values: Omit<MailValues, 'app'>,
  ): Promise<void> {
    const { appName, from } = this.config.mail;
    const [language, text] = this.textOf(name, languages);
    const mail = renderMail(text, { app: appName, ...values }, language);
    const failure: unknown = await this.transport.send({ from, to, ...mail }).then(
      () => undefined,
      (error: unknown) => error ?? new Error('The transport failed'),
    );
    // Some transports repeat the mail in their errors, and those are logged and kept with the row.
    if (failure !== undefined)
      throw new Error(withoutSecrets(failure instanceof Error ? failure.message : String(failure), values));
  }

  /** The address of a page of the frontend, with a token. Without `frontendUrl` it has no host. */
  link(page: string, token: string): string {
    return `${(this.config.frontendUrl ?? '').replace(/\/+$/, '')}/${page}?token=${encodeURIComponent(token)}`;
  }

  private textOf(name: MailName, languages: string | null): [language: string, text: MailText] {
    const { translations } = this.config.mail;
    for (const language of acceptedLanguages(languages)) {
      const text = translations[language]?.[name] ?? builtInTexts[language]?.[name];
      if (text) return [language, text];
    }
    return ['en', translations.en?.[name] ?? builtInTexts.en![name]];
  }
}

function withoutSecrets(text: string, { link, code }: Omit<MailValues, 'app'>): string {
  const token = link?.split('token=')[1];
  return [token, code].reduce<string>(
    (rest, secret) => (secret ? rest.replaceAll(secret, '[…]') : rest),
    text,
  );
}
