/** Where an answer ends, and what it says. */
export interface Answer {
  readonly status: number;
  /** Index of the first character of the body. */
  readonly bodyAt: number;
  /** Index behind the answer's last character. */
  readonly end: number;
}

/**
 * Reads the answer to a GET or POST that begins at `from` (RFC 9112 §6). Undefined while a part of it is missing.
 * @throws Error for an answer whose end only the closing of the connection tells
 */
export function readAnswer(text: string, from: number): Answer | undefined {
  const headEnd = text.indexOf('\r\n\r\n', from);
  if (headEnd < 0) return undefined;
  const status = Number(text.slice(from + 9, from + 12));
  const bodyAt = headEnd + 4;
  const head = text.slice(from, headEnd + 2).toLowerCase();
  const lengthAt = head.indexOf('\r\ncontent-length:');
  let end: number | undefined = bodyAt;
  if (lengthAt >= 0) end = bodyAt + parseInt(head.slice(lengthAt + 17), 10);
  else if (head.includes('\r\ntransfer-encoding: chunked\r\n')) end = endOfChunks(text, bodyAt);
  else if (status !== 204 && status !== 304)
    throw new Error(`an answer without a length: ${text.slice(from, bodyAt)}`);
  return end === undefined || end > text.length ? undefined : { status, bodyAt, end };
}

/** RFC 9112 §7.1, without trailers. */
function endOfChunks(text: string, from: number): number | undefined {
  for (let at = from; ;) {
    const lineEnd = text.indexOf('\r\n', at);
    if (lineEnd < 0) return undefined;
    const size = parseInt(text.slice(at, lineEnd), 16);
    at = lineEnd + 2 + size + 2;
    if (size === 0 || at > text.length) return at;
  }
}
