/**
 * The body of an answer, piece by piece, until the signal ends it. Not left to `fetch`: in Node.js 20 that forgets its signal as soon as
 * the garbage collector has taken the request, and a server that falls silent would be waited for without an end.
 * @throws the signal's reason
 */
export async function* bodyOf({ body }: Response, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  if (!body) return;
  const reader = (body as ReadableStream<Uint8Array>).getReader();
  const cancel = (): void => void reader.cancel().catch(() => undefined);
  signal.addEventListener('abort', cancel);
  try {
    while (!signal.aborted) {
      const { done, value } = await reader.read();
      if (done) break;
      yield value;
    }
    signal.throwIfAborted();
  } finally {
    signal.removeEventListener('abort', cancel);
    cancel();
  }
}

/**
 * The whole body as text.
 * @param maxLength in characters
 * @throws the signal's reason; whatever `tooLarge` makes for a body that is longer
 */
export async function textOf(
  response: Response,
  signal: AbortSignal,
  maxLength: number,
  tooLarge: () => Error = () => new Error('the answer is too large'),
): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  // Leaving the loop ends the request.
  for await (const chunk of bodyOf(response, signal)) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > maxLength) throw tooLarge();
  }
  return text + decoder.decode();
}
