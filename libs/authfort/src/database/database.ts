import { AsyncLocalStorage } from 'node:async_hooks';
import type pg from 'pg';
import type { DataSource } from 'typeorm';
import { repeatOnConflict } from './conflict.js';
import { type Connection, ConnectionPool, RolledBackError } from './connection-pool.js';
import type { PreparedStatement } from './prepared-statement.js';
import { orUnavailable } from './unavailable.js';

/** What pg can always send. */
type Parameter = string | number | boolean | Date | Buffer | null | readonly string[];

/** A statement, and one alone, that changes nothing by its own words. */
const READS = /^\s*SELECT\b(?![^]*(?:;|\bINTO\b))/i;

interface OpenTransaction {
  readonly connection: Connection;
  /** The answer to its BEGIN, which is sent with the first statement. */
  begun: Promise<unknown> | undefined;
  /** Of the statements that nobody waits for, why the first one failed. */
  refusal: Error | undefined;
  readonly beforeCommit: (() => Promise<void>)[];
  readonly afterCommit: (() => void)[];
}

/** How {@link Database} speaks to the server. */
export interface DatabaseSettings {
  /** `false` sends prepared statements as plain ones, for a pooler that cannot have them. Default `true`. */
  readonly preparedStatements?: boolean;
}

/**
 * The app's connection, and the unit of work. Every repository asks here, so that a query made inside `transaction`
 * runs on the transaction's connection without anybody handing one around. (On the embedded database, which has a
 * single connection, a stray query would otherwise wait for ever.)
 */
export class Database {
  private readonly scope = new AsyncLocalStorage<OpenTransaction>();
  private readonly pool: ConnectionPool;

  constructor(dataSource: DataSource, { preparedStatements = true }: DatabaseSettings = {}) {
    this.pool = new ConnectionPool(dataSource, preparedStatements);
  }

  /**
   * Runs one statement and returns its rows, also for `UPDATE … RETURNING`. A `SELECT` must not call a function that writes: where it
   * opens a transaction, it is sent along with the BEGIN, and should that fail, it has run by itself.
   * @throws AuthFortError `unavailable` when the database is away; what PostgreSQL refuses is thrown as it is
   */
  async query<Row>(statement: string | PreparedStatement, parameters: unknown[] = []): Promise<Row[]> {
    const open = this.scope.getStore();
    try {
      const { rows } = await (open
        ? send(open, statement, parameters)
        : repeatOnConflict(() => this.pool.run(statement, parameters)));
      return rows as Row[];
    } catch (error) {
      // It was made where the answer was read; here it learns who has asked.
      if (error instanceof Error) Error.captureStackTrace(error);
      throw open ? error : orUnavailable(error);
    }
  }

  /**
   * Runs one statement whose rows nobody needs. Within a transaction it is only sent: the COMMIT behind it does not wait for it, and
   * if it fails, so does the transaction. So it is not for what may fail by design.
   * @param answered receives the number of rows; in a transaction, before the actions of `afterCommit` run
   * @throws AuthFortError `unavailable` outside of a transaction, like `query`; Error when the transaction has ended
   */
  async execute(
    statement: string | PreparedStatement,
    parameters: Parameter[] = [],
    answered?: (rowCount: number) => void,
  ): Promise<void> {
    const open = this.scope.getStore();
    if (!open) {
      const rows = await this.query(statement, parameters);
      return answered?.(rows.length);
    }
    // What changes something must not run beside a BEGIN that failed.
    await begin(open);
    const answer = open.connection.run(statement, parameters).then(({ rows }) => answered?.(rows.length));
    // Nobody would hear of a failure any more.
    if (open.connection.ending) await answer;
    else answer.catch((error: Error) => (open.refusal ??= error));
  }

  /**
   * Runs `work` in one transaction (READ COMMITTED); it commits when `work` resolves and rolls back when it throws.
   * Inside an open transaction it joins that one. `work` runs again after a deadlock: it must change nothing but the database.
   * @throws AuthFortError `unavailable` when the database is away; what `work` throws, as it is
   */
  async transaction<T>(work: () => Promise<T>): Promise<T> {
    if (this.scope.getStore()) return work();
    try {
      return await repeatOnConflict(() => this.attempt(work));
    } catch (error) {
      throw orUnavailable(error);
    }
  }

  private async attempt<T>(work: () => Promise<T>): Promise<T> {
    const connection = await this.pool.checkOut();
    const open: OpenTransaction = {
      connection,
      begun: undefined,
      refusal: undefined,
      beforeCommit: [],
      afterCommit: [],
    };
    let broken = false;
    try {
      const result = await this.scope.run(open, async () => {
        const done = await work();
        for (const action of open.beforeCommit) await action();
        return done;
      });
      if (open.begun) await commit(connection);
      for (const action of open.afterCommit) action();
      return result;
    } catch (error) {
      // What cannot be rolled back is not for anybody else.
      if (open.begun) await connection.end('ROLLBACK').catch(() => (broken = true));
      throw isConsequence(error) ? (open.refusal ?? error) : error;
    } finally {
      connection.release(broken);
    }
  }

  /** The open transaction, as a key for what belongs to it. */
  get openTransaction(): object | undefined {
    return this.scope.getStore();
  }

  /** Runs `action` at the end of the surrounding transaction, as its last part. There has to be one. */
  beforeCommit(action: () => Promise<void>): void {
    this.scope.getStore()!.beforeCommit.push(action);
  }

  /** Runs `action` once the surrounding transaction has committed; at once when there is none. It must not throw. */
  afterCommit(action: () => void): void {
    const open = this.scope.getStore();
    if (open) open.afterCommit.push(action);
    else action();
  }
}

function begin(open: OpenTransaction): Promise<unknown> {
  open.begun ??= open.connection.run('BEGIN ISOLATION LEVEL READ COMMITTED');
  return open.begun;
}

/** BEGIN travels with the first statement if that only reads; without a transaction around it, any other would stand by itself. */
async function send(
  open: OpenTransaction,
  statement: string | PreparedStatement,
  parameters: unknown[],
): Promise<pg.QueryResult> {
  // Only the first: those beside it keep their places behind whatever waits for the answer to BEGIN.
  const travels = !open.begun && READS.test(typeof statement === 'string' ? statement : statement.sql);
  const begun = begin(open);
  if (!travels) await begun;
  const [, result] = await Promise.all([begun, open.connection.run(statement, parameters)]);
  return result;
}

/** PostgreSQL answers the COMMIT of a transaction in which a statement has failed with ROLLBACK, and calls that no error. */
async function commit(connection: Connection): Promise<void> {
  const { command } = await connection.end('COMMIT');
  if (command !== 'COMMIT') throw new RolledBackError();
}

/** Whether it says no more than that a statement before had failed (SQLSTATE 25P02). */
function isConsequence(error: unknown): boolean {
  return error instanceof RolledBackError || (error as { code?: unknown } | undefined)?.code === '25P02';
}
