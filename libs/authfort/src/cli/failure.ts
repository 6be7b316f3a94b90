/** Thrown by a command for a mistake of its user: the message says what to do. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}

/** What went wrong, in one line for the terminal. Passwords in URLs are blotted out, wherever they come from. */
export function describeFailure(error: unknown): string {
  return messageOf(error)
    .replaceAll(/\s*\n\s*/g, ' ')
    .replaceAll(/(\w+:\/\/[^\s:/@]*):[^\s@]*@/g, '$1:***@');
}

/** Advice for PostgreSQL's and Node's codes that have one likely cause. */
const ADVICE = new Map([
  ['ECONNREFUSED', 'nothing answers at that address: is PostgreSQL running, and are host and port right?'],
  ['ENOTFOUND', 'there is no such host: check the host in the database URL'],
  ['ETIMEDOUT', 'the server does not answer: check host, port and firewall'],
  ['28P01', 'check user and password in the database URL'],
  ['28000', 'the server does not let this user in: check the database URL and pg_hba.conf'],
  ['3D000', 'create the database first, for example with `createdb`'],
  ['42501', 'the user of the database URL may not create tables there: use the owner of the database'],
]);

function messageOf(error: unknown): string {
  // Node tries every address of a host, and reports them all in an error without a message of its own.
  const cause: unknown = error instanceof AggregateError ? (error.errors[0] ?? error) : error;
  if (!(cause instanceof Error)) return String(cause);
  const advice = ADVICE.get((cause as NodeJS.ErrnoException).code ?? '');
  return advice ? `${cause.message} (${advice})` : cause.message;
}
