import type { Revocation } from './revocation.js';

/** Entries as one server-sent event (WHATWG HTML §9.2). It is serialised once, and all readers share the bytes. */
export class FeedFrame {
  private serialised: Buffer | undefined;

  constructor(readonly revocations: readonly Revocation[]) {}

  get bytes(): Buffer {
    this.serialised ??= Buffer.from(`event: revocations\ndata: ${JSON.stringify(this.revocations)}\n\n`);
    return this.serialised;
  }
}
