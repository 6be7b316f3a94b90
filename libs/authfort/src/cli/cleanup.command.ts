import { type Command, InvalidArgumentError } from 'commander';
import { withAuthFort } from './auth-fort-context.js';
import { addDatabaseFlags, type DatabaseFlags } from './connect.js';

interface CleanupFlags extends DatabaseFlags {
  readonly auditRetention?: number;
}

/** `authfort cleanup`: what running servers do once an hour, now. */
export function registerCleanup(program: Command): void {
  const command = program
    .command('cleanup')
    .description('delete what has expired; a running server does so once an hour')
    .option(
      '--audit-retention <seconds>',
      'also delete entries of the audit log that are older: give what the server has as auditRetention',
      wholeSeconds,
    );
  addDatabaseFlags(command).action(run);
}

async function run(flags: CleanupFlags): Promise<void> {
  const { CleanupService } = await import('../cleanup/cleanup.service.js');
  await withAuthFort(flags, async (app) => {
    // How long the server keeps its audit log stands in its code: without the flag nothing is known of that.
    const deleted = await app.get(CleanupService).cleanup(flags.auditRetention ?? null);
    for (const [table, count] of Object.entries(deleted)) {
      const kept = table === 'auditEntries' && flags.auditRetention === undefined;
      console.log(`${table}: ${kept ? 'kept (see --audit-retention)' : count}`);
    }
  });
}

function wholeSeconds(text: string): number {
  if (!/^[1-9]\d{0,9}$/.test(text)) throw new InvalidArgumentError('Give a whole number of seconds.');
  return Number(text);
}
