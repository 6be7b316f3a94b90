import { AuthClientError, type SignInResult } from 'authfort-client';
import { loggedFetch } from './activity.js';
import { tell } from './dom.js';

/** An answer of the auth server that is not a good one. */
class Refusal extends Error {}

/** Does it, and says in words what went wrong. */
export async function attempt(action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (error) {
    if (error instanceof AuthClientError) tell(`${error.message} (${error.code})`, 'bad');
    else tell(error instanceof Refusal ? error.message : 'No answer: is there a network?', 'bad');
  }
}

/** Asks the auth server for something that the client has no method for. @returns its message */
export async function post(url: string, body: object): Promise<string> {
  const response = await loggedFetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const { error, message } = (await response.json().catch(() => ({}))) as Record<string, string>;
  if (!response.ok) throw new Refusal(`${message ?? 'refused'} (${error ?? response.status})`);
  return message ?? '';
}

/** Says how a sign-in went. */
export function welcome(result: SignInResult): void {
  if ('mfaRequired' in result) tell('A second factor is needed.');
  else if (result.sessionId) tell(`Welcome, ${result.email}.`);
  else tell(`A link was mailed to ${result.email}. Follow it, then sign in.`);
}
