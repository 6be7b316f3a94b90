import { Initial1700000000001 } from './1700000000001-initial.js';
import { Accounts1700000000002 } from './1700000000002-accounts.js';
import { Revocations1700000000003 } from './1700000000003-revocations.js';
import { AuditAddresses1700000000004 } from './1700000000004-audit-addresses.js';
import { TheftDetection1700000000005 } from './1700000000005-theft-detection.js';
import { OwnerConfirmed1700000000006 } from './1700000000006-owner-confirmed.js';
import { EndAllSessions1700000000007 } from './1700000000007-end-all-sessions.js';
import { AuditRepeats1700000000008 } from './1700000000008-audit-repeats.js';
import { UserSearch1700000000009 } from './1700000000009-user-search.js';
import { SessionAcr1700000000010 } from './1700000000010-session-acr.js';

/** AuthFort's migrations, oldest first. Their names are kept in the table `authfort_migrations`. */
export const authfortMigrations = [
  Initial1700000000001,
  Accounts1700000000002,
  Revocations1700000000003,
  AuditAddresses1700000000004,
  TheftDetection1700000000005,
  OwnerConfirmed1700000000006,
  EndAllSessions1700000000007,
  AuditRepeats1700000000008,
  UserSearch1700000000009,
  SessionAcr1700000000010,
];
