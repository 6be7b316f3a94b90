import type { AuthClient } from 'authfort-client';
import { attempt, post, welcome } from './attempt.js';
import { byId, onClick, onSubmit, tell } from './dom.js';

/** A link of a mail that this page was opened with. */
export interface MailLink {
  readonly page: keyof typeof pages;
  readonly token: string;
}

interface Deed {
  readonly auth: AuthClient;
  readonly authUrl: string;
  readonly token: string;
  readonly password: string;
}

/** What the links are for. Each waits for a click: programs that look into mails open links, too. */
const pages = {
  'verify-email': {
    title: 'Confirm your address',
    text: 'This says that the address is yours. If you have not signed up here, leave it.',
    button: 'Confirm address',
    act: async ({ auth, token }: Deed) => {
      await auth.verifyEmail(token);
      tell('The address is confirmed.');
    },
  },
  'reset-password': {
    title: 'Choose a new password',
    text: 'It signs you out everywhere; then sign in with it.',
    button: 'Set password',
    act: async ({ authUrl, token, password }: Deed) => {
      tell(`${await post(`${authUrl}/reset-password`, { token, new_password: password })}.`);
    },
  },
  'magic-link': {
    title: 'Sign in',
    text: 'This link signs you in, once.',
    button: 'Sign in',
    act: async ({ auth, token }: Deed) => welcome(await auth.verifyMagicLink(token)),
  },
  'confirm-email': {
    title: 'Confirm your new address',
    text: 'This makes it the address of your account. If you know nothing of this, leave it.',
    button: 'Confirm address',
    act: async ({ authUrl, token }: Deed) => {
      tell(`${await post(`${authUrl}/email-change/confirm`, { token })}.`);
    },
  },
} as const;

/** Reads the link, and takes its token out of the address bar and the history before anything else happens. */
export function takeMailLink(): MailLink | undefined {
  const { pathname, search } = location;
  const page = pathname.slice(1);
  if (pathname === '/') return undefined;
  history.replaceState(null, '', '/');
  const token = new URLSearchParams(search).get('token');
  return token && isPage(page) ? { page, token } : undefined;
}

/** Shows what the link is for, in the place of everything else, until it is done or put off. */
export function showMailLink(auth: AuthClient, authUrl: string, { page, token }: MailLink): void {
  const { title, text, button, act } = pages[page];
  const main = byId('main');
  const card = byId<HTMLTemplateElement>('mail-link-template').content.cloneNode(true) as DocumentFragment;
  main.prepend(card);
  main.classList.add('one-thing');
  byId('mail-link-title').textContent = title;
  byId('mail-link-text').textContent = text;
  byId('mail-link-go').textContent = button;
  if (page !== 'reset-password') byId('new-password-fields').remove();
  const close = () => {
    byId('mail-link').remove();
    main.classList.remove('one-thing');
  };
  onClick(byId<HTMLButtonElement>('mail-link-cancel'), async () => close());
  onSubmit(byId<HTMLFormElement>('mail-link-form'), (fields) =>
    attempt(async () => {
      await act({ auth, authUrl, token, password: String(fields.get('new-password')) });
      close();
      // Whoever is signed in may have another address now, or be signed out.
      if (auth.getSnapshot().state === 'authenticated') await auth.getUser().catch(() => undefined);
      else byId('sign-in-email').focus();
    }),
  );
}

function isPage(name: string): name is MailLink['page'] {
  return Object.hasOwn(pages, name);
}
