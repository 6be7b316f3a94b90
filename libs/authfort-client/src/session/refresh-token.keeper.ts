import { AuthClientError } from '../errors/auth-client.error.js';
import type { TokenStorage } from '../types.js';

/** The app's token storage, which may fail, and is trusted with nothing else. */
export class RefreshTokenKeeper {
  /** A token that could not be stored: losing it would lose the session. */
  private unsaved: string | null = null;

  constructor(private readonly storage: TokenStorage) {}

  get shared(): boolean {
    return this.storage.shared !== false;
  }

  /** @throws AuthClientError `storage_error` */
  async get(): Promise<string | null> {
    if (this.unsaved !== null) return this.unsaved;
    return guarded(() => this.storage.get());
  }

  /**
   * @param fresh of a new session, which is refused when it cannot be kept. A refreshed one goes on in memory.
   * @throws AuthClientError `storage_error`
   */
  async set(token: string, fresh: boolean): Promise<void> {
    try {
      await guarded(() => this.storage.set(token));
      this.unsaved = null;
    } catch (error) {
      if (fresh) throw error;
      this.unsaved = token;
    }
  }

  /** Never throws: there is nothing else to be done to forget. */
  async clear(): Promise<void> {
    this.unsaved = null;
    await guarded(() => this.storage.clear()).catch(() => undefined);
  }
}

async function guarded<T>(work: () => Promise<T> | T): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw new AuthClientError('The token storage has failed', 'storage_error', 0, undefined, { cause });
  }
}
