import type { AuthClient } from 'authfort-client';
import { attempt, post, welcome } from './attempt.js';
import { byId, onClick, onSubmit, tell } from './dom.js';

/** The ways in that need a mail: a new password, a link, a code. All use the address in the sign-in form. */
export function showWaysByMail(auth: AuthClient, authUrl: string): void {
  const address = byId<HTMLInputElement>('sign-in-email');
  const codeForm = byId<HTMLFormElement>('code-form');
  let codeFor = '';

  function onAsk(id: string, ask: (email: string) => Promise<void>): void {
    onClick(byId<HTMLButtonElement>(id), async () => {
      if (address.reportValidity()) await attempt(() => ask(address.value));
    });
  }
  onAsk('forgot', async (email) => {
    tell(`${await post(`${authUrl}/forgot-password`, { email })}.`);
  });
  onAsk('ask-link', async (email) => {
    await auth.requestMagicLink(email);
    tell('If this address can sign in, a mail with a link is on its way.');
  });
  onAsk('ask-code', async (email) => {
    await auth.requestOTP(email);
    codeFor = email;
    byId('code-address').textContent = email;
    codeForm.hidden = false;
    byId('code').focus();
    tell('If this address can sign in, a mail with a code is on its way.');
  });
  onSubmit(codeForm, (fields) =>
    attempt(async () => {
      welcome(await auth.verifyOTP(codeFor, String(fields.get('code'))));
    }),
  );
  auth.onAuthStateChange((state) => {
    if (state !== 'authenticated') return;
    codeForm.reset();
    codeForm.hidden = true;
  });
}
