/** What the first packets of a connection ask for (PostgreSQL protocol, 54.7 "Message Formats"). */
export type FirstPacket = 'startup' | 'encryption' | 'cancel';

const CANCEL_REQUEST = 80_877_102;
const SSL_REQUEST = 80_877_103;
const GSS_ENCRYPTION_REQUEST = 80_877_104;

/** Messages after which the server owes an answer: Query, Sync, Flush, FunctionCall, CopyDone, CopyFail. */
const ANSWERED = new Set(['Q', 'S', 'H', 'F', 'c', 'f']);

/**
 * CopyFail. After `COPY … FROM STDIN` the database would wait for data that can only come when it has answered, and with
 * it the whole process. In any other state a server ignores this message (PostgreSQL protocol, 54.2.6).
 */
const NO_COPY = copyFail('COPY FROM STDIN is not available in the embedded database');

/** A piece of what the client sent, cut where the server has to act. */
export type ClientAction =
  | { readonly kind: FirstPacket; readonly bytes: Buffer }
  | { readonly kind: 'batch'; readonly bytes: Buffer }
  | { readonly kind: 'terminate' };

/**
 * Cuts the client's byte stream into actions. Messages that want no answer yet (Parse, Bind, Describe, Execute) are kept
 * until the Sync or Flush that follows, so that one call into the database answers a whole pipeline.
 */
export class FrontendMessages {
  private rest: Buffer = Buffer.alloc(0);
  private batch: Buffer[] = [];
  private started = false;

  /** Takes the next bytes and returns the actions that they complete. */
  push(bytes: Buffer): ClientAction[] {
    this.rest = this.rest.length === 0 ? bytes : Buffer.concat([this.rest, bytes]);
    const actions: ClientAction[] = [];
    for (let action = this.next(); action !== undefined; action = this.next()) actions.push(action);
    return actions;
  }

  private next(): ClientAction | undefined {
    if (!this.started) return this.nextFirstPacket();
    for (;;) {
      // One type byte, then a length that counts itself but not the type.
      if (this.rest.length < 5) return undefined;
      const message = this.cut(1 + this.rest.readInt32BE(1));
      if (!message) return undefined;
      const type = String.fromCharCode(message[0] ?? 0);
      if (type === 'X') return { kind: 'terminate' };
      this.batch.push(message);
      if (type === 'Q') this.batch.push(NO_COPY);
      if (!ANSWERED.has(type)) continue;
      const whole = Buffer.concat(this.batch);
      this.batch = [];
      return { kind: 'batch', bytes: whole };
    }
  }

  private nextFirstPacket(): ClientAction | undefined {
    if (this.rest.length < 8) return undefined;
    const packet = this.cut(this.rest.readInt32BE(0));
    if (!packet) return undefined;
    const code = packet.readInt32BE(4);
    if (code === CANCEL_REQUEST) return { kind: 'cancel', bytes: packet };
    if (code === SSL_REQUEST || code === GSS_ENCRYPTION_REQUEST) return { kind: 'encryption', bytes: packet };
    this.started = true;
    return { kind: 'startup', bytes: packet };
  }

  private cut(length: number): Buffer | undefined {
    if (this.rest.length < length) return undefined;
    const message = this.rest.subarray(0, length);
    this.rest = this.rest.subarray(length);
    return message;
  }
}

function copyFail(reason: string): Buffer {
  const text = Buffer.from(`${reason}\0`);
  const head = Buffer.alloc(5, 'f');
  head.writeInt32BE(4 + text.length, 1);
  return Buffer.concat([head, text]);
}
