import { Duplex } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type EmbeddedServer, type EmbeddedSession } from './embedded-server.js';
import { type ClientAction, FrontendMessages } from './frontend-messages.js';

/**
 * What pg takes for its socket. The client's bytes go to the database in this process, and the answers come back as if
 * they had crossed a network.
 */
export class SessionStream extends Duplex {
  private readonly messages = new FrontendMessages();
  private session: EmbeddedSession | undefined;

  constructor(private readonly server: EmbeddedServer) {
    super();
  }

  /** pg calls it as on a socket; nothing is opened before the start-up packet, so that a cancel request costs nothing. */
  connect(): this {
    process.nextTick(() => this.emit('connect'));
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  override _read(): void {
    // Answers are pushed when they exist; pg reads all that comes.
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.consume(chunk).then(() => done(), done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    // pg corks the messages of one query: taken together, they are one batch.
    this.consume(Buffer.concat(chunks.map(({ chunk }) => chunk))).then(() => done(), done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.endSession().then(() => {
      this.push(null);
      done();
    }, done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.endSession().then(() => done(error), done);
  }

  private async consume(bytes: Buffer): Promise<void> {
    for (const action of this.messages.push(bytes)) {
      if (this.destroyed) return;
      await this.act(action);
    }
  }

  private async act(action: ClientAction): Promise<void> {
    switch (action.kind) {
      case 'encryption':
        this.push('N');
        return;
      case 'cancel':
        // Nothing runs while this packet is read: a statement occupies the whole process until it is done.
        this.push(null);
        return;
      case 'startup':
        return this.startSession(action.bytes);
      case 'batch':
        if (this.session) this.push(await this.session.run(action.bytes));
        // The answers need no network, so that without this turn of the loop a busy client would starve timers and sockets.
        await nextTurn();
        return;
      case 'terminate':
        return this.endSession();
    }
  }

  private async startSession(startup: Buffer): Promise<void> {
    const session = await this.server.openSession();
    if (this.destroyed) return session.end();
    this.session = session;
    this.push(await session.run(startup));
  }

  private async endSession(): Promise<void> {
    const session = this.session;
    this.session = undefined;
    await session?.end();
  }
}
