import { Command } from 'commander';
import { registerCleanup } from './cleanup.command.js';
import { registerKeys } from './keys.command.js';
import { registerMigrate } from './migrate.command.js';
import { registerRole } from './role.command.js';
import { registerUser } from './user.command.js';

/** The `authfort` command with all its subcommands. */
export function createProgram(): Command {
  const program = new Command('authfort')
    .description('Looks after the database, users and keys of an AuthFort server.')
    .showHelpAfterError('(add --help to see what is possible)');
  registerMigrate(program);
  registerUser(program);
  registerRole(program);
  registerKeys(program);
  registerCleanup(program);
  return program;
}
