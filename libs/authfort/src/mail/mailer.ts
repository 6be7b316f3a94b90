import { Inject, Injectable } from '@nestjs/common';
import { AUTHFORT_CONFIG, type AuthFortConfig } from '../options/auth-fort.config.js';
import { type MailName, type MailText, MailTransport } from '../options/mail.options.js';
import { builtInTexts } from './mail-texts.js';
import { type MailValues, renderMail } from './render-mail.js';

/** Writes mails in the reader's language and hands them to the transport. Call it from the outbox, never from a request. */
@Injectable()
export class Mailer {
  constructor(
    private readonly transport: MailTransport,
    @Inject(AUTHFORT_CONFIG) private readonly config: AuthFortConfig,
  ) {}

  /** @param languages as in `Accept-Language` (RFC 9110 §12.5.4); the first that there is a text for counts, then English */
  async send(
    name: MailName,
    to: string,
    languages: string | null,
    values: Omit<MailValues, 'app'>,
  ): Promise<void> {
    const { appName, from } = this.config.mail;
    const mail = renderMail(this.textOf(name, languages), { app: appName, ...values });
    await this.transport.send({ from, to, ...mail });
  }

  /** The address of a page of the frontend, with a token. */
  link(page: string, token: string): string {
    const { frontendUrl } = this.config;
    return `${(frontendUrl ?? '').replace(/\/$/, '')}/${page}?token=${token}`;
  }

  private textOf(name: MailName, languages: string | null): MailText {
    const { translations } = this.config.mail;
    const wanted = (languages ?? '')
      .split(',')
      .map((range) => range.split(';')[0]!.trim().toLowerCase().split('-')[0]!);
    const found = [...wanted, 'en']
      .map((language) => translations[language]?.[name] ?? builtInTexts[language]?.[name])
      .find((text) => text !== undefined);
    return found!;
  }
}
