import type { AuthUser } from './auth-user.js';

/** Says who a token stands for. A service verifies it by itself; the auth server also asks its database. */
export abstract class TokenAuthenticator {
  /** @throws AuthFortError `token_invalid`, `token_expired`, `keys_unavailable`, … */
  abstract authenticate(token: string): AuthUser | Promise<AuthUser>;
  /**
   * The user of an `Authorization: Bearer` header that need not be looked at again. Undefined says nothing about its token: then it is
   * for {@link authenticate}. Default undefined.
   */
  recall(_authorization: string): AuthUser | undefined {
    return undefined;
  }
  /** Whether {@link confirm} has somebody to ask. Default true. */
  get canConfirm(): boolean {
    return true;
  }
  /**
   * The real-time check of `@Introspect()`. @returns the user with the roles and permissions of this moment
   * @throws AuthFortError `token_invalid`, `introspection_unavailable`
   */
  abstract confirm(user: AuthUser, token: string): Promise<AuthUser>;
}
