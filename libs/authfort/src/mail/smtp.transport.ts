import type { OnApplicationShutdown } from '@nestjs/common';
import { createTransport, type Transporter } from 'nodemailer';
import { type Mail, MailTransport } from '../options/mail.options.js';

const TIMEOUT_MS = 15_000;

/** Sends by SMTP, over a few connections that stay open. */
export class SmtpTransport extends MailTransport implements OnApplicationShutdown {
  private readonly transporter: Transporter;

  /**
   * @param url `smtp://user:password@host:port` or `smtps://…`; options of nodemailer as its query. A password is sent over TLS only,
   * unless the query has `requireTLS=false`.
   */
  constructor(url: string) {
    super();
    this.transporter = createTransport({
      url,
      pool: true,
      maxConnections: 4,
      connectionTimeout: TIMEOUT_MS,
      greetingTimeout: TIMEOUT_MS,
      socketTimeout: TIMEOUT_MS,
      // Otherwise whoever stands in between has only to hide STARTTLS (RFC 3207 §6).
      requireTLS: new URL(url).password !== '',
    } as object);
  }

  override async send({ to, ...mail }: Mail): Promise<void> {
    await this.transporter.sendMail({
      ...mail,
      // One address, not a list to be parsed.
      to: { name: '', address: to },
      // No out-of-office notes to the sender (RFC 3834 §5).
      headers: { 'Auto-Submitted': 'auto-generated' },
      disableFileAccess: true,
      disableUrlAccess: true,
    });
  }

  /**
   * Not earlier: the outbox finishes its mails in `beforeApplicationShutdown`. A mail that is still being sent fails; the outbox sends it
   * again.
   */
  onApplicationShutdown(): void {
    // The types of nodemailer lack the option.
    const transporter = this.transporter as unknown as { close(options: { force: boolean }): void };
    transporter.close({ force: true });
  }
}
