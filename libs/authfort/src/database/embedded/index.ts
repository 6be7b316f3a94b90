export { developmentSecret } from './development-secret.js';
export { EmbeddedDatabaseError, type EmbeddedDatabaseErrorCode } from './embedded-database.error.js';
export { embeddedPostgres, type PostgresOptions } from './embedded-postgres.js';
export { type EmbeddedStoreOptions } from './embedded-store.js';
