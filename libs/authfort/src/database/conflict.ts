/** How often a transaction or a statement is run before its conflict is reported. */
const ATTEMPTS = 3;
/** SQLSTATEs of a deadlock (40P01) and of a serialization failure (40001): PostgreSQL has rolled everything back. */
const CONFLICT = /^40(P01|001)$/;

/**
 * Runs `work`, and repeats it when PostgreSQL has ended it to resolve a conflict between transactions. Nothing of the ended attempt is
 * left in the database, so `work` must change nothing but the database. Locks are taken in one order (users, sessions, tokens), so a
 * conflict is the exception.
 * @throws the last conflict after 3 attempts; every other error as it is
 */
export async function repeatOnConflict<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (attempt === ATTEMPTS || !isConflict(error)) throw error;
    }
  }
}

function isConflict(error: unknown): boolean {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === 'string' && CONFLICT.test(code);
}
