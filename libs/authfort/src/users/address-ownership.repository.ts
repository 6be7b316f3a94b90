import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.js';
import { RevocationLogRepository } from '../revocation/revocation-log.repository.js';
import { type LockedRow, ROLES_ARE_OUTDATED, type User, USER_COLUMNS } from './user.js';

/** An account, and whether its holder is known to be the owner of its address. */
export interface AddressHolder extends User {
  readonly ownerConfirmed: boolean;
}

/** Records the known owners of e-mail addresses. Every change that ends access raises `token_version`. */
@Injectable()
export class AddressOwnershipRepository {
  constructor(
    private readonly database: Database,
    private readonly revocations: RevocationLogRepository,
  ) {}

  /** Reads the account of an address and keeps other changes of it waiting until the transaction ends. */
  async lockByEmail(email: string): Promise<AddressHolder | undefined> {
    const [found] = await this.database.query<AddressHolder & LockedRow>(
      `SELECT ${USER_COLUMNS}, u.owner_confirmed AS "ownerConfirmed", ${ROLES_ARE_OUTDATED}
       FROM authfort_users u WHERE u.email = $1 AND u.deleted_at IS NULL FOR NO KEY UPDATE OF u`,
      [email],
    );
    if (!found) return undefined;
    const { rolesAreOutdated, ...user } = found;
    return rolesAreOutdated ? this.lockByEmail(email) : user;
  }

  /**
   * Records that a link to the address was followed. The account has to be locked.
   * @param ownerConfirmed whether the account's holder is known to have followed it; false does not revoke an earlier confirmation
   * @returns whether the address was verified before; undefined when it is not the address of the account
   */
  async verify(
    userId: string,
    email: string,
    ownerConfirmed: boolean,
  ): Promise<{ readonly verifiedBefore: boolean } | undefined> {
    const [row] = await this.database.query<{ verifiedBefore: boolean }>(
      `WITH before AS (SELECT id, email_verified FROM authfort_users WHERE id = $1)
       UPDATE authfort_users u SET email_verified = true, owner_confirmed = owner_confirmed OR $3
       FROM before WHERE u.id = before.id AND u.email = $2 AND u.deleted_at IS NULL
       RETURNING before.email_verified AS "verifiedBefore"`,
      [userId, email, ownerConfirmed],
    );
    return row;
  }

  /**
   * Gives the account to the owner of its address: its access tokens end, and everything that somebody else may have entered is removed.
   * The account has to be locked.
   * @param keepPassword the owner has just set it
   */
  async claim(userId: string, keepPassword: boolean): Promise<void> {
    await this.revocations.endUsers(
      `UPDATE authfort_users SET email_verified = true, owner_confirmed = true, name = NULL, phone = NULL, avatar_url = NULL,
         mfa_enabled = false, password_hash = CASE WHEN $2::boolean THEN password_hash END, token_version = token_version + 1
       WHERE id = $1 RETURNING id, token_version`,
      [userId, keepPassword],
    );
    await this.database.query('DELETE FROM authfort_password_history WHERE user_id = $1', [userId]);
  }

  /** Whether the holder of the account is known to be the owner of its address. */
  async isOwnerConfirmed(userId: string): Promise<boolean> {
    const rows = await this.database.query('SELECT 1 FROM authfort_users WHERE id = $1 AND owner_confirmed', [
      userId,
    ]);
    return rows.length > 0;
  }
}
