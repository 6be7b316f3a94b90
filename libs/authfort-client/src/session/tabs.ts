import type { AuthUser } from '../types.js';
import { AuthClientError } from '../errors/auth-client.error.js';

/** What one tab tells the others. */
export type TabMessage =
  | {
      readonly type: 'signed-in';
      readonly user: AuthUser;
      readonly token: string | null;
      readonly mark: Mark;
    }
  | { readonly type: 'signed-out' };

/** Names one pair of tokens, and says when its access token ends (ms since 1970). */
export interface Mark {
  readonly id: string;
  readonly expiresAt: number;
}

/** A tab that holds the lock for longer has been stopped; far above a request's timeout. */
const PATIENCE_MS = 20_000;

/**
 * The other tabs of this origin. A tab that was just given the lock has to know whether the tab before it has brought new tokens;
 * messages reach other processes later than that, the browser's list of locks does not. So the tab that received the newest tokens
 * holds a second lock, whose name is their mark. Where there are no Web Locks each tab acts for itself; the server gives
 * most tabs that refresh together the same tokens (ADR 15 names the gap).
 */
export class Tabs {
  readonly #name: string;
  #locks: LockManager | undefined;
  #channel: BroadcastChannel | undefined;
  #mark: Mark | undefined;
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
      this.#mark = data.type === 'signed-in' ? data.mark : undefined;
      onMessage(data);
    };
  }

  /** The mark of the newest tokens that this tab has heard of. */
  get mark(): Mark | undefined {
    return this.#mark;
  }

  /** The mark of the newest tokens that any tab has received. */
  async newest(): Promise<Mark | undefined> {
    const { held = [] } = (await this.#locks?.query().catch(() => undefined)) ?? {};
    const marks = held.flatMap(({ name = '' }) => {
      const [id, expiresAt] = name.startsWith(`${this.#name} `) ? name.split(' ').slice(-2) : [];
      return id ? [{ id, expiresAt: Number(expiresAt) }] : [];
    });
    return marks.sort((a, b) => b.expiresAt - a.expiresAt)[0] ?? this.#mark;
  }

  /** Takes note of another tab's mark. */
  adopt(mark: Mark): void {
    this.#mark = mark;
  }

  /** Marks new tokens and tells the other tabs. Call it under the lock. */
  async signedIn(user: AuthUser, token: string | null, expiresAt: number): Promise<Mark> {
    const mark = { id: Math.random().toString(36).slice(2), expiresAt };
    this.#mark = mark;
    this.#channel?.postMessage({ type: 'signed-in', user, token, mark } satisfies TabMessage);
    this.#unhold?.();
    await this.#hold(`${this.#name} ${mark.id} ${expiresAt}`);
    return mark;
  }

  signedOut(): void {
    this.#mark = undefined;
    this.#unhold?.();
    this.#channel?.postMessage({ type: 'signed-out' } satisfies TabMessage);
  }

  /** Runs `work` while no other tab runs any. A tab that was stopped while it held the lock loses it. */
  async lock<T>(work: () => Promise<T>): Promise<T> {
    if (!this.#locks) return work();
    let begun = false;
    const begin = () => {
      begun = true;
      return work();
    };
    try {
      return await this.#locks.request(this.#name, { signal: AbortSignal.timeout(PATIENCE_MS) }, begin);
    } catch (error) {
      const { name } = error as Error;
      if (!begun && name === 'TimeoutError')
        return await this.#locks.request(this.#name, { steal: true }, work);
      // A frame without storage may not use locks.
      if (!begun) return work();
      if (name === 'AbortError') throw new AuthClientError('Interrupted', 'timeout', 0);
      throw error;
    }
  }

  close(): void {
    this.#unhold?.();
    this.#channel?.close();
    this.#channel = this.#locks = undefined;
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
