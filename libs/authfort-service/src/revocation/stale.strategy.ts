import type { Strategy } from 'passport-jwt';
import { AuthFortError } from '../errors/auth-fort.error.js';
import type { AuthUser } from '../token/auth-user.js';
import { bearerTokenOf } from '../token/bearer-token.js';

/** Lets a user of a verified token in, or refuses after all. */
export type Admission = (user: AuthUser, token: string) => AuthUser | Promise<AuthUser>;

/** The strategy for Passport's own guards, which do not ask ServiceAuth: what is not known of revocations counts there too. */
export function admittedBy(admit: Admission, strategy: Strategy): Strategy {
  const admitting = Object.create(strategy) as Strategy;
  admitting.authenticate = function (this: Strategy, ...[request, options]) {
    // Passport runs a copy of the strategy for each request, so this is not shared.
    const success = this.success.bind(this) as (user: unknown) => void;
    const judge = async (user: AuthUser): Promise<void> => {
      try {
        success(await admit(user, bearerTokenOf(request) ?? ''));
      } catch (error) {
        if (error instanceof AuthFortError && error.statusCode < 500) this.fail(error, error.statusCode);
        else this.error(error as Error);
      }
    };
    this.success = (user: unknown) => void judge(user as AuthUser);
    strategy.authenticate.call(this, request, options);
  };
  return admitting;
}
