import type { AuthClient } from 'authfort-client';
import { attempt, welcome } from './attempt.js';
import { byId, onClick, onSubmit, tell } from './dom.js';

/** The sign-in form, and who is signed in. */
export function showAccount(auth: AuthClient, authUrl: string): void {
  onSubmit(byId<HTMLFormElement>('sign-in-form'), async (fields, action) => {
    const credentials = { email: String(fields.get('email')), password: String(fields.get('password')) };
    await attempt(async () => {
      welcome(action === 'sign-up' ? await auth.signUp(credentials) : await auth.signIn(credentials));
      byId<HTMLFormElement>('sign-in-form').reset();
    });
  });
  onClick(byId('ask-me'), () =>
    attempt(async () => {
      const user = await auth.getUser();
      tell(`The auth server says: ${user.email}.`);
    }),
  );
  onClick(byId('mail-again'), () =>
    attempt(async () => {
      const { ok, status } = await auth.fetch(`${authUrl}/verify-email/request`, { method: 'POST' });
      if (ok) tell('A mail with a link is on its way.');
      else tell(`The auth server has answered ${status}.`, 'bad');
    }),
  );
  onClick(byId('sign-out'), () =>
    attempt(async () => {
      await auth.signOut();
      tell('Signed out, in every tab.');
    }),
  );
  onClick(byId('sign-out-everywhere'), () =>
    attempt(async () => {
      const { ok, status } = await auth.fetch(`${authUrl}/sessions`, { method: 'DELETE' });
      if (!ok) return tell(`The auth server has answered ${status}: you are signed in still.`, 'bad');
      await auth.signOut();
      tell('Signed out on every device.');
    }),
  );
  auth.subscribe(() => render(auth));
  setInterval(() => renderLife(auth), 1000);
  render(auth);
}

function render(auth: AuthClient): void {
  const { state, user } = auth.getSnapshot();
  byId('signed-out').hidden = state !== 'unauthenticated' && state !== 'mfa_pending';
  for (const id of ['account', 'orders', 'unread']) byId(id).hidden = state !== 'authenticated';
  byId('email').textContent = user?.email ?? '';
  byId('confirmed').textContent = user?.emailVerified ? 'yes' : 'not yet';
  byId('mail-again').hidden = user?.emailVerified ?? true;
  byId('roles').textContent = user?.roles.join(', ') || 'none';
  byId('session').textContent = user?.sessionId ?? '';
  renderLife(auth);
}

/** How long the access token still lives. It ends by itself; the next request refreshes it. */
function renderLife(auth: AuthClient): void {
  const { expiresAt } = auth.getSnapshot();
  const left = expiresAt === null ? 0 : Math.max(0, Math.round((expiresAt - Date.now()) / 1000));
  byId<HTMLProgressElement>('life').value = left;
  const minutes = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, '0')}`;
  byId('life-text').textContent =
    expiresAt === null
      ? 'unknown'
      : left > 0
        ? `ends in ${minutes}`
        : 'has ended; the next request refreshes it';
}
