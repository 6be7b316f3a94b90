import { createHash } from 'node:crypto';

/** A statement that each connection parses and plans once, and from then on runs by its name. */
export class PreparedStatement {
  constructor(
    readonly name: string,
    readonly sql: string,
  ) {}
}

const statements = new Map<string, PreparedStatement>();

/**
 * Makes a statement of a hot path a prepared one. Its text has to be fixed: PostgreSQL keeps every text for as long as the connection
 * lives. Its generic plan has to be good for any parameters, as PostgreSQL soon plans for none in particular; a test looks at that plan.
 * @param name no other statement's
 */
export function prepared(name: string, sql: string): PreparedStatement {
  if (statements.has(name)) throw new Error(`Two prepared statements are called ${name}`);
  // With its text: behind a pooler, a connection may know the statement of another version of the server by this name.
  const version = createHash('sha256').update(sql).digest('hex').slice(0, 8);
  const statement = new PreparedStatement(`authfort_${name}_${version}`, sql);
  statements.set(name, statement);
  return statement;
}

/** Those of the files that were loaded. */
export function preparedStatements(): PreparedStatement[] {
  return [...statements.values()];
}
