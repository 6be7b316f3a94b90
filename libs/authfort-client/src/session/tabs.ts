import type { AuthUser } from '../types.js';
import { pause } from './persistently.js';

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

/** A lock is given up after this long, in case the tab that holds it was killed; far above a request's timeout. */
const LEASE_MS = 20_000;

/**
 * The other tabs of this origin. The mark of the newest tokens lies in localStorage, where a tab that has just been given the lock
 * reads it at once; the tokens themselves never do.
 */
export class Tabs {
  readonly #name: string;
  readonly #shared: boolean;
  readonly #onMessage: (message: TabMessage) => void;
  readonly #channel: BroadcastChannel | undefined;
  #ownMark: Mark | undefined;

  /** @param shared whether there are other tabs that share the session; without a page there are none */
  constructor(name: string, shared: boolean, onMessage: (message: TabMessage) => void) {
    this.#name = name;
    this.#shared = shared;
    this.#onMessage = onMessage;
    if (!shared) return;
    if (typeof BroadcastChannel === 'function') {
      this.#channel = new BroadcastChannel(name);
      this.#channel.onmessage = ({ data }: MessageEvent<TabMessage>) => this.#onMessage(data);
    } else {
      addEventListener('storage', this.#onStorage);
    }
  }

  /** The mark of the newest tokens, whichever tab received them. */
  mark(): Mark | undefined {
    if (!this.#shared) return this.#ownMark;
    const [id, expiresAt] = (read(this.#name) ?? '').split(' ');
    return id ? { id, expiresAt: Number(expiresAt) } : this.#ownMark;
  }

  /** Marks new tokens and tells the other tabs. */
  signedIn(user: AuthUser, token: string | null, expiresAt: number): Mark {
    const mark = { id: Math.random().toString(36).slice(2), expiresAt };
    this.#ownMark = mark;
    if (this.#shared) write(this.#name, `${mark.id} ${expiresAt}`);
    this.#channel?.postMessage({ type: 'signed-in', user, token, mark } satisfies TabMessage);
    return mark;
  }

  /** Notes what another tab has told. */
  note(mark: Mark | undefined): void {
    this.#ownMark = mark;
  }

  signedOut(): void {
    this.#ownMark = undefined;
    if (this.#shared) write(this.#name, null);
    this.#channel?.postMessage({ type: 'signed-out' } satisfies TabMessage);
  }

  /** Runs `work` while no other tab runs any. */
  lock<T>(work: () => Promise<T>): Promise<T> {
    if (!this.#shared) return work();
    return navigator.locks ? navigator.locks.request(this.#name, work) : this.#lease(work);
  }

  close(): void {
    this.#channel?.close();
    if (this.#shared && !this.#channel) removeEventListener('storage', this.#onStorage);
  }

  /**
   * Where there are no Web Locks (pages without TLS among them). Two tabs may win within the same few milliseconds; the server then
   * gives both the same new tokens.
   */
  async #lease<T>(work: () => Promise<T>): Promise<T> {
    const key = `${this.#name}:lock`;
    const mine = Math.random().toString(36).slice(2);
    for (;;) {
      const [owner, until] = (read(key) ?? '').split(' ');
      if (owner === mine) break;
      const left = Number(until) - Date.now();
      if (owner && left > 0 && left <= LEASE_MS) {
        await pause(25 + Math.random() * 25);
        continue;
      }
      if (!write(key, `${mine} ${Date.now() + LEASE_MS}`)) break;
      await pause(5);
    }
    try {
      return await work();
    } finally {
      if (read(key)?.startsWith(mine)) write(key, null);
    }
  }

  /** Without a channel the mark's change is all that the other tabs notice: it tells of a sign-out. */
  readonly #onStorage = ({ key, newValue }: StorageEvent): void => {
    if (key === this.#name && newValue === null) this.#onMessage({ type: 'signed-out' });
  };
}

function read(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

/** @returns false where the browser keeps no data for the page. */
function write(key: string, value: string | null): boolean {
  try {
    if (value === null) localStorage.removeItem(key);
    else localStorage.setItem(key, value);
    return true;
  } catch {
    return false;
  }
}
