import { describe, expect, it } from '@jest/globals';
import { EventStreamParser, type StreamEvent } from './event-stream.parser.js';

const bytes = (text: string) => new TextEncoder().encode(text);

function parse(...pieces: (string | Uint8Array)[]): StreamEvent[] {
  const parser = new EventStreamParser(1000);
  return pieces.flatMap((piece) => parser.push(typeof piece === 'string' ? bytes(piece) : piece));
}

const message = (data: string, rest: Partial<StreamEvent> = {}): StreamEvent => ({
  event: 'message',
  data,
  lastEventId: undefined,
  ...rest,
});

describe('EventStreamParser', () => {
  it.each([
    ['LF', '\n'],
    ['CR', '\r'],
    ['CR LF', '\r\n'],
  ])('reads lines that end with %s, also byte by byte', (_, end) => {
    const text = ['id: 7', 'event: news', 'data: one', 'data: two', '', 'data: three', '', ''].join(end);
    const expected = [
      { event: 'news', data: 'one\ntwo', lastEventId: '7' },
      { event: 'message', data: 'three', lastEventId: '7' },
    ];
    expect(parse(text)).toEqual(expected);
    expect(parse(...[...bytes(text)].map((byte) => Uint8Array.of(byte)))).toEqual(expected);
  });

  it('takes CR LF in two pieces for one end of a line, with nothing between', () => {
    expect(parse('data: a\r', '', '\ndata: b\r', '\n\r', '\n')).toEqual([message('a\nb')]);
  });

  it('puts characters together that were cut in two', () => {
    const text = bytes('data: schön €\n\n');
    for (let at = 1; at < text.length; at += 1)
      expect(parse(text.slice(0, at), text.slice(at))).toEqual([message('schön €')]);
  });

  it('takes one space from a value, and a field without a colon for an empty one', () => {
    expect(parse('data:  a\n\n', 'data:b\n\n', 'data\n\n', 'data: x: y\n\n').map(({ data }) => data)).toEqual(
      [' a', 'b', '', 'x: y'],
    );
  });

  it('passes over comments, unknown fields, events without data, a byte order mark and an end in the middle', () => {
    expect(parse('\ufeffdata: a\n\n: comment\nother: x\nDATA: y\n\nevent: empty\n\ndata: half\n')).toEqual([
      message('a'),
    ]);
  });

  it('keeps an id until there is another, but takes none with a NUL', () => {
    const ids = parse('id: 1\n\ndata: a\n\nid: x\0\ndata: b\n\nid\ndata: c\n\n').map(
      ({ lastEventId }) => lastEventId,
    );
    expect(ids).toEqual(['1', '1', '']);
  });

  it('reads the pause that the stream asks for, and nothing that is no number', () => {
    const parser = new EventStreamParser(100);
    parser.push(bytes('retry: 2500\nretry: -1\nretry: 1e3\nretry: soon\nretry: 99999999999\n'));
    expect(parser.retryMs).toBe(2500);
  });

  it.each([
    ['a line without an end', (parser: EventStreamParser) => parser.push(bytes('x'.repeat(50)))],
    ['a comment', (parser: EventStreamParser) => parser.push(bytes(`:${'x'.repeat(200)}\n`))],
    [
      'data in many lines',
      (parser: EventStreamParser) => parser.push(bytes('data: 0123456789\n'.repeat(10))),
    ],
    ['many empty lines of data', (parser: EventStreamParser) => parser.push(bytes('data\n'.repeat(50)))],
  ])('gives up on %s that has no end', (_, push) => {
    const parser = new EventStreamParser(100);
    expect(() => {
      for (let count = 0; count < 10; count += 1) push(parser);
    }).toThrow('too large');
  });
});
