import { AsyncLocalStorage } from 'node:async_hooks';
import type { DataSource, QueryRunner } from 'typeorm';
import { orUnavailable } from './unavailable.js';

interface OpenTransaction {
  readonly runner: QueryRunner;
  readonly beforeCommit: (() => Promise<void>)[];
  readonly afterCommit: (() => void)[];
}

/**
 * The app's connection, and the unit of work. Every repository asks here, so that a query made inside `transaction`
 * runs on the transaction's connection without anybody handing one around. (On the embedded database, which has a
 * single connection, a stray query would otherwise wait for ever.)
 */
export class Database {
  private readonly scope = new AsyncLocalStorage<OpenTransaction>();

  constructor(private readonly dataSource: DataSource) {}

  /**
   * Runs one statement and returns its rows, also for `UPDATE … RETURNING`.
   * @throws AuthFortError `unavailable` when the database is away; what PostgreSQL refuses is thrown as it is
   */
  async query<Row>(sql: string, parameters: unknown[] = []): Promise<Row[]> {
    const open = this.scope.getStore();
    if (open) return run<Row>(open.runner, sql, parameters);
    const runner = this.dataSource.createQueryRunner();
    try {
      return await run<Row>(runner, sql, parameters);
    } catch (error) {
      throw orUnavailable(error);
    } finally {
      await runner.release();
    }
  }

  /**
   * Runs `work` in one transaction (READ COMMITTED); it commits when `work` resolves and rolls back when it throws.
   * Inside an open transaction it joins that one.
   */
  async transaction<T>(work: () => Promise<T>): Promise<T> {
    if (this.scope.getStore()) return work();
    const runner = this.dataSource.createQueryRunner();
    const open: OpenTransaction = { runner, beforeCommit: [], afterCommit: [] };
    try {
      await runner.startTransaction('READ COMMITTED');
      const result = await this.scope.run(open, async () => {
        const done = await work();
        for (const action of open.beforeCommit) await action();
        return done;
      });
      await runner.commitTransaction();
      for (const action of open.afterCommit) action();
      return result;
    } catch (error) {
      // A connection that broke has rolled back by itself; the first error is the one that explains.
      if (runner.isTransactionActive) await runner.rollbackTransaction().catch(() => undefined);
      throw orUnavailable(error);
    } finally {
      await runner.release();
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

async function run<Row>(runner: QueryRunner, sql: string, parameters: unknown[]): Promise<Row[]> {
  const result = await runner.query(sql, parameters, true);
  return result.records as Row[];
}
