/** The reason of a failure for the log: the message of the innermost cause, since the message of a 503 names no cause. */
export function reasonOf(error: unknown): string {
  let deepest = error;
  for (let level = 0; level < 10 && deepest instanceof Error && deepest.cause !== undefined; level += 1)
    deepest = deepest.cause;
  return String(deepest);
}
