import pg from 'pg';

type Query = (...args: unknown[]) => unknown;

/**
 * A connection that gives a silent server up. `statement_timeout` is kept by the server itself, and one that hangs (a stalled disk, a
 * frozen machine, a network that drops packets) keeps nothing. The connection is closed then, and not only the wait ended, as pg's own
 * `query_timeout` does: a connection whose last statement may still run must never be given to somebody else.
 */
export class ImpatientClient extends pg.Client {
  /** How long one statement may take to be answered, in milliseconds; 0: for ever. */
  answerTimeoutMs = 12_000;

  constructor(config?: pg.ClientConfig) {
    super(config);
    const query = this.query.bind(this) as Query;
    this.query = ((...args: unknown[]) => this.watched(query(...args))) as typeof this.query;
  }

  private watched(result: unknown): unknown {
    if (this.answerTimeoutMs === 0 || !isPromise(result)) return result;
    const timer = setTimeout(() => this.giveUp(), this.answerTimeoutMs);
    const stop = () => clearTimeout(timer);
    result.then(stop, stop);
    return result;
  }

  /** Whoever waits on this connection gets the error, and the pool takes it out. */
  private giveUp(): void {
    const { stream } = (this as unknown as { connection: { stream: NodeJS.WritableStream & Destroyable } })
      .connection;
    stream.destroy(new Error('Query read timeout'));
  }
}

interface Destroyable {
  destroy(error: Error): void;
}

/** Runs `work` on a connection whose statements may take as long as they want: the app's bounds are not meant for migrations. */
export async function patiently<T>(connection: unknown, work: () => Promise<T>): Promise<T> {
  if (!(connection instanceof ImpatientClient)) return work();
  const { answerTimeoutMs } = connection;
  connection.answerTimeoutMs = 0;
  return work().finally(() => (connection.answerTimeoutMs = answerTimeoutMs));
}

function isPromise(value: unknown): value is Promise<unknown> {
  return typeof (value as { then?: unknown } | undefined)?.then === 'function';
}
