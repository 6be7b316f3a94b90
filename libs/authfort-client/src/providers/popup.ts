import { AuthClientError, clientError } from '../errors/auth-client.error.js';
import { isObject } from '../http/transport.js';
import type { WireAuth, WireMfa } from '../http/wire.js';

/**
 * Opens the provider's sign-in in a window and waits for the auth server's page in it to report.
 * @throws AuthClientError `popup_blocked`, `popup_closed`, or the code that the page reports
 */
export async function signInByPopup(url: string): Promise<WireAuth | WireMfa> {
  const popup = window.open(url, 'authfort', 'width=500,height=650');
  if (!popup) throw clientError('popup_blocked');
  const { origin } = new URL(url, location.href);
  return new Promise((resolve, reject) => {
    const onMessage = ({ source, origin: sender, data }: MessageEvent<unknown>) => {
      // Any page that knows this window can post to it: only messages of the auth server's own window count.
      if (source !== popup || sender !== origin || !isObject(data)) return;
      const { error, message } = data as { error?: unknown; message?: unknown };
      if (typeof error === 'string') finish(new AuthClientError(String(message), error, 0));
      else if ('user' in data || 'mfa_required' in data) {
        resolve(data as WireAuth | WireMfa);
        finish();
      }
    };
    const look = setInterval(() => {
      if (popup.closed) finish(clientError('popup_closed'));
    }, 300);
    /** Without an error the promise has been resolved, and a rejection has no effect. */
    const finish = (error?: AuthClientError) => {
      clearInterval(look);
      removeEventListener('message', onMessage);
      popup.close();
      reject(error as AuthClientError);
    };
    addEventListener('message', onMessage);
  });
}
