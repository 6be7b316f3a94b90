import { createHash, randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Clock } from 'authfort-service';
import { authError } from '../errors/catalog.js';
import {
  type AccountState,
  type OneTimePurpose,
  type OneTimeSubject,
  OneTimeTokenRepository,
} from './one-time-token.repository.js';

/** Makes and takes the tokens of mailed links: 256 random bits in base64url, of which only a SHA-256 is stored. */
@Injectable()
export class OneTimeTokenService {
  constructor(
    private readonly tokens: OneTimeTokenRepository,
    private readonly clock: Clock,
  ) {}

  /**
   * @returns the token, which is shown only here
   * @throws AuthFortError `user_not_found` when the account is gone or banned meanwhile, or no longer as it was `since`
   */
  async issue(
    purpose: OneTimePurpose,
    subject: OneTimeSubject,
    ttlSeconds: number,
    since?: AccountState,
  ): Promise<string> {
    const token = randomBytes(32).toString('base64url');
    const now = this.clock.now();
    const expiresAt = new Date(now.getTime() + ttlSeconds * 1000);
    if (!(await this.tokens.insert(hash(token), purpose, subject, now, expiresAt, since)))
      throw authError('user_not_found');
    return token;
  }

  /** Whose token it is, without taking it. Undefined when it is unknown, used or expired, or was made for something else. */
  async find(purpose: OneTimePurpose, token: string): Promise<OneTimeSubject | undefined> {
    return looksLikeToken(token) ? this.tokens.find(hash(token), purpose, this.clock.now()) : undefined;
  }

  /** Takes the token; a second time there is none. Call it in the transaction of what it allows. */
  async consume(purpose: OneTimePurpose, token: string): Promise<OneTimeSubject | undefined> {
    return looksLikeToken(token) ? this.tokens.consume(hash(token), purpose, this.clock.now()) : undefined;
  }
}

function looksLikeToken(text: string): boolean {
  return /^[\w-]{43}$/.test(text);
}

function hash(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
