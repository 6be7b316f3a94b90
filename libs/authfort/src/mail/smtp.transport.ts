import type { OnModuleDestroy } from '@nestjs/common';
import { createTransport, type Transporter } from 'nodemailer';
import { type Mail, MailTransport } from '../options/mail.options.js';

const TIMEOUT_MS = 15_000;

/** Sends by SMTP, over a few connections that stay open. */
export class SmtpTransport extends MailTransport implements OnModuleDestroy {
  private readonly transporter: Transporter;

  /** @param url `smtp://user:password@host:port` or `smtps://…`; options of nodemailer as its query */
  constructor(url: string) {
    super();
    this.transporter = createTransport({
      url,
      pool: true,
      maxConnections: 4,
      connectionTimeout: TIMEOUT_MS,
      greetingTimeout: TIMEOUT_MS,
      socketTimeout: TIMEOUT_MS,
    } as object);
  }

  override async send(mail: Mail): Promise<void> {
    await this.transporter.sendMail({ ...mail, disableFileAccess: true, disableUrlAccess: true });
  }

  onModuleDestroy(): void {
    this.transporter.close();
  }
}
