/** A mail, ready to be sent. */
export interface Mail {
  readonly from: string;
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

/** Sends mails: by SMTP, to the console, into memory; or as an app likes. */
export abstract class MailTransport {
  /** @throws Error when the mail could not be handed over; it is tried again later */
  abstract send(mail: Mail): Promise<void>;
}

/** The mails there are. */
export type MailName =
  | 'email_verification'
  | 'password_reset'
  | 'password_changed'
  | 'magic_link'
  | 'email_otp'
  | 'email_change'
  | 'email_change_requested'
  | 'email_changed';

/**
 * The words of a mail, as plain text. They may hold `{app}`, `{duration}` (`15 minutes`, in the language), `{minutes}`, `{code}` and `{email}`. A mail with a link shows it as a button that carries
 * `action`, a mail with a code shows that.
 */
export interface MailText {
  readonly subject: string;
  readonly body: string;
  /** Needed where the mail has a link. */
  readonly action?: string;
  /** Below, in small print. */
  readonly note?: string;
}

/** One language's mails. */
export type MailTexts = Record<MailName, MailText>;

/** How mails are sent, and what stands in them. */
export interface MailOptions {
  /**
   * `smtp://user:password@host:587` or `smtps://…`. Without it and without `transport`, mails are printed in development and dropped in
   * production. A password is sent over TLS only, unless the URL ends in `?requireTLS=false`.
   */
  smtpUrl?: string;
  /** A transport of one's own, instead of SMTP. */
  transport?: MailTransport;
  /** Sender: `no-reply@example.com` or `Shop <no-reply@example.com>`. Default `no-reply@localhost`; needed in production with `smtpUrl`. */
  from?: string;
  /** Name of the app, as mails write it. Default `AuthFort`. */
  appName?: string;
  /** Words instead of the built-in English and German ones, by language: `{ fr: { magic_link: { subject, body, action } } }`. */
  translations?: Record<string, Partial<MailTexts>>;
}
