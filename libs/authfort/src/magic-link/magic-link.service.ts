import { Inject, Injectable } from '@nestjs/common';
import { authError } from '../errors/catalog.js';
import { Database } from '../database/database.js';
import { EventBus } from '../events/event-bus.js';
import type { ClientInfo } from '../http/client-info.js';
import { OneTimeTokenService } from '../one-time/one-time-token.service.js';
import { AUTHFORT_CONFIG, type AuthFortConfig } from '../options/auth-fort.config.js';
import type { AuthResult } from '../sessions/auth-result.js';
import { EmailProofService } from '../sign-in/email-proof.service.js';
import { SignInService } from '../sign-in/sign-in.service.js';
import { UserRepository } from '../users/user.repository.js';

/** Signs in by a link to the user's address. */
@Injectable()
export class MagicLinkService {
  constructor(
    private readonly database: Database,
    private readonly users: UserRepository,
    private readonly tokens: OneTimeTokenService,
    private readonly proofs: EmailProofService,
    private readonly signIns: SignInService,
    private readonly events: EventBus,
    @Inject(AUTHFORT_CONFIG) private readonly config: AuthFortConfig,
  ) {}

  /** A token for {@link signIn}. Undefined for an address that may not sign in. */
  async createToken(email: string): Promise<string | undefined> {
    const user = await this.users.findByEmail(email);
    if (user ? user.banned || user.deletedAt : !this.config.allowPasswordlessSignup) return undefined;
    return this.database.transaction(async () => {
      const subject = { userId: user?.id ?? null, email };
      const token = await this.tokens.issue('magic_link', subject, this.config.magicLinkTtlSeconds);
      if (user) await this.events.emit('magic_link_requested', { userId: user.id, email });
      return token;
    });
  }

  /** @throws AuthFortError `invalid_magic_link`, `user_banned` */
  signIn(token: string, client: ClientInfo): Promise<AuthResult> {
    return this.signIns.signIn({ provider: 'magic_link', amr: ['email'] }, client, async () => {
      const email = (await this.tokens.find('magic_link', token))?.email;
      if (email === undefined) throw authError('invalid_magic_link');
      const user = await this.proofs.identify(email, 'magic_link', async (owner) => {
        const subject = await this.tokens.consume('magic_link', token);
        // The address may belong to another account by now.
        if (!subject || (subject.userId !== null && subject.userId !== owner?.id))
          throw authError('invalid_magic_link');
      });
      await this.events.emit('magic_link_login', { userId: user.id, email });
      return user;
    });
  }
}
