import type { Command } from 'commander';
import type { KeyRotationService } from '../keys/key-rotation.service.js';
import { withAuthFort } from './auth-fort-context.js';
import { addDatabaseFlags, type DatabaseFlags } from './connect.js';
import { CommandError } from './failure.js';

/** `authfort keys list|rotate|compromise <kid>`. Running servers follow within two seconds. */
export function registerKeys(program: Command): void {
  const keys = program.command('keys').description('look after the signing keys');
  addDatabaseFlags(keys.command('list').description('list the published keys')).action(
    (flags: DatabaseFlags) => withRotation(flags, print),
  );
  addDatabaseFlags(keys.command('rotate').description('sign with the next key from now on')).action(
    (flags: DatabaseFlags) => withRotation(flags, rotate),
  );
  addDatabaseFlags(
    keys
      .command('compromise')
      .argument('<kid>')
      .description('take a key out at once: its tokens are refused, and clients refresh theirs'),
  ).action((kid: string, flags: DatabaseFlags) =>
    withRotation(flags, (rotation) => compromise(rotation, kid)),
  );
}

async function withRotation(
  flags: DatabaseFlags,
  work: (rotation: KeyRotationService) => Promise<void>,
): Promise<void> {
  const { KeyRotationService } = await import('../keys/key-rotation.service.js');
  await withAuthFort(flags, (app) => work(app.get(KeyRotationService)));
}

async function rotate(rotation: KeyRotationService): Promise<void> {
  // The servers' algorithm, which this process does not know from its own options.
  await rotation.rotate((await rotation.list()).find(({ state }) => state === 'next')?.algorithm);
  await print(rotation);
}

async function compromise(rotation: KeyRotationService, kid: string): Promise<void> {
  const next = (await rotation.list()).find(({ state }) => state === 'next');
  if (!(await rotation.compromise(kid, next?.algorithm))) {
    throw new CommandError(`There is no key ${kid}: authfort keys list shows those there are.`);
  }
  await print(rotation);
}

async function print(rotation: KeyRotationService): Promise<void> {
  for (const { state, kid, algorithm, createdAt, trustedFrom, verifiesUntil } of await rotation.list()) {
    const until = verifiesUntil
      ? `verifies until ${verifiesUntil.toISOString()}`
      : `may sign from ${trustedFrom.toISOString()}`;
    console.log(`${state.padEnd(8)}  ${kid}  ${algorithm}  made ${createdAt.toISOString()}  ${until}`);
  }
}
