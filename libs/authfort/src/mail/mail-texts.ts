import type { MailTexts } from '../options/mail.options.js';

const english: MailTexts = {
  email_verification: {
    subject: 'Confirm your e-mail address',
    body: 'Welcome to {app}. Please confirm that this address is yours.',
    action: 'Confirm address',
    note: 'The link is good for {duration}. If you have not signed up at {app}, do nothing: please do not confirm.',
  },
  password_reset: {
    subject: 'Choose a new password',
    body: 'Somebody, probably you, wants a new password for your account at {app}.',
    action: 'Choose a new password',
    note: 'The link is good for {duration} and works once. If it was not you, do nothing: your password stays as it is.',
  },
  password_changed: {
    subject: 'Your password was changed',
    body: 'The password of your account at {app} was changed just now.',
    note: 'If it was not you, ask for a new password at once.',
  },
  magic_link: {
    subject: 'Your sign-in link',
    body: 'Here is the link to sign in to {app}.',
    action: 'Sign in',
    note: 'The link is good for {duration} and works once. If you have not asked for it, do nothing.',
  },
  email_otp: {
    subject: '{code} is your code',
    body: 'Your code to sign in to {app} is',
    note: 'It is good for {duration} and works once. Nobody from {app} will ever ask you for it. If you have not asked for it, do nothing.',
  },
  email_change: {
    subject: 'Confirm your new e-mail address',
    body: 'Please confirm that this is the new address of your account at {app}.',
    action: 'Confirm address',
    note: 'The link is good for {duration} and works once. If you know nothing of this, do nothing.',
  },
  email_change_requested: {
    subject: 'Your e-mail address is being changed',
    body: 'Somebody signed in to your account at {app} has asked to change its e-mail address to {email}.',
    note: 'If it was not you, sign out everywhere or change your password at once: either stops it.',
  },
  email_changed: {
    subject: 'Your e-mail address was changed',
    body: 'The e-mail address of your account at {app} was changed to {email}. Mails about the account go to the new address.',
    note: 'If it was not you, contact the support of {app}. This address can no longer be used to sign in or to choose a new password.',
  },
};

const german: MailTexts = {
  email_verification: {
    subject: 'Bestätigen Sie Ihre E-Mail-Adresse',
    body: 'Willkommen bei {app}. Bitte bestätigen Sie, dass diese Adresse Ihnen gehört.',
    action: 'Adresse bestätigen',
    note: 'Der Link gilt {duration}. Wenn Sie sich nicht bei {app} angemeldet haben, tun Sie nichts: Bitte bestätigen Sie nicht.',
  },
  password_reset: {
    subject: 'Wählen Sie ein neues Passwort',
    body: 'Jemand, vermutlich Sie, möchte ein neues Passwort für Ihr Konto bei {app}.',
    action: 'Neues Passwort wählen',
    note: 'Der Link gilt {duration} und nur einmal. Waren Sie es nicht, tun Sie nichts: Ihr Passwort bleibt, wie es ist.',
  },
  password_changed: {
    subject: 'Ihr Passwort wurde geändert',
    body: 'Das Passwort Ihres Kontos bei {app} wurde soeben geändert.',
    note: 'Waren Sie es nicht, fordern Sie sofort ein neues Passwort an.',
  },
  magic_link: {
    subject: 'Ihr Anmeldelink',
    body: 'Mit diesem Link melden Sie sich bei {app} an.',
    action: 'Anmelden',
    note: 'Der Link gilt {duration} und nur einmal. Haben Sie ihn nicht angefordert, tun Sie nichts.',
  },
  email_otp: {
    subject: '{code} ist Ihr Code',
    body: 'Ihr Code zur Anmeldung bei {app} lautet',
    note: 'Er gilt {duration} und nur einmal. Niemand von {app} wird Sie je danach fragen. Haben Sie ihn nicht angefordert, tun Sie nichts.',
  },
  email_change: {
    subject: 'Bestätigen Sie Ihre neue E-Mail-Adresse',
    body: 'Bitte bestätigen Sie, dass dies die neue Adresse Ihres Kontos bei {app} ist.',
    action: 'Adresse bestätigen',
    note: 'Der Link gilt {duration} und nur einmal. Wissen Sie nichts davon, tun Sie nichts.',
  },
  email_change_requested: {
    subject: 'Ihre E-Mail-Adresse wird geändert',
    body: 'Jemand, der in Ihrem Konto bei {app} angemeldet ist, möchte die E-Mail-Adresse in {email} ändern.',
    note: 'Waren Sie es nicht, melden Sie sich überall ab oder ändern Sie sofort Ihr Passwort: Beides hält es auf.',
  },
  email_changed: {
    subject: 'Ihre E-Mail-Adresse wurde geändert',
    body: 'Die E-Mail-Adresse Ihres Kontos bei {app} wurde in {email} geändert. Mails zum Konto gehen an die neue Adresse.',
    note: 'Waren Sie es nicht, wenden Sie sich an den Support von {app}. Mit dieser Adresse können Sie sich nicht mehr anmelden und kein neues Passwort wählen.',
  },
};

/** What is there without any option. */
export const builtInTexts: Readonly<Record<string, MailTexts>> = { en: english, de: german };
