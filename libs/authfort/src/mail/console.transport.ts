import { Logger } from '@nestjs/common';
import { type Mail, MailTransport } from '../options/mail.options.js';

/** Prints mails to the log, links and codes included: for development only. */
export class ConsoleTransport extends MailTransport {
  private readonly logger = new Logger('Mail');

  override send({ to, subject, text }: Mail): Promise<void> {
    this.logger.log(`To ${to}: ${subject}\n${text}`);
    return Promise.resolve();
  }
}
