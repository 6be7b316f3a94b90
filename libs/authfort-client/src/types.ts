/** What the client knows of the session. `loading`: not asked yet, or the server could not be reached so far. */
export type AuthState = 'authenticated' | 'unauthenticated' | 'loading' | 'mfa_pending';

/** The signed-in user. */
export interface AuthUser {
  readonly id: string;
  readonly email: string;
  readonly name?: string;
  readonly phone?: string;
  readonly roles: readonly string[];
  readonly emailVerified: boolean;
  readonly avatarUrl?: string;
  /** ISO 8601. */
  readonly createdAt: string;
  readonly mfaEnabled: boolean;
  /** The session that the tokens belong to; stable while they are refreshed. */
  readonly sessionId?: string;
}

/** A sign-in that waits for the second factor: `verifyMFA(code)` completes it. */
export interface MfaChallenge {
  readonly mfaRequired: true;
  /** Seconds until it has to be begun anew. */
  readonly expiresIn: number;
}

/** What a sign-in leads to. */
export type SignInResult = AuthUser | MfaChallenge;

/** State, user and the end of the access token at one moment. The same object until something changes. */
export interface AuthSnapshot {
  readonly state: AuthState;
  readonly user: AuthUser | null;
  /** Milliseconds since 1970 by this device's clock; null when it is not known. */
  readonly expiresAt: number | null;
}

/** Keeps the refresh token in bearer mode. */
export interface TokenStorage {
  get(): Promise<string | null> | string | null;
  set(token: string): Promise<void> | void;
  clear(): Promise<void> | void;
  /** Tells storages apart that hold different sessions of one server. */
  readonly name?: string;
  /** Whether all tabs of this origin see the same token. Default true; `false` for storage of one tab only, which must not be copied when a tab is duplicated (as sessionStorage is). */
  readonly shared?: boolean;
}

/** Options of `createAuthClient`. */
export interface AuthClientConfig {
  /** The auth server's routes, for example `https://auth.example.com/auth`, or `/auth` on the same host. */
  baseUrl: string;
  /** `cookie` (default): HttpOnly cookies, no token in JavaScript. `bearer`: access token in memory, refresh token in `tokenStorage`. */
  tokenMode?: 'cookie' | 'bearer';
  /**
   * The origins that `fetch` sends the session to, for example `['https://orders.example.com']`; the auth server's own origin is always one.
   * Default: the site of `baseUrl`. `https://auth.example.com` gives `example.com` and all its subdomains, over the same scheme, on any
   * port; an IP address or a name of one label gives that host. Name the origins when `baseUrl` is on a domain that is shared with others.
   */
  apiOrigins?: readonly string[];
  /** Needed in bearer mode. */
  tokenStorage?: TokenStorage;
  /** Bearer mode: seconds before its end at which the access token is refreshed. Default 30. */
  refreshBuffer?: number;
  /** Seconds that a request to the auth server may take. Default 10. */
  timeout?: number;
  /** Default: the global one. */
  fetch?: typeof fetch;
}

/** What a sign-up takes. */
export interface SignUpData {
  email: string;
  password: string;
  name?: string;
  avatarUrl?: string;
  phone?: string;
}

/** How to sign in with a provider. */
export interface ProviderOptions {
  /** `redirect` (default) leaves the page; `popup` opens a window. */
  mode?: 'redirect' | 'popup';
  /** Where to go afterwards, on the front end: a path. Redirect mode only. */
  redirectTo?: string;
}

/** Ends a request early. */
export interface RequestOptions {
  signal?: AbortSignal;
}

/** Signs users up, in and out, and makes authenticated requests. Every method rejects with an `AuthClientError`. */
export interface AuthClient {
  /**
   * Finds out whether there is a session: once, when the page starts. When the server cannot be reached it rejects and the state stays
   * `loading`; the client goes on trying, so the state becomes right without a second call.
   */
  initialize(): Promise<void>;
  /** The present state; it does not ask the server. */
  getSnapshot(): AuthSnapshot;
  /** Calls back after every change of the snapshot, a new `expiresAt` among them. @returns a function that ends it */
  subscribe(listener: () => void): () => void;
  /** Calls back at once, and when the state or the user changes. @returns a function that ends it */
  onAuthStateChange(callback: (state: AuthState, user: AuthUser | null) => void): () => void;

  /**
   * Creates an account and signs it in. Where the server requires a verified address, nobody is signed in: the user has no `sessionId`, and
   * the state stays as it was. Sign in after the link in the mail was followed.
   */
  signUp(data: SignUpData, options?: RequestOptions): Promise<AuthUser>;
  signIn(credentials: { email: string; password: string }, options?: RequestOptions): Promise<SignInResult>;
  /** Completes a sign-in in state `mfa_pending`, with a TOTP or a backup code. */
  verifyMFA(code: string, options?: RequestOptions): Promise<AuthUser>;
  /** `redirect` resolves never: the page is left. `popup` resolves when the window has finished. */
  signInWithProvider(provider: string, options?: ProviderOptions): Promise<SignInResult>;
  requestMagicLink(email: string, options?: RequestOptions): Promise<void>;
  verifyMagicLink(token: string, options?: RequestOptions): Promise<SignInResult>;
  requestOTP(email: string, options?: RequestOptions): Promise<void>;
  verifyOTP(email: string, code: string, options?: RequestOptions): Promise<SignInResult>;
  verifyEmail(token: string, options?: RequestOptions): Promise<void>;
  /**
   * Ends the session, in all tabs. In bearer mode the token is forgotten even when the server cannot be told; in cookie mode that is
   * impossible, so the user stays signed in and it rejects.
   */
  signOut(options?: RequestOptions): Promise<void>;

  /** The user as the server knows them now. */
  getUser(options?: RequestOptions): Promise<AuthUser>;
  /** Bearer mode: an access token that is good now, refreshed if needed; null when signed out. Cookie mode: null. */
  getToken(): Promise<string | null>;
  /**
   * `fetch` with the session: the cookie, or in bearer mode the header. After a 401 it refreshes and tries again. It resolves and rejects
   * as `fetch` does. A request to an origin outside of `apiOrigins` is sent unchanged: without the session, and once.
   */
  fetch(input: string | URL | Request, init?: RequestInit): Promise<Response>;
  /** Ends timers and listeners: for tests, and for pages that replace the client. */
  dispose(): void;
}
