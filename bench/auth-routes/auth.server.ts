import { startAuthServer } from '../auth-server.js';
import { serveBench } from '../load/bench-server.js';

/** A user who is signed in. */
export interface BenchUser {
  readonly email: string;
  readonly password: string;
  readonly accessToken: string;
  readonly refreshToken: string;
}

const [, , databaseUrl, dataDir] = process.argv;
/** They are counted, and never reached. */
const amply = { points: 1_000_000, durationSeconds: 3600 };
const rateLimit = { rules: { login: amply, loginPerAccount: amply, refresh: amply, passwordGuesses: amply } };
const server = await startAuthServer(databaseUrl || undefined, { dataDir, rateLimit });
await server.authfort.grantPermission('editor', 'articles:write');
await server.authfort.grantPermission('editor', 'articles:publish');

async function signUp(number: number): Promise<BenchUser> {
  const [email, password] = [`user-${number}@example.com`, `password of user ${number}`];
  await server.authfort.createUser({ email, password, name: 'Ada Lovelace', roles: ['editor'] });
  const { tokens } = await server.authfort.login(email, password);
  return { email, password, accessToken: tokens.accessToken, refreshToken: tokens.refreshToken };
}

serveBench({
  url: server.url,
  commands: {
    signUp: async (count: number) => {
      const users: BenchUser[] = [];
      for (let n = 0; n < count; n += 1) users.push(await signUp(n));
      return users;
    },
    introspectSecret: () => server.introspectSecret,
  },
  close: () => server.close(),
});
