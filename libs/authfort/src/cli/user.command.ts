import type { Command } from 'commander';
import { withAuthFort } from './auth-fort-context.js';
import { addDatabaseFlags, type DatabaseFlags } from './connect.js';
import { askPassword, readPasswordFromStdin } from './password-input.js';

interface CreateFlags extends DatabaseFlags {
  readonly email: string;
  readonly name?: string;
  readonly role: string[];
  readonly emailVerified?: boolean;
  readonly passwordStdin?: boolean;
}

/** `authfort user create`: makes an account, also where sign-up is closed. */
export function registerUser(program: Command): void {
  const create = program
    .command('user')
    .description('look after users')
    .command('create')
    .description('make an account; the password is asked for')
    .requiredOption('--email <email>', 'e-mail address')
    .option('--name <name>', 'display name')
    .option(
      '--role <role>',
      'role to give, as often as needed',
      (role: string, roles: string[]) => [...roles, role],
      [],
    )
    .option('--email-verified', 'the address is known to be theirs, so no mail has to confirm it')
    .option('--password-stdin', 'read the password from standard input instead of asking for it');
  addDatabaseFlags(create).action(run);
}

async function run(flags: CreateFlags): Promise<void> {
  const password = flags.passwordStdin ? await readPasswordFromStdin() : await askPassword();
  const { AuthFort } = await import('../auth-fort.js');
  await withAuthFort(flags, async (app) => {
    const authfort = app.get(AuthFort);
    const { email, name, role: roles, emailVerified } = flags;
    const user = await authfort.createUser({ email, name, password, roles, emailVerified });
    const given = roles.length > 0 ? ` with ${roles.join(', ')}` : '';
    console.log(`Made ${user.email} (${user.id})${given}${user.emailVerified ? ', address verified' : ''}`);
  });
}
