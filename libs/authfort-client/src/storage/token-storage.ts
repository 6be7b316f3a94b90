import type { TokenStorage } from '../types.js';

/** Keeps the refresh token in `localStorage`. Any script of the page can read it: prefer cookie mode where you can. */
export function webStorage(key = 'authfort:refresh-token'): TokenStorage {
  return {
    name: key,
    get: () => localStorage.getItem(key),
    set: (token) => localStorage.setItem(key, token),
    clear: () => localStorage.removeItem(key),
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
