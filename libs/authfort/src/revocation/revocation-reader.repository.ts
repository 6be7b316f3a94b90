import { Injectable } from '@nestjs/common';
import { Clock } from 'authfort-service';
import { Database } from '../database/database.js';
import type { Revocation } from './revocation.js';

/** What has become visible since another look. */
export interface RevocationNews {
  /** PostgreSQL's own account of what this look could see; the next one goes on from it. */
  readonly snapshot: string;
  /** Of the database server: another one after a failover. */
  readonly timeline: string;
  /** The position after the last of these pages. */
  readonly cursor: string;
  readonly revocations: readonly Revocation[];
  /** Set when there are more pages: what {@link RevocationReader.moreNews} takes. */
  readonly next: NewsPosition | undefined;
}

/** Within the news between two looks: behind a row. */
export interface NewsPosition {
  readonly since: string;
  readonly until: string;
  readonly transactionId: string;
  readonly id: string;
}

/** A part of what matters. */
export interface RevocationPage {
  readonly revocations: readonly Revocation[];
  /** Where to go on: with the next page, or, after the last one, with what comes later. */
  readonly cursor: string;
  readonly more: boolean;
}

interface Row {
  readonly snapshot: string;
  readonly timeline: string;
  readonly horizon: string;
  readonly id: string | null;
  readonly transactionId: string | null;
  readonly sid: string | null;
  readonly sub: string | null;
  readonly ver: number | null;
  readonly keptSid: string | null;
  readonly keptVer: number | null;
  readonly kid: string | null;
  readonly at: Date;
  readonly exp: Date;
}

const COLUMNS = `r.id, r.transaction_id AS "transactionId", r.session_id AS sid, r.user_id AS sub, r.token_version AS ver, r.kept_session_id AS "keptSid",
  r.kept_tokens_from AS "keptVer", r.kid, r.revoked_at AS at, r.expires_at AS exp`;
/**
 * The timeline is another one after a failover, when a standby that lacked the last transactions gives out their numbers once more.
 * Horizon: every transaction before this one has ended, and who knows what came before it lacks nothing older.
 */
const NOW = `(SELECT pg_current_snapshot() AS snapshot, left(pg_walfile_name(pg_current_wal_lsn()), 8) AS timeline) AS now`;
const ACCOUNT = `now.snapshot::text AS snapshot, now.timeline, pg_snapshot_xmin(now.snapshot)::text AS horizon`;
/** Entries that one look reads into memory at a time; some 110 kB as JSON. */
const NEWS_PAGE = 1000;
/** Timeline and horizon to go on from; within a list of pages: that at its beginning, then where it began, and the last id. */
const CURSOR = /^([0-9A-F]{8})-(\d{1,18})(?:\.(\d{1,18})\.(\d{1,18}))?$/;

/**
 * Reads the revocations in the order in which they become visible. Ids and times are given out before the commit, so a reader that went
 * on from the highest it had seen would miss what committed late; PostgreSQL's snapshots say exactly what was there to see.
 */
@Injectable()
export class RevocationReader {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /** @param since the snapshot of an earlier look; without it there is only the snapshot to go on from */
  async news(since?: string): Promise<RevocationNews> {
    // The first row of a transaction comes behind the id 0.
    const transactionId = since?.slice(0, since.indexOf(':')) ?? '0';
    return this.newsPage(since ?? '1:1:', null, transactionId, '0', since === undefined ? 0 : NEWS_PAGE);
  }

  /** The next page of the same look. Rows that are committed after its first page belong to the next look. */
  moreNews({ since, until, transactionId, id }: NewsPosition): Promise<RevocationNews> {
    return this.newsPage(since, until, transactionId, id, NEWS_PAGE);
  }

  private async newsPage(
    since: string,
    until: string | null,
    transactionId: string,
    id: string,
    limit: number,
  ): Promise<RevocationNews> {
    const rows = await this.database.query<Row>(
      `SELECT ${ACCOUNT}, ${COLUMNS} FROM ${NOW} LEFT JOIN LATERAL (
         SELECT * FROM authfort_revocations
         WHERE (transaction_id, id) > ($3::bigint, $4::bigint)
           AND NOT pg_visible_in_snapshot(transaction_id::text::xid8, $1::pg_snapshot)
           AND ($2::pg_snapshot IS NULL OR pg_visible_in_snapshot(transaction_id::text::xid8, $2::pg_snapshot))
         ORDER BY transaction_id, id LIMIT $5
       ) AS r ON true ORDER BY r.transaction_id, r.id`,
      [since, until, transactionId, id, limit],
    );
    const { snapshot, timeline } = rows[0]!;
    const last = rows.at(-1)!;
    const next =
      rows.length === limit && last.id !== null
        ? { since, until: until ?? snapshot, transactionId: last.transactionId!, id: last.id }
        : undefined;
    return { snapshot, timeline, cursor: cursorOf(rows), revocations: rows.flatMap(toRevocation), next };
  }

  /**
   * Where a reader begins who takes news beside pages: with a list that it had read a part of, whose rest is no longer all it lacks.
   */
  beginningOf(cursor: string | undefined): string | undefined {
    const [, timeline, , began] = CURSOR.exec(cursor ?? '') ?? [];
    return began === undefined ? cursor : `${timeline}-${began}`;
  }

  /**
   * What matters and may not be known to who knows `cursor`; everything, without a cursor or with one that is not of this database.
   * Some of it may be repeated.
   */
  async page(cursor: string | undefined, limit: number): Promise<RevocationPage> {
    const [, timeline = '', position = '0', began, after = '0'] = CURSOR.exec(cursor ?? '') ?? [];
    const since = began ?? position;
    const rows = await this.database.query<Row>(
      `SELECT ${ACCOUNT}, ${COLUMNS} FROM ${NOW} LEFT JOIN LATERAL (
         SELECT * FROM authfort_revocations
         WHERE transaction_id >= CASE
             WHEN $5 = now.timeline AND $1::bigint <= pg_snapshot_xmax(now.snapshot)::text::bigint THEN $1::bigint ELSE 0 END
           AND id > $2::bigint AND expires_at > $3
         ORDER BY id LIMIT $4
       ) AS r ON true ORDER BY r.id`,
      [since, after, this.clock.now(), limit, timeline],
    );
    // Of the first page: what was committed since may have ids that were passed by.
    const horizon = began === undefined ? cursorOf(rows) : `${timeline}-${position}`;
    const more = rows.length === limit && rows[0]!.id !== null;
    return {
      revocations: rows.flatMap(toRevocation),
      cursor: more ? `${horizon}.${since}.${rows.at(-1)!.id}` : horizon,
      more,
    };
  }
}

function cursorOf([first]: readonly Row[]): string {
  return `${first!.timeline}-${first!.horizon}`;
}

function toRevocation({ id, sid, sub, ver, keptSid, keptVer, kid, at, exp }: Row): Revocation[] {
  if (id === null) return [];
  const times = { at: Math.floor(at.getTime() / 1000), exp: Math.ceil(exp.getTime() / 1000) };
  if (sid !== null) return [{ sid, ...times }];
  const except = keptSid === null ? undefined : { sid: keptSid, ver: keptVer! };
  if (sub !== null) return [{ sub, ver: ver!, ...times, ...(except && { except }) }];
  return [{ kid: kid!, ...times }];
}
