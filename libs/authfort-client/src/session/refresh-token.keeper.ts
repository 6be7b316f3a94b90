import { AuthClientError } from '../errors/auth-client.error.js';
import type { TokenStorage } from '../types.js';

/** The app's token storage, which may fail, and is trusted with nothing else. */
export class RefreshTokenKeeper {
  /** A token that could not be stored: losing it would lose the session. */
  #unsaved: string | null = null;
  readonly #storage: TokenStorage;

  constructor(storage: TokenStorage) {
    this.#storage = storage;
  }

  get shared(): boolean {
    return this.#storage.shared !== false;
  }

  /** @throws AuthClientError `storage_error` */
  async get(): Promise<string | null> {
    if (this.#unsaved !== null) return this.#unsaved;
    return guarded(() => this.#storage.get());
  }

  /**
   * @param fresh of a new session, which is refused when it cannot be kept. A refreshed one goes on in memory.
   * @throws AuthClientError `storage_error`
   */
  async set(token: string, fresh: boolean): Promise<void> {
    this.#unsaved = null;
    try {
      await guarded(() => this.#storage.set(token));
    } catch (error) {
      // The one that is stored has been spent: whoever presents it would seem to be a thief.
      await this.clear();
      if (fresh) throw error;
      this.#unsaved = token;
    }
  }

  /** Another tab knows better. */
  drop(): void {
    this.#unsaved = null;
  }

  /** Never throws: there is nothing else to be done to forget. */
  async clear(): Promise<void> {
    this.#unsaved = null;
    await guarded(() => this.#storage.clear()).catch(() => undefined);
  }
}

async function guarded<T>(work: () => Promise<T> | T): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw new AuthClientError('tokenStorage failed', 'storage_error', 0, undefined, { cause });
  }
}
