import type { Pool, PoolClient, QueryConfig, QueryResult, QueryResultRow } from 'pg';
import type { DataSource } from 'typeorm';
import { type PreparedStatement } from './prepared-statement.js';

/** One connection of the pool, for as long as it is checked out. */
export interface Connection {
  /** What PostgreSQL refuses is thrown as it is. */
  run<Row extends QueryResultRow>(
    statement: string | PreparedStatement,
    parameters: unknown[],
  ): Promise<QueryResult<Row>>;
  /** Gives it back. @param broken whether nobody should have it again */
  release(broken?: boolean): void;
}

/**
 * SQLSTATEs of a connection that knows other prepared statements than its client thinks (26000, 42P05), or whose statements were planned
 * before the tables were changed (0A000).
 */
const OUT_OF_STEP = new Set(['26000', '42P05', '0A000']);

/**
 * The pg pool of TypeORM's connection. TypeORM itself has no prepared statements, and runs each statement through a query runner, whose
 * subscribers nobody has here; its logger is told as it would be.
 */
export class ConnectionPool {
  constructor(
    private readonly dataSource: DataSource,
    private readonly prepare: boolean,
  ) {}

  checkOut(): Promise<Connection> {
    // Read each time: a connection that was closed and opened again has another pool.
    const pool = (this.dataSource.driver as unknown as { master?: Pool }).master;
    if (!pool) return Promise.reject(new Error('The connection to the database is closed'));
    return new Promise((resolve, reject) => {
      pool.connect((error, client) => {
        if (client) resolve(new PooledConnection(client, this.dataSource, this.prepare));
        else reject(error ?? new Error('The pool has no connection'));
      });
    });
  }
}

class PooledConnection implements Connection {
  private released = false;
  private outOfStep = false;

  constructor(
    private readonly client: PoolClient,
    private readonly dataSource: DataSource,
    private readonly prepare: boolean,
  ) {
    client.on('error', ignore);
  }

  async run<Row extends QueryResultRow>(
    statement: string | PreparedStatement,
    parameters: unknown[],
  ): Promise<QueryResult<Row>> {
    // The next to have this connection may be in a transaction.
    if (this.released) throw new Error('A statement came after the end of its transaction');
    const sql = typeof statement === 'string' ? statement : statement.sql;
    const { logger } = this.dataSource;
    logger.logQuery(sql, parameters);
    const start = performance.now();
    try {
      const result = await this.send<Row>(this.configOf(statement, sql, parameters));
      this.noteSlow(performance.now() - start, sql, parameters);
      return result;
    } catch (error) {
      if (error instanceof Error) {
        // It was made where the answer was read; here it learns who has asked.
        Error.captureStackTrace(error);
        this.outOfStep ||= OUT_OF_STEP.has((error as { code?: string }).code ?? '');
      }
      logger.logQueryError(error as Error, sql, parameters);
      throw error;
    }
  }

  release(broken = false): void {
    this.released = true;
    this.client.off('error', ignore);
    this.client.release(broken || this.outOfStep);
  }

  private configOf(statement: string | PreparedStatement, sql: string, parameters: unknown[]): QueryConfig {
    return typeof statement !== 'string' && this.prepare
      ? { name: statement.name, text: sql, values: parameters }
      : { text: sql, values: parameters };
  }

  /** By a callback: the promises of pg cost as much as its parsing. */
  private send<Row extends QueryResultRow>(config: QueryConfig): Promise<QueryResult<Row>> {
    return new Promise((resolve, reject) => {
      this.client.query<Row>(config, (error: Error | null, result) => {
        if (error) reject(error);
        else resolve(result);
      });
    });
  }

  private noteSlow(milliseconds: number, sql: string, parameters: unknown[]): void {
    const limit = this.dataSource.options.maxQueryExecutionTime;
    if (limit && milliseconds > limit)
      this.dataSource.logger.logQuerySlow(Math.round(milliseconds), sql, parameters);
  }
}

/** A connection that breaks fails its statement, and the next one; the event by itself would end the process. */
function ignore(): void {
  // Nothing is left to do.
}
