import type { AuthSnapshot, AuthState, AuthUser } from '../types.js';

/** Holds the present state and calls the listeners. */
export interface Store {
  get(): AuthSnapshot;
  set(state: AuthState, user?: AuthUser | null, expiresAt?: number | null): void;
  /** Calls `listener` after every change. @returns a function that ends it */
  subscribe(listener: () => void): () => void;
  /** Calls back immediately, and when the state or the user changes. */
  watch(callback: (state: AuthState, user: AuthUser | null) => void): () => void;
}

export function createStore(): Store {
  let snapshot: AuthSnapshot = { state: 'loading', user: null, expiresAt: null };
  const listeners = new Set<() => void>();

  function subscribe(listener: () => void): () => void {
    const own = () => listener();
    listeners.add(own);
    return () => void listeners.delete(own);
  }

  return {
    get: () => snapshot,
    set: (state, user = null, expiresAt = null) => {
      const old = snapshot;
      // A user with equal fields stays the same object, so pages do not render again.
      const kept = JSON.stringify(old.user) === JSON.stringify(user) ? old.user : user;
      if (state === old.state && kept === old.user && expiresAt === old.expiresAt) return;
      snapshot = { state, user: kept, expiresAt };
      for (const listener of [...listeners]) {
        try {
          listener();
        } catch (error) {
          // The other listeners are still called. The page's error handler gets the error.
          setTimeout(() => {
            throw error;
          });
        }
      }
    },
    subscribe,
    watch: (callback) => {
      let told: AuthSnapshot | undefined;
      const tell = () => {
        const { state, user } = snapshot;
        if (state === told?.state && user === told.user) return;
        told = snapshot;
        callback(state, user);
      };
      const end = subscribe(tell);
      tell();
      return end;
    },
  };
}
