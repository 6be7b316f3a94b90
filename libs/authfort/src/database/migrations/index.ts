import { Initial1700000000001 } from './1700000000001-initial.js';
import { Accounts1700000000002 } from './1700000000002-accounts.js';
import { Revocations1700000000003 } from './1700000000003-revocations.js';
import { SessionAcr1700000000010 } from './1700000000010-session-acr.js';

/** AuthFort's migrations, oldest first. Their names are kept in the table `authfort_migrations`. */
export const authfortMigrations = [
  Initial1700000000001,
  Accounts1700000000002,
  Revocations1700000000003,
  SessionAcr1700000000010,
];
