import { Inject, Injectable } from '@nestjs/common';
import { Clock } from 'authfort-service';
import { authError } from '../errors/catalog.js';
import { EventBus } from '../events/event-bus.js';
import type { ClientInfo } from '../http/client-info.js';
import { ClientIp } from '../http/client-ip.js';
import { LoginAttemptsService } from '../login-attempts/login-attempts.service.js';
import { PendingProofsService } from '../one-time/pending-proofs.service.js';
import { AUTHFORT_CONFIG, type AuthFortConfig } from '../options/auth-fort.config.js';
import { SessionService } from '../sessions/session.service.js';
import { AddressOwnershipRepository } from '../users/address-ownership.repository.js';
import { UserRepository } from '../users/user.repository.js';
import type { User } from '../users/user.js';

/** The client that followed a link to an address. */
export interface LinkFollower {
  readonly client: ClientInfo;
  /** The user whose live session the request presents. */
  readonly signedInAs: string | undefined;
}

/** Decides who owns an account after somebody has proved to own its e-mail address. */
@Injectable()
export class EmailProofService {
  constructor(
    private readonly users: UserRepository,
    private readonly ownership: AddressOwnershipRepository,
    private readonly sessions: SessionService,
    private readonly pending: PendingProofsService,
    private readonly attempts: LoginAttemptsService,
    private readonly clientIp: ClientIp,
    private readonly events: EventBus,
    private readonly clock: Clock,
    @Inject(AUTHFORT_CONFIG) private readonly config: AuthFortConfig,
  ) {}

  /**
   * Finds, or makes, the account of somebody who signs in by their address. Part of the transaction of the sign-in.
   * @param provider the name that `user_created` carries
   * @param prove consumes the proof of the address, once the account is locked: accounts come before tokens, in this order everywhere
   * @throws AuthFortError `signup_disabled` when there is no account and none may be made
   */
  async identify(
    email: string,
    provider: string,
    prove: (user: User | undefined) => Promise<void> = () => Promise.resolve(),
  ): Promise<User> {
    const user = await this.ownership.lockByEmail(email);
    await prove(user);
    if (user?.ownerConfirmed) return user;
    if (user) {
      await this.claim(user, false);
      return (await this.users.findById(user.id))!;
    }
    if (!this.config.allowPasswordlessSignup) throw authError('signup_disabled');
    const created = await this.users.createUnlessTaken(
      { email, emailVerified: true, passwordHash: null, name: null, avatarUrl: null, phone: null },
      this.clock.now(),
    );
    // Somebody has signed up in this very moment: the next attempt finds the account.
    if (!created) throw authError('conflict');
    await this.events.emit('user_created', { userId: created.id, email, userName: null, provider });
    return created;
  }

  /** For a new password that was set by a link to the address. Part of the surrounding transaction, in which the account is locked. */
  async afterReset(user: User): Promise<void> {
    if (!(await this.ownership.isOwnerConfirmed(user.id))) await this.claim(user, true);
  }

  /**
   * Whether the person who followed a link to the account's address also holds the account: the request has a session of it, or comes from
   * a network in which the account was made or signed in to. A link alone does not show that: somebody else may have signed up with the
   * reader's address. The address of a proxy shows nothing: all clients behind it have it.
   */
  async isHolder(
    user: { id: string; email: string },
    { client, signedInAs }: LinkFollower,
  ): Promise<boolean> {
    if (signedInAs === user.id) return true;
    return this.clientIp.isOfClient(client.ip) && this.attempts.isKnownNetwork(user.email, client.ip);
  }

  /**
   * The account may have been made, or given this address, by somebody who waits for the owner. Nothing that they know, hold or have
   * entered stays: password, sessions, tokens, pending links and codes, known networks, name, picture, phone. The id stays, and so do
   * the roles, which an administrator has given.
   */
  private async claim(user: User, keepPassword: boolean): Promise<void> {
    const { id: userId, email } = user;
    await this.ownership.claim(userId, keepPassword);
    await this.pending.discard(user);
    await this.sessions.revokeAll(userId, 'email_proved_by_another');
    if (!user.emailVerified) await this.events.emit('email_verified', { userId, email });
    await this.events.emit('account_claimed', { userId, email, verifiedBefore: user.emailVerified });
  }
}
