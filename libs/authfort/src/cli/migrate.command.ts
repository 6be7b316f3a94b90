import type { Command } from 'commander';
import { addDatabaseFlags, type DatabaseFlags, withDatabase } from './connect.js';
import { CommandError } from './failure.js';

interface MigrateFlags extends DatabaseFlags {
  readonly status?: boolean;
  readonly revert?: boolean;
}

/** `authfort migrate`: brings the tables up to date, lists the migrations, or takes the last one back. */
export function registerMigrate(program: Command): void {
  const command = program
    .command('migrate')
    .description(
      "bring AuthFort's tables up to date (safe to repeat, and to run from several places at once)",
    )
    .option('--status', 'list the migrations and change nothing')
    .option('--revert', 'take the last migration back, with the data that it brought');
  addDatabaseFlags(command).action(run);
}

async function run(flags: MigrateFlags): Promise<void> {
  if (flags.status && flags.revert) throw new CommandError('Give either --status or --revert, not both.');
  const { migrate, migrationStatus, revertLast } = await import('../database/migrator.js');
  const print = (line: string): void => console.log(line);
  await withDatabase(flags, async (dataSource) => {
    if (flags.status) {
      const statuses = await migrationStatus(dataSource);
      for (const { name, applied } of statuses) print(`${applied ? '[x]' : '[ ]'} ${name}`);
      const pending = statuses.filter(({ applied }) => !applied).length;
      print(pending === 0 ? 'The database is up to date.' : `${pending} to apply: run authfort migrate.`);
    } else if (flags.revert) {
      const reverted = await revertLast(dataSource, { onProgress: print });
      if (!reverted) print('No migration is applied: there is nothing to take back.');
    } else {
      await migrate(dataSource, { onProgress: print });
      print('The database is up to date.');
    }
  });
}
