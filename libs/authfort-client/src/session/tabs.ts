import type { AuthUser } from '../types.js';
import { clientError } from '../errors/auth-client.error.js';
import { pause } from './persistently.js';

/** What one tab tells the others: the new tokens, or that there are none any more. */
export type TabMessage = {
  readonly user: AuthUser;
  readonly token: string | null;
  readonly mark: Mark;
} | null;

/** Names one pair of tokens, and the lock of the tab that received them: '<session> <end of the access token> <random>'. */
export type Mark = string;

/** When the access token ends (ms since 1970). */
export const endOf = (mark: Mark): number => Number(mark.split(' ').at(-2));

/** A tab that holds the lock for longer has been stopped; far above a request's timeout. */
const PATIENCE_MS = 20_000;

/**
 * The other tabs of this origin. A tab that was just given the lock has to know whether the tab before it has brought new tokens;
 * messages reach other processes later than that, the browser's list of locks does not. So the tab that received the newest tokens
 * holds a second lock, whose name is their mark. Where there are no Web Locks a lease in localStorage keeps the tabs
 * apart, and each refreshes in its turn.
 */
export class Tabs {
  readonly #name: string;
  #locks: LockManager | undefined;
  #channel: BroadcastChannel | undefined;
  /** The mark of the newest tokens that this tab has heard of. */
  mark: Mark | undefined;
  #unhold: (() => void) | undefined;

  /** @param shared whether there are other tabs that share the session; without a page there are none */
  constructor(name: string, shared: boolean, onMessage: (message: TabMessage) => void) {
    this.#name = name;
    if (!shared) return;
    this.#locks = navigator.locks;
    if (typeof BroadcastChannel !== 'function') return;
    this.#channel = new BroadcastChannel(name);
    this.#channel.onmessage = ({ data }: MessageEvent<TabMessage>) => {
      this.#unhold?.();
      this.mark = data?.mark;
      onMessage(data);
    };
  }

  /** The mark of the newest tokens that any tab has received. */
  async newest(): Promise<Mark | undefined> {
    const { held = [] } = (await this.#locks?.query().catch(() => undefined)) ?? {};
    const names = held.map(({ name }) => name!).filter((name) => name.startsWith(`${this.#name} `));
    // Until 2286 the mark that ends last is also the last in the alphabet.
    return names.sort().pop() ?? this.mark;
  }

  /** Marks new tokens and tells the other tabs. Call it under the lock. */
  async signedIn(user: AuthUser, token: string | null, expiresAt: number): Promise<Mark> {
    const mark = (this.mark = `${this.#name} ${expiresAt} ${Math.random()}`);
    this.#channel?.postMessage({ user, token, mark } satisfies TabMessage);
    this.#unhold?.();
    await this.#hold(mark);
    return mark;
  }

  signedOut(): void {
    this.mark = undefined;
    this.#unhold?.();
    this.#channel?.postMessage(null satisfies TabMessage);
  }

  /** Runs `work` while no other tab runs any. A tab that was stopped while it held the lock loses it. */
  async lock<T>(work: () => Promise<T>): Promise<T> {
    if (!this.#locks) return this.#lease(work);
    let begun = false;
    const begin = () => {
      begun = true;
      return work();
    };
    try {
      return await this.#locks.request(this.#name, { signal: AbortSignal.timeout(PATIENCE_MS) }, begin);
    } catch (error) {
      const { name } = error as Error;
      if (!begun)
        return name === 'TimeoutError'
          ? await this.#locks.request(this.#name, { steal: true }, work)
          : // A frame without storage may not use locks.
            this.#lease(work);
      if (name === 'AbortError') throw clientError('timeout');
      throw error;
    }
  }

  close(): void {
    this.#unhold?.();
    this.#channel?.close();
    this.#channel = this.#locks = undefined;
  }

  async #lease<T>(work: () => Promise<T>): Promise<T> {
    if (!this.#channel) return work();
    let storage: Storage | undefined;
    let mine = '';
    try {
      storage = localStorage;
      for (let held; (held = storage.getItem(this.#name)) !== mine;) {
        const left = parseInt(held!) - Date.now();
        // A tab that was closed leaves its lease; a clock that was set back makes one long.
        if (!(left > 0 && left <= PATIENCE_MS))
          storage.setItem(this.#name, (mine = `${Date.now() + PATIENCE_MS} ${Math.random()}`));
        // Of several tabs that wrote at once the last one has it: look again when all can see that.
        await pause(25);
      }
    } catch {
      // Without storage there is nothing to keep tabs apart with.
    }
    try {
      return await work();
    } finally {
      if (storage?.getItem(this.#name) === mine) storage.removeItem(this.#name);
    }
  }

  #hold(mark: string): Promise<void> {
    return new Promise((held) => {
      const keep = () => {
        held();
        return new Promise<void>((unhold) => (this.#unhold = unhold));
      };
      if (this.#locks) this.#locks.request(mark, keep).catch(() => held());
      else held();
    });
  }
}
