import type { TypeOrmModuleOptions } from '@nestjs/typeorm';
import 'reflect-metadata';
import { DataSource } from 'typeorm';
import { connectionOptions } from './libs/authfort/src/database/connection-options.js';
import { EmbeddedDatabaseError, type PostgresOptions } from './libs/authfort/src/database/embedded/index.js';
import { authfortEntities } from './libs/authfort/src/database/entities.js';
import { authfortMigrations } from './libs/authfort/src/database/migrations/index.js';
import { MIGRATIONS_TABLE } from './libs/authfort/src/database/migrator.js';
import { isProduction } from './libs/authfort/src/options/env.js';

/**
 * The connection of the apps: PostgreSQL at `DATABASE_URL`, else the embedded database in `AUTHFORT_DATA_DIR` (default
 * `.data`), which refuses to connect in production.
 */
export const ormconfig: PostgresOptions & Pick<TypeOrmModuleOptions, 'toRetry'> = {
  ...connectionOptions({
    databaseUrl: process.env.DATABASE_URL || undefined,
    dataDir: process.env.AUTHFORT_DATA_DIR || '.data',
    production: isProduction(),
    poolSize: Number(process.env.DATABASE_POOL_SIZE) || undefined,
    onProgress: (message) => process.stderr.write(`${message}\n`),
  }),
  // A server may still be starting; the embedded database's reasons to refuse do not go away by themselves.
  toRetry: (error: unknown) => !(error instanceof EmbeddedDatabaseError),
};

/** For the TypeORM CLI: `node --import @swc-node/register/esm-register node_modules/typeorm/cli.js migration:show -d ormconfig.ts`. */
export default new DataSource({
  ...ormconfig,
  entities: authfortEntities,
  migrations: authfortMigrations,
  migrationsTableName: MIGRATIONS_TABLE,
});
