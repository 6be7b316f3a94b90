import { Injectable } from '@nestjs/common';
import { ChangePasswordService } from './change-password.service.js';
import { PasswordHasher } from './password-hasher.js';
import { RateLimiter } from '../rate-limits/rate-limiter.js';
import type { SessionUser } from '../sessions/session.authenticator.js';
import { FreshSignInPolicy } from '../sign-in/fresh-sign-in.policy.js';

/** Asks once more who it is, before what cannot be undone: a session left open must not be enough. */
@Injectable()
export class ReauthenticationService {
  constructor(
    private readonly passwords: ChangePasswordService,
    private readonly hasher: PasswordHasher,
    private readonly limiter: RateLimiter,
    private readonly freshness: FreshSignInPolicy,
  ) {}

  /**
   * Passes with the right password, or when the user has signed in within the last ten minutes.
   * @throws AuthFortError `invalid_password`, `insufficient_user_authentication`, `rate_limit_exceeded`
   */
  async assert(user: SessionUser, password: string | undefined): Promise<void> {
    if (password === undefined) return this.assertFresh(user);
    // The place comes first: a check that is refused as overloaded is not counted.
    await this.hasher.reserved(async () => {
      await this.limiter.consume('passwordCheck', '', `${user.account.id} ${user.sessionId}`);
      await this.passwords.assertPassword(user.account.id, password);
    });
  }

  /** Passes within ten minutes of the sign-in. @throws AuthFortError `insufficient_user_authentication` */
  assertFresh(user: SessionUser): void {
    this.freshness.assertFresh(user);
  }
}
