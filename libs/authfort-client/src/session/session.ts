import { clientError, invalidResponse, isRefusal } from '../errors/auth-client.error.js';
import type { Transport } from '../http/transport.js';
import { toUser, type WireAuth, type WireMfa, type WireSignIn } from '../http/wire.js';
import type { AuthUser, SignInResult } from '../types.js';
import { pause, persistently } from './persistently.js';
import type { RefreshTokenKeeper } from './refresh-token.keeper.js';
import type { Store } from './store.js';
import { endOf, type Mark, Tabs, type TabMessage } from './tabs.js';

/** `adopted`: another tab has refreshed. `over`: the server has said that there is no session. */
export type RefreshOutcome = 'refreshed' | 'adopted' | 'over';

/**
 * The server answers a repeated refresh for 30 s with the same tokens. A repeat after that would look like theft, so an attempt whose
 * answer was lost is repeated within this time or not at all.
 */
const REFRESH_BUDGET_MS = 25_000;
const SIGN_OUT_BUDGET_MS = 5_000;
/** How long to wait for the tokens that another tab has announced. */
const ADOPTION_MS = 1_000;

/** The tokens of this page, kept in step with the other tabs: one of them refreshes at a time, and each learns what came of it. */
export class Session {
  readonly #request: Transport;
  readonly #store: Store;
  readonly #keeper: RefreshTokenKeeper | undefined;
  readonly #onTokens: (expiresAt: number) => void;
  readonly #tabs: Tabs;
  /** Bearer mode only. */
  #token: string | null = null;
  #tokenMark: Mark | undefined;
  #mfaToken: string | undefined;
  #refreshing: Promise<RefreshOutcome> | undefined;
  /** Changes with the session: what was asked about an earlier one is no news. */
  epoch = 0;

  /**
   * @param keeper keeps the refresh token; none in cookie mode
   * @param onTokens called with the moment at which new tokens end (ms since 1970); Infinity when there are none any more
   */
  constructor(
    request: Transport,
    store: Store,
    keeper: RefreshTokenKeeper | undefined,
    name: string,
    onTokens: (expiresAt: number) => void,
  ) {
    this.#request = request;
    this.#store = store;
    this.#keeper = keeper;
    this.#onTokens = onTokens;
    const shared = typeof document === 'object' && keeper?.shared !== false;
    this.#tabs = new Tabs(name, shared, (message) => this.#hear(message));
  }

  /** Names the tokens that a request is made with: a refresh that follows its 401 is for these. */
  get mark(): Mark | undefined {
    return this.#keeper ? this.#tokenMark : this.#tabs.mark;
  }

  /** The access token, while it is good. */
  get token(): string | null {
    return this.#tokenMark && endOf(this.#tokenMark) > Date.now() ? this.#token : null;
  }

  /** Runs a sign-in, while no other tab refreshes or signs in or out. */
  signIn(request: () => Promise<WireSignIn>): Promise<SignInResult> {
    return this.#tabs.lock(async () => {
      const answer = await request();
      const mfa = answer as WireMfa | null;
      if (!mfa?.mfa_required) return this.#accept(answer as WireAuth, true);
      this.awaitMfa(mfa.mfa_token);
      return { mfaRequired: true, expiresIn: mfa.expires_in ?? 300 };
    });
  }

  awaitMfa(mfaToken: string): void {
    this.#mfaToken = mfaToken;
    this.#store.set('mfa_pending');
  }

  /** The sign-in that waited for a second factor is over. */
  endMfa(): void {
    this.#mfaToken = undefined;
    this.#store.set('unauthenticated');
  }

  /** @throws AuthClientError `mfa_not_pending` */
  mfaToken(): string {
    if (this.#mfaToken === undefined) throw clientError('mfa_not_pending');
    return this.#mfaToken;
  }

  /** The server has shown the user: there is a session, unless it has been another since `epoch`. */
  confirm(user: AuthUser, epoch = this.epoch): void {
    const { mark } = this;
    if (epoch === this.epoch) this.#store.set('authenticated', user, mark ? endOf(mark) : null);
  }

  /** @param known the mark of the tokens that are no longer good. @throws AuthClientError when nothing could be decided */
  refresh(known: Mark | undefined): Promise<RefreshOutcome> {
    this.#refreshing ??= persistently(async () => {
      // A tab without a token takes over only what is refreshed while it waits: it was not there to hear of what came before.
      const before = this.#keeper && !known ? await this.#tabs.newest() : known;
      return this.#tabs.lock(() => this.#attempt(before));
    }, REFRESH_BUDGET_MS).finally(() => (this.#refreshing = undefined));
    return this.#refreshing;
  }

  /** Ends the session. @throws AuthClientError in cookie mode, when the server could not be told */
  signOut(request: (body: object) => Promise<unknown>): Promise<void> {
    return this.#tabs.lock(async () => {
      try {
        const refreshToken = await this.#keeper?.get();
        const body = refreshToken ? { refresh_token: refreshToken } : {};
        await persistently(() => request(body), SIGN_OUT_BUDGET_MS);
      } catch (error) {
        if (!this.#keeper) throw error;
      }
      this.#mfaToken = undefined;
      await this.#forget(true);
    });
  }

  dispose(): void {
    this.#tabs.close();
  }

  async #attempt(known: Mark | undefined): Promise<RefreshOutcome> {
    const newest = await this.#tabs.newest();
    if (newest && newest !== known && endOf(newest) > Date.now() && (await this.#holds(newest))) {
      this.#tabs.mark = newest;
      return 'adopted';
    }
    const refreshToken = await this.#keeper?.get();
    if (this.#keeper && !refreshToken) {
      this.#lose();
      return 'over';
    }
    try {
      const body = refreshToken ? { refresh_token: refreshToken } : {};
      await this.#accept(await this.#request<WireAuth>('/refresh', { body }), false);
      return 'refreshed';
    } catch (error) {
      if (!isEnd(error)) throw error;
      // Where tabs cannot be kept apart, another one may have signed in meanwhile.
      if (this.#keeper && (await this.#keeper.get()) !== refreshToken) return this.#attempt(known);
      // A tab that knows of no session has nothing to tell.
      await this.#forget(this.#store.get().state === 'authenticated');
      return 'over';
    }
  }

  /** In cookie mode the browser holds them already. */
  async #holds(mark: Mark): Promise<boolean> {
    for (let waited = 0; this.#keeper && this.#tokenMark !== mark; waited += 20) {
      if (waited >= ADOPTION_MS) return false;
      await pause(20);
    }
    return true;
  }

  async #accept(answer: WireAuth, fresh: boolean): Promise<AuthUser> {
    const { tokens } = Object(answer) as WireAuth;
    // A new account whose address must be verified first: WireUnverified.
    if (fresh && tokens === null) return toUser(answer.user);
    const token = tokens?.access_token;
    if (typeof token !== 'string') throw invalidResponse();
    const user = toUser(answer.user);
    const expiresAt = Date.now() + (tokens.expires_in || 900) * 1000;
    if (fresh) this.epoch += 1;
    await this.#keeper?.set(tokens.refresh_token, fresh);
    this.#take(user, token, await this.#tabs.signedIn(user, this.#keeper ? token : null, expiresAt));
    return user;
  }

  async #forget(tell: boolean): Promise<void> {
    await this.#keeper?.clear();
    if (tell) this.#tabs.signedOut();
    this.#lose();
  }

  #lose(): void {
    this.#token = null;
    this.#tokenMark = undefined;
    this.epoch += 1;
    if (this.#mfaToken === undefined) this.#store.set('unauthenticated');
    this.#onTokens(Infinity);
  }

  #take(user: AuthUser, token: string | null, mark: Mark): void {
    if (this.#keeper) this.#token = token;
    this.#tokenMark = mark;
    this.#mfaToken = undefined;
    const end = endOf(mark);
    this.#store.set('authenticated', user, end);
    this.#onTokens(end);
  }

  #hear(message: TabMessage): void {
    this.#keeper?.drop();
    if (!message) return this.#lose();
    const { user, token, mark } = message;
    const old = this.#store.get().user;
    if (old?.id !== user.id || old.sessionId !== user.sessionId) this.epoch += 1;
    this.#take(user, token, mark);
  }
}

/** A gateway between has a 401 with other codes. */
const OURS = /^(refresh_token|token|session|user)_/;

/** Only a response of the auth server ends a session: 401, or that the account is banned or must verify its address. */
function isEnd(error: unknown): boolean {
  const { code } = error as { code?: string };
  return /^(user_ban|email_not)/.test(code!) || (isRefusal(error) && OURS.test(code!));
}
