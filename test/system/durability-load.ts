import { logOut, newEmail, refresh, signUp } from './client.js';

/** What the server has promised to one user, and what it was asked and had not answered when it died. */
export interface Account {
  readonly email: string;
  signedUp: boolean;
  accessToken: string;
  refreshToken: string;
  loggedOut: boolean;
  pending: 'sign-up' | 'refresh' | 'logout' | undefined;
}

/** Users who sign up, refresh a few times and, every other one, log out, until the server is gone. */
export class Load {
  readonly accounts: Account[] = [];
  acknowledged = 0;
  private over = false;

  constructor(private readonly authUrl: string) {}

  /** Ends when the server is gone; an answer that is no success is thrown. */
  async run(workers: number): Promise<void> {
    await Promise.all(Array.from({ length: workers }, (_, index) => this.work(index)));
  }

  /** From now on a request that fails is one that the dead server did not answer. */
  expectTheEnd(): void {
    this.over = true;
  }

  private async work(worker: number): Promise<void> {
    try {
      for (let turn = worker; ; turn += 1) await this.live(turn % 2 === 0);
    } catch (error) {
      if (!this.over || !isConnectionLost(error)) throw error;
    }
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
    this.accounts.push(account);
    this.keep(account, await signUp(this.authUrl, account.email));
    account.signedUp = true;
    for (let count = 0; count < 3; count += 1) {
      account.pending = 'refresh';
      this.keep(account, await refresh(this.authUrl, account.refreshToken));
    }
    if (!logsOut) return;
    account.pending = 'logout';
    const { status } = await logOut(this.authUrl, account.refreshToken);
    if (status !== 204) throw new Error(`logout answered ${status}`);
    account.loggedOut = true;
    account.pending = undefined;
    this.acknowledged += 1;
  }

  private keep(account: Account, tokens: { accessToken: string; refreshToken: string }): void {
    account.accessToken = tokens.accessToken;
    account.refreshToken = tokens.refreshToken;
    account.pending = undefined;
    this.acknowledged += 1;
  }
}

/** How fetch says that nobody is there (any more). Its errors come from outside of jest's realm: no instanceof. */
function isConnectionLost(error: unknown): boolean {
  const { name, message } = error as Error;
  return name === 'TypeError' && /fetch failed|terminated/.test(message);
}
