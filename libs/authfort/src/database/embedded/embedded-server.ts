import { type PGlite } from '@electric-sql/pglite';

/** One client's time with the database. */
export interface EmbeddedSession {
  /** Runs complete protocol messages and returns the server's answer. */
  run(messages: Buffer): Promise<Buffer>;
  /** Rolls back what is open, forgets all session state and lets the next client in. May be called twice. */
  end(): Promise<void>;
}

/** Where the engine comes from, and who takes it back. */
export interface EngineStore {
  /** @throws EmbeddedDatabaseError */
  open(): Promise<PGlite>;
  close(engine: PGlite): Promise<void>;
}

/** Sync ends a pipeline that broke off; ROLLBACK and DISCARD ALL each need a message of their own. */
const RESET = Buffer.concat([
  Buffer.from([0x53, 0, 0, 0, 4]),
  simpleQuery('ROLLBACK'),
  simpleQuery('DISCARD ALL'),
]);

/** The database in this process. It has one backend, so that clients come one after the other. */
export class EmbeddedServer {
  private engine: Promise<PGlite> | undefined;
  private turn: Promise<void> = Promise.resolve();
  private closing: Promise<void> = Promise.resolve();
  /** How often it was closed. */
  private closed = 0;

  constructor(private readonly store: EngineStore) {}

  /**
   * Waits for the client before to leave, and starts the database if it is not running.
   * @throws EmbeddedDatabaseError
   */
  async openSession(): Promise<EmbeddedSession> {
    const before = this.turn;
    let leave = (): void => undefined;
    this.turn = new Promise((resolve) => (leave = resolve));
    await before;
    try {
      await this.closing;
      const { closed } = this;
      const engine = await this.start();
      return this.session(engine, closed, leave);
    } catch (error) {
      leave();
      throw error;
    }
  }

  /** The database's files as a tar archive, for `snapshot` of another one. Call it when no transaction is open. */
  async dump(): Promise<Blob> {
    const engine = await this.start();
    // A tidy copy starts without a recovery.
    await engine.exec('CHECKPOINT');
    return engine.dumpDataDir('none');
  }

  /** Closes the database and gives its folder back. A later session starts it again. */
  async close(): Promise<void> {
    const engine = this.engine;
    this.engine = undefined;
    this.closed += 1;
    this.turn = Promise.resolve();
    if (engine) this.closing = engine.then((running) => this.store.close(running));
    await this.closing.catch(() => undefined);
    this.closing = Promise.resolve();
  }

  private start(): Promise<PGlite> {
    this.engine ??= this.store.open().catch((error: unknown) => {
      this.engine = undefined;
      throw error;
    });
    return this.engine;
  }

  private session(engine: PGlite, closed: number, leave: () => void): EmbeddedSession {
    let ended = false;
    // An engine that was given back may serve another server.
    const isOurs = () => closed === this.closed && engine.ready;
    return {
      run: (messages) =>
        isOurs() ? exchange(engine, messages) : Promise.reject(new Error('the embedded database was closed')),
      end: async () => {
        if (ended) return;
        ended = true;
        try {
          if (isOurs()) await exchange(engine, RESET);
        } finally {
          leave();
        }
      },
    };
  }
}

/**
 * `execProtocolRaw` would also parse each answer and keep it for ever (PGlite 0.5: `#currentQuery.results` is emptied by
 * `execProtocol` alone); the streaming call hands the bytes out as they are, notices and notifications among them.
 */
async function exchange(engine: PGlite, messages: Buffer): Promise<Buffer> {
  const answer: Buffer[] = [];
  // A copy: the bytes are a view of the database's own memory.
  await engine.execProtocolRawStream(messages, { onRawData: (bytes) => answer.push(Buffer.from(bytes)) });
  return Buffer.concat(answer);
}

function simpleQuery(sql: string): Buffer {
  const text = Buffer.from(`${sql}\0`);
  const head = Buffer.alloc(5, 'Q');
  head.writeInt32BE(4 + text.length, 1);
  return Buffer.concat([head, text]);
}
