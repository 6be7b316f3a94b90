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
 * The other tabs of this origin. A tab that was just given the lock has to know whether the tab before it has brought new tokens;
 * messages and localStorage reach other processes later than that, the browser's list of locks does not. So the tab that received the
 * newest tokens holds a second lock, whose name is their mark.
 */
export class Tabs {
  readonly #name: string;
  readonly #shared: boolean;
  readonly #channel: BroadcastChannel | undefined;
  #mark: Mark | undefined;
  #unhold: (() => void) | undefined;

  /** @param shared whether there are other tabs that share the session; without a page there are none */
  constructor(name: string, shared: boolean, onMessage: (message: TabMessage) => void) {
    this.#name = name;
    this.#shared = shared;
    if (!shared) return;
    this.#mark = toMark(read(name));
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
    if (!this.#shared) return this.#mark;
    if (!navigator.locks) return toMark(read(this.#name)) ?? this.#mark;
    const { held = [] } = await navigator.locks.query();
    const marks = held.flatMap(({ name = '' }) =>
      name.startsWith(`${this.#name} `) ? [toMark(name.slice(this.#name.length + 1))!] : [],
    );
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
    if (!this.#shared) return mark;
    this.#channel?.postMessage({ type: 'signed-in', user, token, mark } satisfies TabMessage);
    const text = `${mark.id} ${expiresAt}`;
    write(this.#name, text);
    this.#unhold?.();
    if (navigator.locks) await this.#hold(text);
    return mark;
  }

  signedOut(): void {
    this.#mark = undefined;
    if (!this.#shared) return;
    this.#unhold?.();
    write(this.#name, '');
    this.#channel?.postMessage({ type: 'signed-out' } satisfies TabMessage);
  }

  /** Runs `work` while no other tab runs any. */
  lock<T>(work: () => Promise<T>): Promise<T> {
    if (!this.#shared) return work();
    return navigator.locks ? navigator.locks.request(this.#name, work) : this.#lease(work);
  }

  close(): void {
    this.#unhold?.();
    this.#channel?.close();
  }

  #hold(mark: string): Promise<void> {
    return new Promise((held) => {
      void navigator.locks.request(`${this.#name} ${mark}`, () => {
        held();
        return new Promise<void>((unhold) => (this.#unhold = unhold));
      });
    });
  }

  /**
   * Where there are no Web Locks (pages without TLS among them). Two tabs may win within the same few milliseconds; the server then
   * gives both the same new tokens.
   */
  async #lease<T>(work: () => Promise<T>): Promise<T> {
    const key = `${this.#name}:lock`;
    const mine = Math.random().toString(36).slice(2);
    for (;;) {
      const [owner, until] = read(key).split(' ');
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
      if (read(key).startsWith(mine)) write(key, '');
    }
  }
}

function toMark(text: string): Mark | undefined {
  const [id, expiresAt] = text.split(' ');
  return id ? { id, expiresAt: Number(expiresAt) } : undefined;
}

function read(key: string): string {
  try {
    return localStorage.getItem(key) ?? '';
  } catch {
    return '';
  }
}

/** @returns false where the browser keeps no data for the page. */
function write(key: string, value: string): boolean {
  try {
    localStorage.setItem(key, value);
    return true;
  } catch {
    return false;
  }
}
