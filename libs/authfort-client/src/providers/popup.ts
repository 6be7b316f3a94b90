import { AuthClientError } from '../errors/auth-client.error.js';
import type { WireAuth, WireMfa } from '../http/wire.js';

const SIZE = 'width=500,height=650';

/**
 * Opens the provider's sign-in in a window and waits for the auth server's page in it to report.
 * @throws AuthClientError `popup_blocked`, `popup_closed`, or the code that the page reports
 */
export async function signInByPopup(url: string): Promise<WireAuth | WireMfa> {
  const popup = window.open(url, 'authfort', SIZE);
  if (!popup) throw new AuthClientError('Popup blocked', 'popup_blocked', 0);
  const { origin } = new URL(url, location.href);
  return new Promise((resolve, reject) => {
    const onMessage = ({ source, origin: sender, data }: MessageEvent<unknown>) => {
      // Any page that knows this window can post to it: only the auth server's own window is listened to.
      if (source !== popup || sender !== origin || typeof data !== 'object' || data === null) return;
      const { error, message } = data as { error?: unknown; message?: unknown };
      if (typeof error === 'string') finish(() => reject(new AuthClientError(String(message), error, 0)));
      else if ('user' in data || 'mfa_required' in data) finish(() => resolve(data as WireAuth | WireMfa));
    };
    const look = setInterval(() => {
      if (popup.closed) finish(() => reject(new AuthClientError('Popup closed', 'popup_closed', 0)));
    }, 300);
    const finish = (settle: () => void) => {
      clearInterval(look);
      removeEventListener('message', onMessage);
      popup.close();
      settle();
    };
    addEventListener('message', onMessage);
  });
}
