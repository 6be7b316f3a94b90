import type { Writable } from 'node:stream';
import type pg from 'pg';
import type { DataSource } from 'typeorm';
import { type PreparedStatement } from './prepared-statement.js';

type Statement = string | PreparedStatement;
type Result = pg.QueryResult;
type Callback<T> = (error: unknown, value: T) => void;

/**
 * One connection of the pool, for as long as it is checked out. A statement is sent without waiting for those before it; what is sent in
 * one turn of the event loop leaves together.
 */
export interface Connection {
  /** Whether {@link end} was called. */
  readonly ending: boolean;
  /** What PostgreSQL refuses is thrown as it is. */
  run(statement: Statement, parameters?: unknown[]): Promise<Result>;
  /**
   * The last statement of a transaction. What another branch of the work sends from now on is refused: it would stand by itself.
   * @throws Error instead of a `COMMIT` when a statement is known to have failed
   */
  end(statement: 'COMMIT' | 'ROLLBACK'): Promise<Result>;
  /** Gives it back. @param broken whether nobody should have it again */
  release(broken?: boolean): void;
}

/**
 * SQLSTATEs of a connection that knows other prepared statements than its client thinks (26000, 42P05), or whose statements were planned
 * before the tables were changed (0A000).
 */
const OUT_OF_STEP = new Set(['26000', '42P05', '0A000']);

/**
 * The pg pool of TypeORM's connection. TypeORM itself has no prepared statements, and a query runner for each statement, whose
 * subscribers nobody has here; its logger is told as it would be. It is by callbacks: the promises cost as much as the parsing.
 */
export class ConnectionPool {
  constructor(
    private readonly dataSource: DataSource,
    private readonly prepare: boolean,
  ) {}

  /** A connection of one's own, for a transaction. */
  checkOut(): Promise<Connection> {
    return promised<PooledConnection>((done) => this.connect(done)).then((connection) =>
      connection.pipelined(),
    );
  }

  /** Runs one statement on any connection. What PostgreSQL refuses is thrown as it is. */
  run(statement: Statement, parameters: unknown[]): Promise<Result> {
    return promised((done) =>
      this.connect((error, connection) => {
        if (error) return done(error, undefined!);
        connection.send(statement, parameters, (failure, result) => {
          connection.release();
          done(failure, result);
        });
      }),
    );
  }

  private connect(done: Callback<PooledConnection>): void {
    // Read each time: a connection that was closed and opened again has another pool.
    const { master } = this.dataSource.driver as unknown as { master?: pg.Pool };
    if (!master) return done(new Error('The connection to the database is closed'), undefined!);
    master.connect((error, client) => {
      if (error || !client) done(error ?? new Error('The pool has no connection'), undefined!);
      else done(undefined, new PooledConnection(client, this.dataSource, this.prepare));
    });
  }
}

/** A statement of the transaction had failed, and whoever sent it said nothing. */
export class RolledBackError extends Error {
  constructor() {
    super('A transaction was rolled back, as one of its statements had failed');
  }
}

class PooledConnection implements Connection {
  ending = false;
  private released = false;
  private failed = false;
  private outOfStep = false;
  private corked = false;
  private readonly wasPipelined: boolean;

  constructor(
    private readonly client: pg.PoolClient & { pipeline?: boolean },
    private readonly dataSource: DataSource,
    private readonly prepare: boolean,
  ) {
    client.on('error', ignore);
    this.wasPipelined = client.pipeline ?? false;
  }

  /** pg's pipeline mode, until the connection is released: in it the app's own streams and cursors would be refused. */
  pipelined(): this {
    this.client.pipeline = true;
    return this;
  }

  run(statement: Statement, parameters: unknown[] = []): Promise<Result> {
    return promised((done) => {
      if (this.ending)
        return done(new Error('A statement came after the end of its transaction'), undefined!);
      this.cork();
      try {
        this.send(statement, parameters, done);
      } catch (error) {
        // A logger, or something that watches pg: PostgreSQL knows nothing of it, and would commit.
        this.failed = true;
        throw error;
      }
    });
  }

  end(statement: 'COMMIT' | 'ROLLBACK'): Promise<Result> {
    this.ending = true;
    return promised((done) => {
      // PostgreSQL would not commit either; but what could not even be sent has not failed there.
      if (statement === 'COMMIT' && this.failed) return done(new RolledBackError(), undefined!);
      this.cork();
      this.send(statement, [], done);
    });
  }

  /** One packet for all that is sent before the next turn, or the server would wake this process once for each of them. */
  private cork(): void {
    if (this.corked) return;
    this.corked = true;
    const { stream } = (this.client as unknown as { connection: { stream: Writable } }).connection;
    stream.cork();
    process.nextTick(() => {
      this.corked = false;
      stream.uncork();
    });
  }

  send(statement: Statement, parameters: unknown[], done: Callback<Result>): void {
    // The next to have this connection may be in a transaction.
    if (this.released)
      return done(new Error('A statement came after the end of its transaction'), undefined!);
    const sql = typeof statement === 'string' ? statement : statement.sql;
    const { logger, options } = this.dataSource;
    const { maxQueryExecutionTime: limit } = options;
    logger.logQuery(sql, parameters);
    const start = limit ? performance.now() : 0;
    // The client's own class: in pipeline mode it refuses that of another copy of pg.
    const { Query } = this.client.constructor as unknown as ClientClass;
    const query = new Query(sql, parameters);
    // What pg refuses to send it tells in a later turn, when the COMMIT would be on its way.
    const { submit } = query;
    query.submit = (connection) => {
      const refused = submit.call(query, connection);
      this.failed ||= refused instanceof Error;
      return refused;
    };
    if (this.prepare && typeof statement !== 'string') query.name = statement.name;
    query.callback = (error, result) => {
      if (error) {
        this.failed = true;
        this.outOfStep ||= OUT_OF_STEP.has((error as { code?: string }).code ?? '');
        logger.logQueryError(error, sql, parameters);
      }
      const milliseconds = limit ? performance.now() - start : 0;
      if (limit && milliseconds > limit) logger.logQuerySlow(Math.round(milliseconds), sql, parameters);
      done(error, result);
    };
    this.client.query(query as unknown as pg.Query);
  }

  release(broken = false): void {
    // pg calls back twice for what it could not bind.
    if (this.released) return;
    this.released = true;
    this.client.pipeline = this.wasPipelined;
    this.client.off('error', ignore);
    this.client.release(broken || this.outOfStep);
  }
}

/** What pg makes of a text and its parameters; the types leave out what pg-pool uses as well. */
type Query = Omit<pg.Query, 'submit'> & {
  name?: string;
  callback: (error: Error | null, result: Result) => void;
  /** Returns why it cannot be sent. */
  submit: (connection: unknown) => unknown;
};

interface ClientClass {
  readonly Query: new (sql: string, parameters: unknown[]) => Query;
}

function promised<T>(start: (done: Callback<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, value) => {
      if (error) reject(error as Error);
      else resolve(value);
    });
  });
}

/** A connection that breaks fails its statement, and the next one; the event by itself would end the process. */
function ignore(): void {
  // Nothing is left to do.
}
