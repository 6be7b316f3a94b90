import { startAuthServer } from '../auth-server.js';
import { serveBench } from '../load/bench-server.js';
import { seed, type Size, tokenOf } from './seed.js';

const [, , databaseUrl] = process.argv;
const server = await startAuthServer(databaseUrl);

serveBench({
  url: server.url,
  commands: {
    seed: (size: Size) => seed(databaseUrl!, size),
    introspectSecret: () => server.introspectSecret,
    /** Access tokens of sessions that lie anywhere. */
    accessTokens: async (sessions: number[]) => {
      const tokens: string[] = [];
      for (const n of sessions) tokens.push((await server.authfort.refresh(tokenOf(n))).tokens.accessToken);
      return tokens;
    },
  },
  close: () => server.close(),
});
