import { Logger } from '@nestjs/common';
import type { AuthFortConfig } from '../options/auth-fort.config.js';
import { MailTransport } from '../options/mail.options.js';
import { ConsoleTransport } from './console.transport.js';
import { SmtpTransport } from './smtp.transport.js';

/** The transport that the options name; without any, mails are printed in development. Warns of what is missing, once. */
export function mailTransport({
  mail,
  frontendUrl,
  production,
}: Pick<AuthFortConfig, 'mail' | 'frontendUrl' | 'production'>): MailTransport {
  const sends = mail.transport !== undefined || mail.smtpUrl !== undefined;
  const logger = new Logger('Mail');
  if (sends && frontendUrl === undefined)
    logger.warn('frontendUrl (FRONTEND_URL) is not set: the links in mails lead nowhere');
  if (!sends && production)
    logger.warn('No mails will be sent: set mail.smtpUrl (SMTP_URL) or mail.transport');
  if (mail.transport) return mail.transport;
  if (mail.smtpUrl !== undefined) return new SmtpTransport(mail.smtpUrl);
  return production ? new NoTransport() : new ConsoleTransport();
}

/** Production without mail: links and codes are not for a log. */
class NoTransport extends MailTransport {
  override send(): Promise<void> {
    return Promise.resolve();
  }
}
