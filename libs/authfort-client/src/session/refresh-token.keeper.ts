import { clientError } from '../errors/auth-client.error.js';
import type { TokenStorage } from '../types.js';

/** The app's token storage, which may fail. */
export interface RefreshTokenKeeper {
  readonly shared: boolean;
  /** @throws AuthClientError `storage_error` */
  get(): Promise<string | null>;
  /**
   * @param fresh of a new session, which is refused when it cannot be kept. A refreshed one goes on in memory.
   * @throws AuthClientError `storage_error`
   */
  set(token: string, fresh: boolean): Promise<void>;
  /** Drops the tokens in memory: another tab has newer ones. */
  drop(): void;
  /** Never throws: there is nothing else to be done to forget. */
  clear(): Promise<void>;
}

export function createKeeper(storage: TokenStorage): RefreshTokenKeeper {
  /** A token that could not be stored: losing it would lose the session. */
  let unsaved: string | null = null;
  const clear = async () => {
    unsaved = null;
    await guarded(() => storage.clear()).catch(() => undefined);
  };
  return {
    shared: storage.shared !== false,
    get: async () => unsaved ?? guarded(() => storage.get()),
    set: async (token, fresh) => {
      unsaved = null;
      try {
        await guarded(() => storage.set(token));
      } catch (error) {
        // The stored token has been rotated: presenting it would count as reuse.
        await clear();
        if (fresh) throw error;
        unsaved = token;
      }
    },
    drop: () => (unsaved = null),
    clear,
  };
}

async function guarded<T>(work: () => Promise<T> | T): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw clientError('storage_error', cause);
  }
}
