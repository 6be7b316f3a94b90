import pg from 'pg';

type Query = (...args: unknown[]) => unknown;
type Callback = (...results: unknown[]) => void;

/**
 * A connection that gives a silent server up. `statement_timeout` is kept by the server itself, and one that hangs (a stalled disk, a
 * frozen machine, a network that drops packets) keeps nothing. The connection is closed then, and not only the wait ended, as pg's own
 * `query_timeout` does: a connection whose last statement may still run must never be given to somebody else.
 */
export class ImpatientClient extends pg.Client {
  /** How long one statement may take to be answered, in milliseconds; 0: for ever. */
  answerTimeoutMs = 12_000;
  /** The statements whose answers are awaited. */
  private awaited = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(config?: pg.ClientConfig) {
    super(config);
    const query = this.query.bind(this) as Query;
    this.query = ((...args: unknown[]) => this.watched(query, args)) as typeof this.query;
  }

  /** pg tells of the answer in one of three ways: to the callback of a query object, to a callback beside it, or by a promise. */
  private watched(query: Query, args: unknown[]): unknown {
    if (this.answerTimeoutMs === 0) return query(...args);
    const stop = this.startWaiting();
    const [first, last] = [(args[0] ?? {}) as Partial<Submittable>, args.at(-1)];
    if (typeof first.submit === 'function') {
      // A cursor or a stream ends when its reader wants.
      if (typeof first.callback !== 'function') stop();
      else first.callback = after(first.callback, stop);
    } else if (typeof last === 'function') {
      args[args.length - 1] = after(last as Callback, stop);
    }
    try {
      const result = query(...args);
      if (isPromise(result)) result.then(stop, stop);
      return result;
    } catch (error) {
      stop();
      throw error;
    }
  }

  /** @returns what is to be called when the answer is there; a second call does nothing */
  private startWaiting(): () => void {
    this.awaited += 1;
    this.timer ??= setTimeout(() => this.giveUp(), this.answerTimeoutMs);
    let answered = false;
    return () => {
      if (answered) return;
      answered = true;
      this.awaited -= 1;
      // The server does answer, and begins only now with what was sent behind this one.
      if (this.awaited > 0) return void this.timer?.refresh();
      clearTimeout(this.timer);
      this.timer = undefined;
    };
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

interface Submittable {
  submit: unknown;
  callback: Callback;
}

function after(callback: Callback, stop: () => void): Callback {
  return (...results) => {
    stop();
    callback(...results);
  };
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
