import { Command } from 'commander';
import { registerMigrate } from './migrate.command.js';

/** The `authfort` command with all its subcommands. */
export function createProgram(): Command {
  const program = new Command('authfort')
    .description('Looks after the database, users and keys of an AuthFort server.')
    .showHelpAfterError('(add --help to see what is possible)');
  registerMigrate(program);
  return program;
}
