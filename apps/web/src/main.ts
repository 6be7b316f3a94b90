import { AuthClientError, createAuthClient } from 'authfort-client';
import { showAccount } from './account.js';
import { loggedFetch } from './activity.js';
import { showWaysByMail } from './by-mail.js';
import { readConfig } from './config.js';
import { tell } from './dom.js';
import { showMailLink, takeMailLink } from './mail-link.js';
import { showServices } from './services.js';

const mailLink = takeMailLink();
const { authUrl, ordersUrl, notificationsUrl } = await readConfig();
const auth = createAuthClient({ baseUrl: authUrl, tokenMode: 'cookie', fetch: loggedFetch });

showAccount(auth, authUrl);
showWaysByMail(auth, authUrl);
showServices(auth, ordersUrl, notificationsUrl);
try {
  await auth.initialize();
} catch (error) {
  // The client goes on trying; the page follows.
  const end = auth.onAuthStateChange((state) => {
    if (state === 'loading') return;
    tell('');
    end();
  });
  tell(error instanceof AuthClientError ? `${error.message}. Trying again…` : String(error), 'bad');
}
if (mailLink) showMailLink(auth, authUrl, mailLink);
