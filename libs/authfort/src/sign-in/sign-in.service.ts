import { Inject, Injectable } from '@nestjs/common';
import { Database } from '../database/database.js';
import { authError } from '../errors/catalog.js';
import { EventBus } from '../events/event-bus.js';
import type { ClientInfo } from '../http/client-info.js';
import { LoginAttemptsService } from '../login-attempts/login-attempts.service.js';
import { AUTHFORT_CONFIG, type AuthFortConfig } from '../options/auth-fort.config.js';
import type { AuthResult } from '../sessions/auth-result.js';
import { SessionService } from '../sessions/session.service.js';
import { AccessTokenService } from '../tokens/access-token.service.js';
import type { User } from '../users/user.js';

/** How the user proved who they are. */
export interface SignInMethod {
  /** The name that events carry, for example `email`. */
  readonly provider: string;
  /** RFC 8176 method names for the `amr` claim. */
  readonly amr: readonly string[];
  /** Whether it was by a password attempt that was counted as if it were wrong. Default false. */
  readonly attemptCounted?: boolean;
}

/** The `acr` of a sign-in with one factor. Only the funnel writes an `acr`. */
const SINGLE_FACTOR = 'urn:authfort:acr:1fa';

/** The funnel: every way of signing in ends here, and nothing else opens a session. */
@Injectable()
export class SignInService {
  constructor(
    private readonly database: Database,
    private readonly sessions: SessionService,
    private readonly attempts: LoginAttemptsService,
    private readonly accessTokens: AccessTokenService,
    private readonly events: EventBus,
    @Inject(AUTHFORT_CONFIG) private readonly config: AuthFortConfig,
  ) {}

  /**
   * Opens a session for the user that `identify` returns. `identify` runs in the transaction of the session, so what it creates or
   * locks stands or falls with it; the answer is made after the commit.
   * @throws AuthFortError `user_banned`, `email_not_verified`, and what `identify` throws
   */
  async signIn(method: SignInMethod, client: ClientInfo, identify: () => Promise<User>): Promise<AuthResult> {
    this.accessTokens.assertReady();
    const { user, session } = await this.database.transaction(async () => {
      const identified = await identify();
      if (identified.banned) throw authError('user_banned');
      if (this.config.requireVerifiedEmail && !identified.emailVerified)
        throw authError('email_not_verified');
      const authentication = { amr: method.amr, acr: SINGLE_FACTOR };
      const opened = await this.sessions.open(identified.id, authentication, client);
      await this.attempts.welcome(identified.email, client.ip, method.attemptCounted ?? false);
      await this.events.emit('login', {
        userId: identified.id,
        email: identified.email,
        sessionId: opened.id,
        provider: method.provider,
        client,
      });
      return { user: identified, session: opened };
    });
    const tokens = {
      ...(await this.accessTokens.issue(user, session)),
      refreshToken: session.refreshToken,
      refreshExpiresIn: session.refreshExpiresIn,
    };
    return { user, sessionId: session.id, tokens };
  }
}
