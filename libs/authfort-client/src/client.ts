import { type AuthClientError, clientError, invalidResponse, isRefusal } from './errors/auth-client.error.js';
import { createOriginCheck } from './http/api-origins.js';
import { type AuthRequest, checkedBaseUrl, createTransport } from './http/transport.js';
import { toUser, type WireSignIn, type WireUser } from './http/wire.js';
import { signInByPopup } from './providers/popup.js';
import { takeMfaToken } from './providers/redirect.js';
import { orAbort } from './session/or-abort.js';
import { createKeeper } from './session/refresh-token.keeper.js';
import { createSchedule } from './session/schedule.js';
import { Session } from './session/session.js';
import { createStore } from './session/store.js';
import type {
  AuthClient,
  AuthClientConfig,
  AuthUser,
  ProviderOptions,
  RequestOptions,
  SignInResult,
} from './types.js';

/**
 * Makes the client of an auth server. It does nothing until it is asked to: call `initialize()` when the page starts.
 * @throws AuthClientError `invalid_base_url`, `invalid_api_origin`, `missing_token_storage`
 */
export function createAuthClient(config: AuthClientConfig): AuthClient {
  const { tokenStorage, refreshBuffer = 30, timeout = 10 } = config;
  const bearer = config.tokenMode === 'bearer';
  if (bearer && !tokenStorage) throw clientError('missing_token_storage');
  // The global one is looked up for each request: pages and tests replace it.
  const send: typeof fetch = config.fetch ?? ((input, init) => fetch(input, init));
  const baseUrl = checkedBaseUrl(config.baseUrl);
  const isOwn = createOriginCheck(baseUrl, config.apiOrigins);
  const request = createTransport(baseUrl, bearer ? 'omit' : 'include', timeout * 1000, send);
  const store = createStore();
  const schedule = createSchedule(refreshBuffer * 1000, wake);
  const session = new Session(
    request,
    store,
    bearer ? createKeeper(tokenStorage!) : undefined,
    `authfort:${baseUrl}:${bearer ? (tokenStorage!.name ?? 'bearer') : ''}`,
    (end) => bearer && schedule.tokensEnd(end),
  );
  let starting: Promise<void> | undefined;

  function initialize(): Promise<void> {
    starting ??= start().catch((error: unknown) => {
      starting = undefined;
      schedule.soon();
      throw error;
    });
    return starting;
  }

  async function start(): Promise<void> {
    const mfaToken = takeMfaToken();
    if (mfaToken) return session.awaitMfa(mfaToken);
    try {
      if (bearer) await session.refresh(session.mark);
      else await getUser();
    } catch (error) {
      if (!isRefusal(error)) throw error;
    }
  }

  /** A timer has gone off, or the page is seen again: after sleep, or after a time without a network. */
  function wake(): void {
    const { state } = store.get();
    if (state === 'loading' && !starting) initialize().catch(() => undefined);
    else if (bearer && state === 'authenticated' && schedule.due())
      session.refresh(session.mark).catch(() => schedule.soon());
  }

  function signInAt(path: string, body: object, options?: RequestOptions): Promise<SignInResult> {
    return orAbort(
      session.signIn(() => request<WireSignIn>(path, { body, ...options })),
      options?.signal,
    );
  }

  async function post(path: string, body: object, options?: AuthRequest): Promise<void> {
    await request(path, { body, ...options });
  }

  async function signInWithProvider(
    provider: string,
    { mode, redirectTo }: ProviderOptions = {},
  ): Promise<SignInResult> {
    if (typeof location !== 'object') throw clientError('no_browser');
    const popup = mode === 'popup';
    const query = new URLSearchParams({
      ...(redirectTo && { redirect_to: redirectTo }),
      ...(popup && { mode }),
    });
    const url = `${baseUrl}/oauth/${encodeURIComponent(provider)}/authorize?${query}`;
    if (popup) {
      const answer = await signInByPopup(url);
      return session.signIn(() => Promise.resolve(answer));
    }
    location.assign(url);
    return new Promise<never>(() => undefined);
  }

  async function getUser(options?: RequestOptions): Promise<AuthUser> {
    const { epoch } = session;
    const answer = await withSession(
      (token) =>
        request<WireUser>('/me', { method: 'GET', token, ...options }).catch((error: unknown) =>
          isRefusal(error) ? error : Promise.reject(error as Error),
        ),
      isRefusal,
      options?.signal,
    );
    if (isRefusal(answer)) throw answer;
    const user = toUser(answer);
    session.confirm(user, epoch);
    return user;
  }

  async function getToken(): Promise<string | null> {
    if (bearer && session.token === null) await session.refresh(session.mark);
    return session.token;
  }

  /**
   * Sends with the session; refreshes when it is refused, and sends again. What another tab has refreshed may have ended by now, so there
   * may be a second time.
   */
  async function withSession<T>(
    attempt: (token: string | null) => Promise<T>,
    refused: (result: T) => boolean,
    signal?: AbortSignal | null,
  ): Promise<T> {
    for (let time = 0; ; time += 1) {
      const token = await orAbort(getToken(), signal);
      const { mark } = session;
      const result = await attempt(token);
      if (!refused(result) || time === 2) return result;
      const outcome = await orAbort(session.refresh(mark), signal);
      if (outcome === 'over') return result;
      if (outcome === 'refreshed') time = 1;
    }
  }

  return {
    initialize,
    getSnapshot: store.get,
    subscribe: store.subscribe,
    onAuthStateChange: store.watch,
    signUp: async ({ avatarUrl, ...data }, options) =>
      signedIn(await signInAt('/signup', { ...data, avatar_url: avatarUrl }, options)),
    signIn: ({ email, password }, options) => signInAt('/login', { email, password }, options),
    verifyMFA: async (code, options) => {
      try {
        return signedIn(await signInAt('/mfa/verify', { mfa_token: session.mfaToken(), code }, options));
      } catch (error) {
        // It has expired, or it was never the server's: there is nothing left to wait for.
        if ((error as AuthClientError).code === 'invalid_mfa_token') session.endMfa();
        throw error;
      }
    },
    signInWithProvider,
    requestMagicLink: (email, options) => post('/magic-link', { email }, options),
    verifyMagicLink: (token, options) => signInAt('/magic-link/verify', { token }, options),
    requestOTP: (email, options) => post('/otp', { email }, options),
    verifyOTP: (email, code, options) => signInAt('/otp/verify', { email, code }, options),
    verifyEmail: async (token, options) => {
      // With the session, the server knows that the holder of the account reads the mail.
      await post('/verify-email', { token }, { token: session.token, ...options });
      const { state, user } = store.get();
      if (state === 'authenticated' && user) session.confirm({ ...user, emailVerified: true });
    },
    signOut: (options) =>
      orAbort(
        session.signOut((body) => post('/logout', body, options)),
        options?.signal,
      ),
    getUser,
    getToken,
    fetch: async (input, init) => {
      const plain = new Request(input, init);
      if (!isOwn(plain.url)) return send(plain);
      const original = bearer ? plain : new Request(plain, { credentials: 'include' });
      return withSession(
        (token) => {
          const copy = original.clone();
          if (token) copy.headers.set('authorization', `Bearer ${token}`);
          return send(copy);
        },
        ({ status }) => status === 401,
        original.signal,
      );
    },
    dispose: () => {
      schedule.dispose();
      session.dispose();
    },
  };
}

function signedIn(result: SignInResult): AuthUser {
  if ('mfaRequired' in result) throw invalidResponse();
  return result;
}
