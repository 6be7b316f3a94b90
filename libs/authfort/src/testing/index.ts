export { ManualClock } from './manual-clock.js';
export { createTestDatabase, type TestDatabaseOptions } from './test-database.js';
export type { TestDatabase } from './test-database.interface.js';
