import { request, signUp, type SignedIn } from '../test/system/client.js';

/** How requests of other users were answered during something. */
export interface Phase {
  readonly answers: number;
  /** Answers other than 200. */
  readonly refused: number;
  /** Of `GET /auth/me`, in milliseconds. */
  readonly p50: number;
  readonly p99: number;
}

const PAUSE_MS = 20;

/** Users other than the owner of the measured account. */
export class OtherUsers {
  private constructor(
    private readonly authUrl: string,
    private readonly services: readonly string[],
    private readonly users: readonly SignedIn[],
  ) {}

  static async signUp(authUrl: string, services: readonly string[], count: number): Promise<OtherUsers> {
    const users: SignedIn[] = [];
    for (let n = 0; n < count; n += 1) users.push(await signUp(authUrl));
    const others = new OtherUsers(authUrl, services, users);
    // The services fetch the keys and connect to the feed.
    for (const url of services)
      while ((await request(`${url}/api/orders`, { bearer: users[0]!.accessToken })).status !== 200);
    return others;
  }

  /** Asks the auth server and every service as each user until `work` is done. */
  async during(work: () => Promise<unknown>): Promise<Phase> {
    let over = false;
    let answers = 0;
    let refused = 0;
    const took: number[] = [];
    const count = (status: number): void => {
      answers += 1;
      if (status !== 200) refused += 1;
    };
    const asking = this.users.map(async ({ accessToken: bearer }) => {
      while (!over) {
        const startedAt = performance.now();
        count((await request(`${this.authUrl}/auth/me`, { bearer })).status);
        took.push(performance.now() - startedAt);
        for (const url of this.services) count((await request(`${url}/api/orders`, { bearer })).status);
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      }
    });
    await work().finally(() => (over = true));
    await Promise.all(asking);
    const sorted = took.toSorted((a, b) => a - b);
    const at = (share: number) => sorted[Math.floor(sorted.length * share)] ?? NaN;
    return { answers, refused, p50: at(0.5), p99: at(0.99) };
  }
}
