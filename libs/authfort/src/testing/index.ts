export { ManualClock } from './manual-clock.js';
export { createTestDatabase, type TestDatabase, type TestDatabaseOptions } from './test-database.js';
