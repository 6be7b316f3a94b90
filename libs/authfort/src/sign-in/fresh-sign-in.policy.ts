import { type AuthUser, Clock, stepUpError } from 'authfort-service';
import { Injectable } from '@nestjs/common';

/** How long a sign-in counts as fresh, in seconds. */
export const FRESH_SIGN_IN_SECONDS = 600;
/** How far the clock of another replica may be ahead, in seconds: as for `iat`. */
const LEEWAY_SECONDS = 5;

/** Decides whether the sign-in behind a token is fresh. A refresh does not renew it. */
@Injectable()
export class FreshSignInPolicy {
  constructor(private readonly clock: Clock) {}

  /** @throws AuthFortError `insufficient_user_authentication`, also for a token without `auth_time` or with one in the future */
  assertFresh({ claims }: Pick<AuthUser, 'claims'>): void {
    // OpenID Connect Core §2: seconds since 1970. The signature over it has been verified.
    const { auth_time: signedInAt } = claims;
    const age = typeof signedInAt === 'number' ? this.clock.now().getTime() / 1000 - signedInAt : NaN;
    // A comparison with NaN is false: a missing or malformed claim is refused.
    if (!(age <= FRESH_SIGN_IN_SECONDS && age >= -LEEWAY_SECONDS)) throw stepUpError(FRESH_SIGN_IN_SECONDS);
  }
}
