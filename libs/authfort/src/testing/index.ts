export { MemoryMail } from '../mail/memory.transport.js';
export { ManualClock } from './manual-clock.js';
export { settleOutbox } from './settle-outbox.js';
export { createTestDatabase, type TestDatabaseOptions } from './test-database.js';
export type { TestDatabase } from './test-database.interface.js';
