import { Logger } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import type { AuthFortConfig } from '../options/auth-fort.config.js';
import { Database, type DatabaseSettings } from './database.js';
import { authfortEntities } from './entities.js';
import { migrate, migrationStatus } from './migrator.js';

/**
 * Makes sure that the app's connection has AuthFort's entities and tables.
 * @throws Error that says what to do, when it does not.
 */
export async function openDatabase(
  dataSource: DataSource,
  config: Pick<AuthFortConfig, 'runMigrations'> & DatabaseSettings,
): Promise<Database> {
  if (!authfortEntities.every((entity) => dataSource.hasMetadata(entity))) {
    throw new Error(
      "AuthFort's entities are not on the connection: give TypeOrmModule.forRoot() `autoLoadEntities: true`, or list `...authfortEntities` in its `entities`.",
    );
  }
  if (config.runMigrations) {
    const logger = new Logger('AuthFort');
    await migrate(dataSource, { onProgress: (message) => logger.log(message) });
  } else if ((await migrationStatus(dataSource)).some(({ applied }) => !applied)) {
    throw new Error(
      "AuthFort's tables are not up to date: run `npx authfort migrate` before you start the app.",
    );
  }
  return new Database(dataSource, config);
}
