import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.js';
import { RevocationLogRepository } from '../revocation/revocation-log.repository.js';
import { prepared } from '../database/prepared-statement.js';
import {
  type LockedRow,
  type NewUser,
  type ProfileChanges,
  ROLES_ARE_OUTDATED,
  type User,
  USER_COLUMNS,
} from './user.js';

const LOCK_FOR_PASSWORD_SIGN_IN = prepared(
  'lock_for_password_sign_in',
  `SELECT ${USER_COLUMNS}, ${ROLES_ARE_OUTDATED}
   FROM authfort_users u WHERE u.id = $1 AND u.password_hash = $2 AND u.deleted_at IS NULL FOR NO KEY UPDATE OF u`,
);

/** Accounts. Changes that end access raise `token_version` in the same statement. */
@Injectable()
export class UserRepository {
  constructor(
    private readonly database: Database,
    private readonly revocations: RevocationLogRepository,
  ) {}

  /** Inserts the account, unless its address is taken: the unique index decides among racers. */
  async createUnlessTaken(user: NewUser, now: Date): Promise<User | undefined> {
    const [created] = await this.database.query<User>(
      `INSERT INTO authfort_users AS u (id, email, password_hash, name, avatar_url, phone, created_at, email_verified, owner_confirmed)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)
       ON CONFLICT (email) DO NOTHING RETURNING ${USER_COLUMNS}`,
      [
        randomUUID(),
        user.email,
        user.passwordHash,
        user.name,
        user.avatarUrl,
        user.phone,
        now,
        user.emailVerified ?? false,
      ],
    );
    return created;
  }

  async exists(email: string): Promise<boolean> {
    const rows = await this.database.query('SELECT 1 FROM authfort_users WHERE email = $1', [email]);
    return rows.length > 0;
  }

  async findById(id: string): Promise<User | undefined> {
    const [user] = await this.database.query<User>(
      `SELECT ${USER_COLUMNS} FROM authfort_users u WHERE u.id = $1`,
      [id],
    );
    return user;
  }

  async findByEmail(email: string): Promise<User | undefined> {
    const [user] = await this.database.query<User>(
      `SELECT ${USER_COLUMNS} FROM authfort_users u WHERE u.email = $1`,
      [email],
    );
    return user;
  }

  /**
   * Reads the account and keeps a ban, a password change and other sign-ins of the user waiting until the transaction ends: no
   * session is opened next to one, and the number of sessions stays bounded. Undefined when the password is no longer the one that was verified.
   */
  async lockForPasswordSignIn(userId: string, verifiedHash: string): Promise<User | undefined> {
    const [found] = await this.database.query<User & LockedRow>(LOCK_FOR_PASSWORD_SIGN_IN, [
      userId,
      verifiedHash,
    ]);
    if (!found) return undefined;
    const { rolesAreOutdated, ...user } = found;
    return rolesAreOutdated ? this.lockForPasswordSignIn(userId, verifiedHash) : user;
  }

  /** Reads the account, also one that was anonymised, and keeps other changes of it waiting until the transaction ends. */
  async lockById(userId: string): Promise<User | undefined> {
    const [user] = await this.database.query<User>(
      `SELECT ${USER_COLUMNS} FROM authfort_users u WHERE u.id = $1 FOR UPDATE OF u`,
      [userId],
    );
    return user;
  }

  /** Sets what is given. @returns the user as they are now; undefined when there is none */
  async updateProfile(userId: string, changes: ProfileChanges): Promise<User | undefined> {
    const columns = { name: 'name', avatarUrl: 'avatar_url', phone: 'phone' } as const;
    const given = (Object.keys(columns) as (keyof ProfileChanges)[]).filter(
      (key) => changes[key] !== undefined,
    );
    const assignments = given.map((key, index) => `${columns[key]} = $${index + 2}`).join(', ');
    const [user] = await this.database.query<User>(
      `UPDATE authfort_users u SET ${assignments || 'name = name'} WHERE u.id = $1 AND u.deleted_at IS NULL RETURNING ${USER_COLUMNS}`,
      [userId, ...given.map((key) => changes[key])],
    );
    return user;
  }

  /**
   * Gives an account another address. The account has to be locked.
   * @param ownerConfirmed whether the account's holder is known to own the address
   * @returns false when another account has the address: the transaction has failed then
   */
  async changeEmail(
    userId: string,
    email: string,
    verified: boolean,
    ownerConfirmed: boolean,
  ): Promise<boolean> {
    // Access tokens that state a verified address end with it.
    const statement = `UPDATE authfort_users SET email = $2, email_verified = $3, owner_confirmed = $4,
         token_version = token_version + CASE WHEN email_verified AND NOT $3 THEN 1 ELSE 0 END
       WHERE id = $1 RETURNING id, token_version`;
    try {
      if (verified) await this.database.query(statement, [userId, email, verified, ownerConfirmed]);
      else await this.revocations.endUsers(statement, [userId, email, verified, ownerConfirmed]);
      return true;
    } catch (error) {
      if (isUniqueViolation(error)) return false;
      throw error;
    }
  }

  /** Sets whether the address counts as verified. `false` ends the access tokens that state otherwise. The account has to be locked. */
  async setEmailVerified(userId: string, verified: boolean): Promise<void> {
    const statement = `UPDATE authfort_users SET email_verified = $2, owner_confirmed = $2,
         token_version = token_version + CASE WHEN email_verified AND NOT $2 THEN 1 ELSE 0 END
       WHERE id = $1 RETURNING id, token_version`;
    if (verified) await this.database.query(statement, [userId, verified]);
    else await this.revocations.endUsers(statement, [userId, verified]);
  }

  /** @returns false when there is no such user. */
  async setBanned(userId: string, banned: boolean): Promise<boolean> {
    const changed = await this.revocations.endUsers(
      `UPDATE authfort_users SET banned = $2, token_version = token_version + CASE WHEN banned = $2 THEN 0 ELSE 1 END
       WHERE id = $1 AND deleted_at IS NULL RETURNING id, token_version`,
      [userId, banned],
    );
    return changed > 0;
  }

  /** Keeps other changes of the account waiting until the transaction ends. @returns false when there is no such user. */
  async lock(userId: string): Promise<boolean> {
    const rows = await this.database.query(
      'SELECT 1 FROM authfort_users WHERE id = $1 AND deleted_at IS NULL FOR NO KEY UPDATE',
      [userId],
    );
    return rows.length > 0;
  }

  /**
   * Makes every access token of the user invalid.
   * @param everywhere whether services are told; otherwise the tokens are good there until they expire
   * @returns false when there is no such user
   */
  async raiseTokenVersion(userId: string, everywhere: boolean): Promise<boolean> {
    const statement = `UPDATE authfort_users SET token_version = token_version + 1
       WHERE id = $1 AND deleted_at IS NULL RETURNING id, token_version`;
    if (everywhere) return (await this.revocations.endUsers(statement, [userId])) > 0;
    return (await this.database.query(statement, [userId])).length > 0;
  }

  /**
   * Takes everything personal out of an account; its row and id stay. Every access token is invalid then. Nobody can sign up with what
   * takes the address's place.
   */
  async anonymise(userId: string, now: Date): Promise<void> {
    await this.revocations.endUsers(
      `UPDATE authfort_users SET email = id || '@deleted', name = NULL, avatar_url = NULL, phone = NULL, password_hash = NULL,
         email_verified = false, owner_confirmed = false, mfa_enabled = false, token_version = token_version + 1, deleted_at = $2
       WHERE id = $1 RETURNING id, token_version`,
      [userId, now],
    );
  }

  /** Deletes the row, and with it what refers to it. */
  async remove(userId: string): Promise<void> {
    await this.revocations.endUsers(
      'DELETE FROM authfort_users WHERE id = $1 RETURNING id, token_version + 1 AS token_version',
      [userId],
    );
  }
}

/** SQLSTATE 23505 of PostgreSQL. */
function isUniqueViolation(error: unknown): boolean {
  return (error as { code?: unknown }).code === '23505';
}
