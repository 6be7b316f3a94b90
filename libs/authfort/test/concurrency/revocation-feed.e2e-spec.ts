import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Database } from '../../src/database/database.js';
import { FeedReader } from '../feed-reader.js';
import { INTROSPECT_SECRET, startServer, type TestServer } from '../harness.js';

const INSERT = `INSERT INTO authfort_revocations (transaction_id, session_id, revoked_at, expires_at)
  VALUES (pg_current_xact_id()::text::bigint, $1, $2, $2::timestamptz + interval '15 minutes')`;

// The embedded database has a single connection: nothing there commits later than it began.
(process.env.DATABASE_URL ? describe : describe.skip)('revocations that commit out of order', () => {
  let server: TestServer;
  let replica: TestServer;
  beforeAll(async () => {
    server = await startServer();
    replica = await startServer({ replicaOf: server });
  });
  afterAll(async () => {
    await replica.close();
    await server.close();
  });

  /** Writes a revocation and keeps its transaction open until `commit` is called. */
  async function begun(): Promise<{ sid: string; commit: () => Promise<void> }> {
    const sid = randomUUID();
    const database = server.app.get(Database);
    let commit!: () => void;
    const committed = new Promise<void>((resolve) => (commit = resolve));
    let written!: () => void;
    const ready = new Promise<void>((resolve) => (written = resolve));
    const done = database.transaction(async () => {
      await database.query(INSERT, [sid, server.clock.now()]);
      written();
      await committed;
    });
    await ready;
    return {
      sid,
      commit: () => {
        commit();
        return done;
      },
    };
  }
  const knows = (sid: unknown) => (reader: FeedReader) =>
    reader.revocations.some((entry) => entry.sid === sid);

  it('reach a reader that has heard of later ones', async () => {
    const reader = await FeedReader.open(server.url);
    const early = await begun();
    const late = await begun();
    await late.commit();
    await reader.until(knows(late.sid));
    expect(knows(early.sid)(reader)).toBe(false);
    await early.commit();
    await reader.until(knows(early.sid));
    reader.close();
  });

  it('reach a reader that was away when they committed, at another replica', async () => {
    const reader = await FeedReader.open(server.url);
    const early = await begun();
    const late = await begun();
    await late.commit();
    await reader.until(knows(late.sid));
    await reader.until(({ events }) => events.at(-1)!.event === 'alive');
    reader.close();
    await early.commit();
    const again = await FeedReader.open(replica.url, reader.cursor);
    await again.until(knows(early.sid));
    again.close();
    const { body } = await replica.request(`/revocations?since=${reader.cursor}`, {
      headers: { authorization: `Bearer ${INTROSPECT_SECRET}` },
    });
    expect(body.revocations).toContainEqual(expect.objectContaining({ sid: early.sid }));
  });

  it('of 200 transactions at once, none is missed by a reader that comes and goes', async () => {
    const seen = new Set<unknown>();
    let cursor: string | undefined;
    let over = false;
    const reading = (async () => {
      while (!over) {
        const reader = await FeedReader.open((seen.size % 2 ? server : replica).url, cursor);
        await reader.until(({ events }) => events.some(({ event }) => event === 'alive'));
        for (const { sub } of reader.revocations) seen.add(sub);
        cursor = reader.cursor;
        reader.close();
      }
    })();
    const banned = await Promise.all(
      Array.from({ length: 200 }, async () => {
        const { id } = await replica.authfort.createUser({ email: `${randomUUID()}@example.com` });
        await server.authfort.banUser(id);
        return id;
      }),
    );
    over = true;
    await reading;
    // What it has not seen as it came and went is what its last cursor still gives.
    const { body } = await replica.request(`/revocations?since=${cursor}`, {
      headers: { authorization: `Bearer ${INTROSPECT_SECRET}` },
    });
    for (const { sub } of body.revocations) seen.add(sub);
    expect(banned.filter((id) => !seen.has(id))).toEqual([]);
    expect(banned).toHaveLength(200);
  });
});
