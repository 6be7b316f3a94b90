/** An event of a stream (WHATWG HTML §9.2.6). */
export interface StreamEvent {
  /** `message` unless the stream names it. */
  readonly event: string;
  readonly data: string;
  /** The last id that the stream gave, with this event or before it; undefined: none yet. */
  readonly lastEventId: string | undefined;
}

/** Reads server-sent events (WHATWG HTML §9.2.6) from bytes in pieces of any size. */
export class EventStreamParser {
  /** What the stream asks to wait for before the next connection, in milliseconds. */
  retryMs: number | undefined;
  // Strips a byte order mark, as the standard says, and takes wrong bytes for U+FFFD.
  private readonly decoder = new TextDecoder();
  private line = '';
  private afterCarriageReturn = false;
  private data: string[] = [];
  private dataLength = 0;
  private event = '';
  private lastEventId: string | undefined;

  /** @param maxLength of a line, and of an event's data, in characters */
  constructor(private readonly maxLength: number) {}

  /**
   * @returns the events that these bytes complete
   * @throws Error when a line or an event is longer than allowed
   */
  push(bytes: Uint8Array): StreamEvent[] {
    const events: StreamEvent[] = [];
    const text = this.decoder.decode(bytes, { stream: true });
    let from = 0;
    // CR LF is one end of a line, also where the two come in different pieces.
    if (this.afterCarriageReturn && text.length > 0) {
      if (text.startsWith('\n')) from = 1;
      this.afterCarriageReturn = false;
    }
    const ends = /\r\n|\n|\r/g;
    ends.lastIndex = from;
    for (let end = ends.exec(text); end; end = ends.exec(text)) {
      const line = this.line + text.slice(from, end.index);
      this.line = '';
      from = ends.lastIndex;
      this.bound(line.length);
      const completed = line === '' ? this.dispatch() : this.take(line);
      if (completed) events.push(completed);
      this.afterCarriageReturn = end[0] === '\r' && from === text.length;
    }
    this.line += text.slice(from);
    this.bound(this.line.length);
    return events;
  }

  private take(line: string): undefined {
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
    if (field === 'data') {
      this.dataLength += value.length + 1;
      this.bound(this.dataLength);
      this.data.push(value);
    } else if (field === 'event') this.event = value;
    else if (field === 'id' && !value.includes('\0')) this.lastEventId = value;
    else if (field === 'retry' && /^\d{1,9}$/.test(value)) this.retryMs = Number(value);
  }

  private dispatch(): StreamEvent | undefined {
    const { data, event, lastEventId } = this;
    this.data = [];
    this.dataLength = 0;
    this.event = '';
    // Nothing without data: an id alone only counts for the next one.
    return data.length === 0 ? undefined : { event: event || 'message', data: data.join('\n'), lastEventId };
  }

  private bound(length: number): void {
    if (length > this.maxLength) throw new Error('an event is too large');
  }
}
