import type { INestApplicationContext } from '@nestjs/common';
import { type Command, Option } from 'commander';
import type { StoredSigningKey } from '../keys/signing-key.repository.js';
import { withAuthFort } from './auth-fort-context.js';
import { addDatabaseFlags, type DatabaseFlags } from './connect.js';
import { readCliEnvironment } from './env.js';
import { CommandError } from './failure.js';

const NO_SECRET = 'KEY_ENCRYPTION_SECRET is needed to make a key: set the one of the auth server.';
const IN_CLEAR =
  'The keys are stored in clear, and the command makes none like that. Choose a KEY_ENCRYPTION_SECRET, replace each key with ' +
  'authfort keys compromise <kid> --new-secret, and start the auth server with it.';

interface CompromiseFlags extends DatabaseFlags {
  readonly newSecret?: boolean;
}

/** `authfort keys list|rotate|compromise <kid>`. Running servers follow within two seconds. */
export function registerKeys(program: Command): void {
  const keys = program.command('keys').description('look after the signing keys');
  addDatabaseFlags(keys.command('list').description('list the published keys')).action(
    (flags: DatabaseFlags) => withAuthFort(flags, print),
  );
  addDatabaseFlags(keys.command('rotate').description('sign with the next key from now on')).action(
    (flags: DatabaseFlags) => withAuthFort(flags, rotate),
  );
  addDatabaseFlags(
    keys
      .command('compromise')
      .argument('<kid>')
      // One key in 64 has a name that begins like an option.
      .allowUnknownOption()
      .description('take a key out at once: its tokens are refused, and clients refresh theirs')
      .addOption(
        new Option(
          '--new-secret',
          'encrypt the key that takes its place with the KEY_ENCRYPTION_SECRET that is set, though the others are not',
        ),
      ),
  ).action((kid: string, flags: CompromiseFlags) =>
    withAuthFort(flags, (app) => compromise(app, kid, flags.newSecret ?? false)),
  );
}

async function rotate(app: INestApplicationContext): Promise<void> {
  const { rotation, rows } = await published(app);
  await assertSecretFits(app, rows);
  // The servers' algorithm, which this process does not know from its own options.
  await rotation.rotate(rows.find(({ state }) => state === 'next')?.algorithm);
  await print(app);
}

async function compromise(app: INestApplicationContext, kid: string, newSecret: boolean): Promise<void> {
  const { rotation, rows } = await published(app);
  const others = rows.filter((row) => row.kid !== kid);
  if (others.length === rows.length)
    throw new CommandError(`There is no key ${kid}: authfort keys list shows those there are.`);
  // One that was only found in the folder is not the new one of a server.
  if (newSecret && readCliEnvironment().keyEncryptionSecret === undefined) throw new CommandError(NO_SECRET);
  await assertSecretFits(app, newSecret ? [] : others);
  await rotation.compromise(kid, rows.find(({ state }) => state === 'next')?.algorithm);
  await print(app);
}

async function published(app: INestApplicationContext) {
  const { KeyRotationService } = await import('../keys/key-rotation.service.js');
  const rotation = app.get(KeyRotationService);
  return { rotation, rows: await rotation.list() };
}

/** A key sealed with another secret than the servers' would be one that they cannot sign with. */
async function assertSecretFits(app: INestApplicationContext, rows: StoredSigningKey[]): Promise<void> {
  const [{ KeySealer }, { AUTHFORT_CONFIG }] = await Promise.all([
    import('../keys/key-sealer.js'),
    import('../options/auth-fort.config.js'),
  ]);
  const { keyEncryptionSecret } = app.get<{ keyEncryptionSecret?: string }>(AUTHFORT_CONFIG);
  if (keyEncryptionSecret === undefined) throw new CommandError(NO_SECRET);
  if (rows.length > 0 && rows.every((row) => KeySealer.isPlain(row.sealedPrivateKey)))
    throw new CommandError(IN_CLEAR);
  const sealer = app.get(KeySealer);
  if (rows.length > 0 && !rows.some((row) => sealer.opens(row.sealedPrivateKey, row.kid)))
    throw new CommandError(
      'KEY_ENCRYPTION_SECRET opens none of the other keys: set the one of the auth server, or see authfort keys compromise --help.',
    );
}

async function print(app: INestApplicationContext): Promise<void> {
  const [{ KeySealer }, { signerAmong }] = await Promise.all([
    import('../keys/key-sealer.js'),
    import('../keys/signer.policy.js'),
  ]);
  const { rows } = await published(app);
  if (rows.length === 0)
    console.log('There are no keys yet: the auth server makes them when it first starts.');
  const signer = signerAmong(rows, new Date());
  for (const row of rows) {
    const { state, kid, algorithm, createdAt, trustedFrom, verifiesUntil } = row;
    const until = verifiesUntil
      ? `verifies until ${verifiesUntil.toISOString()}`
      : `may sign from ${trustedFrom.toISOString()}`;
    // Right after a rotation it is not the current one.
    const signs = row === signer ? '  signs now' : '';
    const clear = KeySealer.isPlain(row.sealedPrivateKey) ? '  stored in clear' : '';
    console.log(
      `${state.padEnd(8)}  ${kid}  ${algorithm}  made ${createdAt.toISOString()}  ${until}${signs}${clear}`,
    );
  }
}
