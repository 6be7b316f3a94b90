import { Injectable } from '@nestjs/common';
import { Clock } from 'authfort-service';
import { authError } from '../errors/catalog.js';
import { ChangePasswordService } from './change-password.service.js';
import { PasswordHasher } from './password-hasher.js';
import { RateLimiter } from '../rate-limits/rate-limiter.js';
import type { SessionUser } from '../sessions/session.authenticator.js';

/** How long a sign-in counts as fresh, in seconds. */
const FRESH_SECONDS = 600;

/** Asks once more who it is, before what cannot be undone: a session left open must not be enough. */
@Injectable()
export class ReauthenticationService {
  constructor(
    private readonly passwords: ChangePasswordService,
    private readonly hasher: PasswordHasher,
    private readonly limiter: RateLimiter,
    private readonly clock: Clock,
  ) {}

  /**
   * Passes with the right password, or when the user has signed in within the last ten minutes.
   * @throws AuthFortError `invalid_password`, `reauthentication_required`, `rate_limit_exceeded`
   */
  async assert(user: SessionUser, password: string | undefined): Promise<void> {
    if (password === undefined) return this.assertFresh(user);
    // The place comes first: a check that is refused as overloaded is not counted.
    await this.hasher.reserved(async () => {
      await this.limiter.consume('passwordCheck', '', `${user.account.id} ${user.sessionId}`);
      await this.passwords.assertPassword(user.account.id, password);
    });
  }

  /** Passes within ten minutes of the sign-in. @throws AuthFortError `reauthentication_required` */
  assertFresh({ claims }: SessionUser): void {
    // OpenID Connect Core §2: seconds since 1970. The signature over it has been checked.
    const signedInAt = typeof claims.auth_time === 'number' ? claims.auth_time : 0;
    if (this.clock.now().getTime() / 1000 - signedInAt > FRESH_SECONDS)
      throw authError('reauthentication_required');
  }
}
