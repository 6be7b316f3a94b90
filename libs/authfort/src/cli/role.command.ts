import type { Command } from 'commander';
import { withAuthFort } from './auth-fort-context.js';
import { addDatabaseFlags, type DatabaseFlags } from './connect.js';

/** `authfort role add|remove <email> <role>` */
export function registerRole(program: Command): void {
  const role = program.command('role').description('give and take roles');
  const change = (name: 'add' | 'remove', description: string) => {
    const command = role.command(name).description(description).argument('<email>').argument('<role>');
    addDatabaseFlags(command).action((email: string, roleName: string, flags: DatabaseFlags) =>
      run(name, email, roleName, flags),
    );
  };
  change('add', 'give a user a role');
  change('remove', 'take a role from a user');
}

async function run(
  change: 'add' | 'remove',
  email: string,
  role: string,
  flags: DatabaseFlags,
): Promise<void> {
  const { AuthFort } = await import('../auth-fort.js');
  await withAuthFort(flags, async (app) => {
    const authfort = app.get(AuthFort);
    const user = await authfort.getUserByEmail(email);
    await (change === 'add' ? authfort.addRole(user.id, role) : authfort.removeRole(user.id, role));
    const roles = await authfort.getRoles(user.id);
    console.log(`${user.email}: ${roles.length > 0 ? roles.join(', ') : 'no roles'}`);
  });
}
