import { type Mail, MailTransport } from '../options/mail.options.js';

/** Keeps mails in memory, for tests. */
export class MemoryMail extends MailTransport {
  /** All mails, oldest first. */
  readonly mails: Mail[] = [];

  override send(mail: Mail): Promise<void> {
    this.mails.push(mail);
    return Promise.resolve();
  }

  /** The newest mail to an address. */
  last(to: string): Mail | undefined {
    return this.mails.findLast((mail) => mail.to === to);
  }
}
