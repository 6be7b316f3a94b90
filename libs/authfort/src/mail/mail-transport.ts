import { Logger } from '@nestjs/common';
import type { AuthFortConfig } from '../options/auth-fort.config.js';
import { MailTransport } from '../options/mail.options.js';
import { ConsoleTransport } from './console.transport.js';
import { SmtpTransport } from './smtp.transport.js';

/** The transport that the options name; without any, mails are printed in development. */
export function mailTransport({
  mail,
  production,
}: Pick<AuthFortConfig, 'mail' | 'production'>): MailTransport {
  if (mail.transport) return mail.transport;
  if (mail.smtpUrl !== undefined) return new SmtpTransport(mail.smtpUrl);
  return production ? new NoTransport() : new ConsoleTransport();
}

/** Production without mail: links and codes are not for a log. */
class NoTransport extends MailTransport {
  private readonly logger = new Logger('Mail');

  override send({ subject: _ }: { subject: string }): Promise<void> {
    this.logger.warn('A mail was not sent: set mail.smtpUrl (SMTP_URL) or mail.transport');
    return Promise.resolve();
  }
}
