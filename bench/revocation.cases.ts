import { request, signUp, type SignedIn } from '../test/system/client.js';

/** One ban. */
export interface Ban {
  /** From its answer until the last service refused; undefined: one of them never did. */
  readonly milliseconds: number | undefined;
}

const PATIENCE_MS = 15_000;
const AT_ONCE = 3;

/** Users whose turn to be banned comes. */
export class BannedUsers {
  private constructor(
    private readonly authUrl: string,
    private readonly users: SignedIn[],
    private readonly adminToken: string,
  ) {}

  static async signUp(
    authUrl: string,
    admin: { email: string; password: string },
    count: number,
    progress: (message: string) => void,
  ): Promise<BannedUsers> {
    progress(`signing ${count} users up`);
    const users: SignedIn[] = [];
    let begun = 0;
    await Promise.all(
      Array.from({ length: AT_ONCE }, async () => {
        while ((begun += 1) <= count) users.push(await signUp(authUrl));
      }),
    );
    const { body } = await request(`${authUrl}/auth/login`, { method: 'POST', json: admin });
    const { tokens } = body as { tokens: { access_token: string } };
    return new BannedUsers(authUrl, users, tokens.access_token);
  }

  get left(): number {
    return this.users.length;
  }

  /** Bans the next user and asks every service until it refuses. Until then each has to accept. */
  async ban(services: readonly string[]): Promise<Ban> {
    const { id, accessToken } = this.users.pop()!;
    const before = await Promise.all(services.map((url) => accepts(url, accessToken)));
    if (before.includes(false)) throw new Error('a service refuses a user who is not banned yet');
    await this.acknowledged(id);
    const answeredAt = performance.now();
    const took = await Promise.all(services.map((url) => refusedAfter(url, accessToken, answeredAt)));
    return { milliseconds: took.includes(undefined) ? undefined : Math.max(...(took as number[])) };
  }

  /** A ban whose answer was lost is asked for again: only one that was acknowledged counts. */
  private async acknowledged(id: string): Promise<void> {
    for (;;) {
      const answer = await request(`${this.authUrl}/auth/admin/users/${id}/ban`, {
        method: 'POST',
        bearer: this.adminToken,
      }).catch(() => undefined);
      if (answer && answer.status < 300) return;
      if (answer && answer.status < 500) throw new Error(`the ban was answered ${answer.status}`);
    }
  }
}

async function refusedAfter(url: string, token: string, since: number): Promise<number | undefined> {
  while (await accepts(url, token)) if (performance.now() - since > PATIENCE_MS) return undefined;
  return performance.now() - since;
}

async function accepts(url: string, token: string): Promise<boolean> {
  const { status } = await request(`${url}/api/orders`, { bearer: token });
  if (status !== 200 && status !== 401) throw new Error(`a service answered ${status}`);
  return status === 200;
}

export function percentile(numbers: readonly number[], share: number): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}
