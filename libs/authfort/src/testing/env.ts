/** The PostgreSQL server that the tests should use; without `DATABASE_URL` they run on the embedded database. */
export function testDatabaseUrl(): string | undefined {
  return process.env.DATABASE_URL || undefined;
}
