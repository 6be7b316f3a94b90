import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.js';
import { prepared } from '../database/prepared-statement.js';

/** An e-mail address and a network, under keyed hashes. */
export interface AttemptSource {
  readonly addressHash: Buffer;
  /** Empty: no network is known. */
  readonly networkHash: Buffer;
}

/** Whether a password may be tried, and what it is compared with. */
export interface Admission {
  readonly admitted: boolean;
  /** When the next one may be tried, if this one may not. */
  readonly windowEnds: Date | null;
  readonly userId: string | null;
  readonly passwordHash: string | null;
  readonly banned: boolean | null;
}

/** Known networks of one address; a further one replaces the one that was used the longest time ago. */
const KNOWN_NETWORKS = 100;

const ADMIT = prepared(
  'admit_password_attempt',
  `WITH counter AS (
     SELECT coalesce((SELECT network_hash FROM authfort_login_attempts
       WHERE address_hash = $2 AND network_hash = $3 AND known_until > $4), ''::bytea) AS network_hash
   ), counted AS (
     INSERT INTO authfort_login_attempts AS a (address_hash, network_hash, failures, window_ends, known_until)
     SELECT $2, network_hash, 1, $5, $5 FROM counter WHERE $6::integer IS NOT NULL
     ON CONFLICT (address_hash, network_hash) DO UPDATE SET
       failures = CASE WHEN a.window_ends <= $4 THEN 1 ELSE a.failures + 1 END,
       window_ends = CASE WHEN a.window_ends <= $4 THEN $5 ELSE a.window_ends END,
       known_until = CASE WHEN a.network_hash = '' THEN $5 ELSE a.known_until END
     WHERE a.window_ends <= $4 OR a.failures < $6::integer
     RETURNING 1
   )
   SELECT $6::integer IS NULL OR EXISTS (SELECT 1 FROM counted) AS admitted,
     (SELECT a.window_ends FROM authfort_login_attempts a JOIN counter c ON a.network_hash = c.network_hash
      WHERE a.address_hash = $2) AS "windowEnds",
     u.id AS "userId", u.password_hash AS "passwordHash", u.banned
   FROM (SELECT 1) AS one LEFT JOIN authfort_users u ON u.email = $1 AND u.deleted_at IS NULL`,
);

const WELCOME = prepared(
  'welcome_owner',
  `WITH counted_as_stranger AS (
     UPDATE authfort_login_attempts SET failures = GREATEST(failures - 1, 0)
     WHERE $5 AND address_hash = $1 AND network_hash = '' AND network_hash <> $2
       AND NOT EXISTS (SELECT 1 FROM authfort_login_attempts k
         WHERE k.address_hash = $1 AND k.network_hash = $2 AND k.known_until > $3)
   ), surplus AS (
     DELETE FROM authfort_login_attempts WHERE address_hash = $1 AND network_hash IN
       (SELECT network_hash FROM authfort_login_attempts WHERE address_hash = $1 AND network_hash NOT IN ('', $2)
        ORDER BY known_until DESC OFFSET ${KNOWN_NETWORKS - 1})
   )
   INSERT INTO authfort_login_attempts AS a (address_hash, network_hash, failures, window_ends, known_until)
   VALUES ($1, $2, 0, $3, $4)
   ON CONFLICT (address_hash, network_hash) DO UPDATE SET known_until = $4,
     failures = CASE WHEN a.network_hash = '' THEN GREATEST(a.failures - 1, 0) ELSE 0 END`,
);

/** Counts password attempts. Every replica counts in the same rows. */
@Injectable()
export class LoginAttemptsRepository {
  constructor(private readonly database: Database) {}

  /**
   * Counts an attempt before it is made, so that racers cannot all be the last one, and finds the account in the same statement: it
   * does the same work for any address. Beyond `limit` nothing is counted. A network that is not known shares the address's one row.
   * @param limit attempts in a window; null: none are counted
   */
  async admit(
    email: string,
    { addressHash, networkHash }: AttemptSource,
    limit: number | null,
    now: Date,
    windowEnds: Date,
  ): Promise<Admission> {
    const [admission] = await this.database.query<Admission>(ADMIT, [
      email,
      addressHash,
      networkHash,
      now,
      windowEnds,
      limit,
    ]);
    return admission!;
  }

  /** The owner has come from the network: it is known from now on, what was mistyped there is forgotten, and they were no stranger. */
  async welcome(
    { addressHash, networkHash }: AttemptSource,
    counted: boolean,
    now: Date,
    knownUntil: Date,
  ): Promise<void> {
    await this.database.execute(WELCOME, [addressHash, networkHash, now, knownUntil, counted]);
  }

  /** Knows no network any more. What was counted for all of them stays. */
  async forgetNetworks(addressHash: Buffer): Promise<void> {
    await this.database.query(
      `DELETE FROM authfort_login_attempts WHERE address_hash = $1 AND network_hash <> ''`,
      [addressHash],
    );
  }

  /** Deletes at most `limit` rows that neither count nor know anything any more. */
  async deleteExpired(now: Date, limit: number): Promise<number> {
    const rows = await this.database.query(
      `DELETE FROM authfort_login_attempts WHERE (address_hash, network_hash) IN
         (SELECT address_hash, network_hash FROM authfort_login_attempts
          WHERE known_until <= $1 ORDER BY known_until LIMIT $2 FOR UPDATE SKIP LOCKED)
       RETURNING 1`,
      [now, limit],
    );
    return rows.length;
  }
}
