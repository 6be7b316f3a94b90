import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.js';
import { prepared } from '../database/prepared-statement.js';

/** An e-mail address and a network, under keyed hashes. */
export interface AttemptSource {
  readonly addressHash: Buffer;
  /** Empty: no network is known. */
  readonly networkHash: Buffer;
}

/** How a password attempt is treated, and the account to compare it with. */
export interface Admission {
  /** Within the limit of the address; false where nothing is counted. */
  readonly counted: boolean;
  /** Within the limit of the address, or nothing is counted. Decides the answer to a wrong password. */
  readonly withinLimit: boolean;
  /** Beyond the limit of the address, and within the limit of a network that its owner has signed in from. */
  readonly fromKnownNetwork: boolean;
  /** When the window of the address ends. */
  readonly windowEnds: Date | null;
  readonly userId: string | null;
  readonly passwordHash: string | null;
  readonly banned: boolean | null;
  readonly emailVerified: boolean | null;
}

/*
 * The row of the address counts the attempts of all networks, known or not, whether or not the address has an account. Locks are taken
 * from that row to the row of a network, here and in WELCOME.
 */
const ADMIT = prepared(
  'admit_password_attempt',
  `WITH counted AS (
     INSERT INTO authfort_login_attempts AS a (address_hash, network_hash, failures, window_ends, known_until)
     SELECT $2, ''::bytea, 1, $5, $5 WHERE $6::integer IS NOT NULL
     ON CONFLICT (address_hash, network_hash) DO UPDATE SET
       failures = CASE WHEN a.window_ends <= $4 THEN 1 ELSE a.failures + 1 END,
       window_ends = CASE WHEN a.window_ends <= $4 THEN $5 ELSE a.window_ends END,
       known_until = $5
     WHERE a.window_ends <= $4 OR a.failures < $6::integer
     RETURNING 1
   ), counted_at_home AS (
     UPDATE authfort_login_attempts a SET
       failures = CASE WHEN a.window_ends <= $4 THEN 1 ELSE a.failures + 1 END,
       window_ends = CASE WHEN a.window_ends <= $4 THEN $5 ELSE a.window_ends END
     WHERE $6::integer IS NOT NULL AND NOT EXISTS (SELECT 1 FROM counted)
       AND a.address_hash = $2 AND a.network_hash = $3 AND a.network_hash <> '' AND a.known_until > $4
       AND (a.window_ends <= $4 OR a.failures < $6::integer)
     RETURNING 1
   )
   SELECT EXISTS (SELECT 1 FROM counted) AS counted,
     $6::integer IS NULL OR EXISTS (SELECT 1 FROM counted) AS "withinLimit",
     EXISTS (SELECT 1 FROM counted_at_home) AS "fromKnownNetwork",
     (SELECT a.window_ends FROM authfort_login_attempts a WHERE a.address_hash = $2 AND a.network_hash = '') AS "windowEnds",
     u.id AS "userId", u.password_hash AS "passwordHash", u.banned, u.email_verified AS "emailVerified"
   FROM (SELECT 1) AS one LEFT JOIN authfort_users u ON u.email = $1 AND u.deleted_at IS NULL`,
);

/** Most known networks of an address; a new one replaces the least recently used one. */
const MAX_NETWORKS = 50;

const WELCOME = prepared(
  'welcome_owner',
  `WITH not_wrong AS (
     UPDATE authfort_login_attempts SET failures = GREATEST(failures - 1, 0)
     WHERE $5 AND address_hash = $1 AND network_hash = '' AND network_hash <> $2 RETURNING 1
   ), forgotten AS (
     DELETE FROM authfort_login_attempts WHERE address_hash = $1 AND network_hash IN
       (SELECT network_hash FROM authfort_login_attempts WHERE address_hash = $1 AND network_hash NOT IN ($2, '')
        ORDER BY known_until DESC OFFSET ${MAX_NETWORKS - 1} FOR UPDATE SKIP LOCKED)
   )
   INSERT INTO authfort_login_attempts AS a (address_hash, network_hash, failures, window_ends, known_until)
   SELECT $1, $2, 0, $3, $4 FROM (SELECT count(*) FROM not_wrong) AS first
   ON CONFLICT (address_hash, network_hash) DO UPDATE SET known_until = $4,
     failures = CASE WHEN a.network_hash <> '' THEN 0 WHEN $5 THEN GREATEST(a.failures - 1, 0) ELSE a.failures END`,
);

/** Counts password attempts. Every replica counts in the same rows. */
@Injectable()
export class LoginAttemptsRepository {
  constructor(private readonly database: Database) {}

  /**
   * Counts an attempt before it is made, so that racers cannot all be the last one, and finds the account in the same statement: it
   * does the same work for any address. Beyond `limit` it counts in the row of the network, if that is a known one.
   * @param limit attempts in a window, of the address and of each known network; null: none are counted
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

  /**
   * The owner has signed in from the network: it becomes known, and its count is reset.
   * @param counted whether the address's row counts the attempt that signed in: it was not a wrong one
   */
  async welcome(
    { addressHash, networkHash }: AttemptSource,
    counted: boolean,
    now: Date,
    knownUntil: Date,
  ): Promise<void> {
    await this.database.execute(WELCOME, [addressHash, networkHash, now, knownUntil, counted]);
  }

  /** Whether somebody has signed in to the account of the address from the network. */
  async isKnown({ addressHash, networkHash }: AttemptSource, now: Date): Promise<boolean> {
    const rows = await this.database.query(
      `SELECT 1 FROM authfort_login_attempts
       WHERE address_hash = $1 AND network_hash = $2 AND network_hash <> '' AND known_until > $3`,
      [addressHash, networkHash, now],
    );
    return rows.length > 0;
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
