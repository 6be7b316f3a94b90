import { type Answer, logOut, newEmail, PASSWORD, post, request } from './client.js';
import type { Account } from './durability-load.js';

/** One request of the load and how it ended; status 0: without an answer. */
export interface Ending {
  readonly what: string;
  readonly status: number;
  readonly ms: number;
  readonly at: number;
  readonly text: string;
  readonly retryAfter: string | null;
  readonly ok: boolean;
}

interface AuthResponse {
  tokens: { access_token: string; refresh_token: string };
}

/**
 * Users who sign up, ask who they are, refresh, log in elsewhere, read the JWKS and at last log out, again and again until they are told
 * to stop. What fails is written down, and the user goes on as a client would: with the same refresh token.
 */
export class FleetLoad {
  readonly accounts: Account[] = [];
  readonly endings: Ending[] = [];
  private static readonly running = new Set<FleetLoad>();
  private stopping = false;
  private work: Promise<void>[] = [];

  constructor(private readonly authUrl: string) {}

  /** For `afterAll`: what a failed test left running. */
  static async stopAll(): Promise<void> {
    await Promise.all([...FleetLoad.running].map((load) => load.stop()));
  }

  start(workers: number): this {
    FleetLoad.running.add(this);
    this.work = Array.from({ length: workers }, (_, index) => this.run(index));
    return this;
  }

  async stop(): Promise<void> {
    this.stopping = true;
    await Promise.all(this.work);
    FleetLoad.running.delete(this);
  }

  get failures(): Ending[] {
    return this.endings.filter(({ ok }) => !ok);
  }

  private async run(worker: number): Promise<void> {
    for (let turn = worker; !this.stopping; turn += 1) await this.live(turn % 2 === 0);
  }

  private async live(logsOut: boolean): Promise<void> {
    const account: Account = {
      email: newEmail(),
      signedUp: false,
      accessToken: '',
      refreshToken: '',
      loggedOut: false,
      pending: 'sign-up',
    };
    const { email } = account;
    const signUp = () => post(`${this.authUrl}/auth/signup`, { email, password: PASSWORD });
    if (!this.keep(account, await this.ask('sign-up', 201, signUp))) return;
    account.signedUp = true;
    this.accounts.push(account);
    for (let count = 0; count < 6 && !this.stopping; count += 1) {
      await this.ask('me', 200, () => request(`${this.authUrl}/auth/me`, { bearer: account.accessToken }));
      account.pending = 'refresh';
      const refresh = () => post(`${this.authUrl}/auth/refresh`, { refresh_token: account.refreshToken });
      this.keep(account, await this.ask('refresh', 200, refresh));
      await this.ask('jwks', 200, () => request(`${this.authUrl}/.well-known/jwks.json`));
    }
    if (this.stopping) return;
    await this.ask('login', 200, () => post(`${this.authUrl}/auth/login`, { email, password: PASSWORD }));
    if (!logsOut) return;
    account.pending = 'logout';
    if (!(await this.ask('logout', 204, () => logOut(this.authUrl, account.refreshToken)))) return;
    account.loggedOut = true;
    account.pending = undefined;
  }

  private keep(account: Account, answer: Answer | undefined): boolean {
    if (!answer) return false;
    const { tokens } = answer.body as AuthResponse;
    account.accessToken = tokens.access_token;
    account.refreshToken = tokens.refresh_token;
    account.pending = undefined;
    return true;
  }

  /** @returns the answer, if it is the expected one */
  private async ask(
    what: string,
    expected: number,
    send: () => Promise<Answer>,
  ): Promise<Answer | undefined> {
    const at = performance.now();
    const answer = await send().catch((error: unknown) => describe(error));
    const [status, text] = typeof answer === 'string' ? [0, answer] : [answer.status, answer.text];
    const ok = status === expected;
    const retryAfter = typeof answer === 'string' ? null : answer.headers.get('retry-after');
    const ms = performance.now() - at;
    this.endings.push({ what, status, ms, at, text: ok ? '' : text.slice(0, 300), retryAfter, ok });
    // Who is refused comes again a moment later.
    if (!ok) await new Promise((resolve) => setTimeout(resolve, 50));
    return ok && typeof answer !== 'string' ? answer : undefined;
  }
}

function describe(error: unknown): string {
  const { message, cause } = error as Error;
  return cause ? `${message}: ${String(cause)}` : message;
}
