import type { TokenStorage } from '../types.js';

/**
 * Keeps the refresh token in `localStorage` (all tabs, over restarts) or `sessionStorage` (one tab). Any script of the page can read it:
 * prefer cookie mode where you can.
 */
export function webStorage(storage: Storage = localStorage, key = 'authfort:refresh-token'): TokenStorage {
  return {
    shared: typeof sessionStorage !== 'object' || storage !== sessionStorage,
    get: () => storage.getItem(key),
    set: (token) => storage.setItem(key, token),
    clear: () => storage.removeItem(key),
  };
}

/** Forgets the refresh token when the page ends: for tests, scripts and server-side rendering. */
export function memoryStorage(): TokenStorage {
  let kept: string | null = null;
  return {
    shared: false,
    get: () => kept,
    set: (token) => void (kept = token),
    clear: () => void (kept = null),
  };
}
