import { isProduction } from '../options/env.js';

/** What the command line reads from its environment. */
export interface CliEnvironment {
  readonly databaseUrl: string | undefined;
  readonly dataDir: string;
  readonly production: boolean;
  readonly keyEncryptionSecret: string | undefined;
}

/** What the command line reads from its environment; a variable that is empty counts as not set. */
export function readCliEnvironment(): CliEnvironment {
  return {
    databaseUrl: process.env.DATABASE_URL || undefined,
    dataDir: process.env.AUTHFORT_DATA_DIR || '.data',
    production: isProduction(),
    keyEncryptionSecret: process.env.KEY_ENCRYPTION_SECRET || undefined,
  };
}
