import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.js';

/** Wrong guesses at one code; then it is worthless. */
const MAX_ATTEMPTS = 5;
/** Wrong guesses at all codes of one address within {@link WINDOW_SECONDS}: NIST SP 800-63B §3.2.2 allows 100 at most. */
const MAX_FAILURES = 50;
const WINDOW_SECONDS = 86_400;

/** E-mail codes and the wrong guesses at them. Every replica counts in the same row. */
@Injectable()
export class EmailOtpRepository {
  constructor(private readonly database: Database) {}

  /**
   * Sets the code of an address, in the place of the one before.
   * @returns false when no code of the address is taken any more, for as long as its wrong guesses count
   */
  async replace(addressHash: Buffer, codeHash: Buffer, now: Date, expiresAt: Date): Promise<boolean> {
    const [row] = await this.replaceAll([{ addressHash, codeHash }], now, expiresAt);
    return row!.failures < MAX_FAILURES;
  }

  /** Sets the codes of many addresses. For two codes of one address, it sets one. */
  replaceAll(
    codes: readonly { addressHash: Buffer; codeHash: Buffer }[],
    now: Date,
    expiresAt: Date,
  ): Promise<{ failures: number }[]> {
    // One order everywhere prevents deadlocks between two statements.
    return this.database.query(
      `INSERT INTO authfort_email_otps AS o (address_hash, code_hash, attempts, expires_at, failures, failures_since)
       SELECT DISTINCT ON (address_hash) address_hash, code_hash, 0, $4::timestamptz, 0, $3::timestamptz
       FROM unnest($1::bytea[], $2::bytea[]) AS c(address_hash, code_hash) ORDER BY address_hash
       ON CONFLICT (address_hash) DO UPDATE SET code_hash = excluded.code_hash, attempts = 0, expires_at = excluded.expires_at,
         failures = CASE WHEN ${windowOver('$3')} THEN 0 ELSE o.failures END,
         failures_since = CASE WHEN ${windowOver('$3')} THEN $3 ELSE o.failures_since END
       RETURNING failures`,
      [codes.map(({ addressHash }) => addressHash), codes.map(({ codeHash }) => codeHash), now, expiresAt],
    );
  }

  /**
   * Judges a guess, in one statement that counts it: racers wait for one another at the row. A right guess takes the code; a wrong one
   * that was the last takes it too.
   */
  async redeem(addressHash: Buffer, codeHash: Buffer, now: Date): Promise<boolean> {
    const [judged] = await this.database.query<{ right: boolean }>(
      `WITH code AS (
         SELECT address_hash, code_hash = $2 AS is_right, attempts + 1 >= ${MAX_ATTEMPTS} AS is_last
         FROM authfort_email_otps o
         WHERE address_hash = $1 AND code_hash IS NOT NULL AND expires_at > $3 AND attempts < ${MAX_ATTEMPTS}
           AND (failures < ${MAX_FAILURES} OR ${windowOver('$3')})
         FOR UPDATE
       )
       UPDATE authfort_email_otps o SET
         attempts = attempts + 1,
         code_hash = CASE WHEN is_right OR is_last THEN NULL ELSE o.code_hash END,
         failures = CASE WHEN is_right OR ${windowOver('$3')} THEN 0 ELSE failures END + CASE WHEN is_right THEN 0 ELSE 1 END,
         failures_since = CASE WHEN is_right OR ${windowOver('$3')} THEN $3 ELSE failures_since END
       FROM code WHERE o.address_hash = code.address_hash
       RETURNING is_right AS right`,
      [addressHash, codeHash, now],
    );
    return judged?.right ?? false;
  }

  /** Deletes at most `limit` codes that have expired. While wrong guesses at the address count, its row stays. */
  async deleteExpired(now: Date, limit: number): Promise<number> {
    const rows = await this.database.query(
      `DELETE FROM authfort_email_otps WHERE address_hash IN
         (SELECT address_hash FROM authfort_email_otps o
          WHERE expires_at <= $1 AND (failures = 0 OR ${windowOver('$1')}) ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED)
       RETURNING 1`,
      [now, limit],
    );
    return rows.length;
  }

  /** Takes the code. The wrong guesses stay counted: whoever could have them forgotten could guess on. */
  async discard(addressHash: Buffer): Promise<void> {
    await this.database.query('UPDATE authfort_email_otps SET code_hash = NULL WHERE address_hash = $1', [
      addressHash,
    ]);
  }
}

function windowOver(now: string): string {
  return `o.failures_since <= ${now}::timestamptz - make_interval(secs => ${WINDOW_SECONDS})`;
}
