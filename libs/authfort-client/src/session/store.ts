import type { AuthSnapshot, AuthState, AuthUser } from '../types.js';

/** Holds the present state and tells who wants to know. */
export class Store {
  #snapshot: AuthSnapshot = { state: 'loading', user: null, expiresAt: null };
  readonly #listeners = new Set<() => void>();

  get(): AuthSnapshot {
    return this.#snapshot;
  }

  set(state: AuthState, user: AuthUser | null = null, expiresAt: number | null = null): void {
    const old = this.#snapshot;
    // A user who is the same in every field stays the same object, so that nothing is rendered for nothing.
    const kept = JSON.stringify(old.user) === JSON.stringify(user) ? old.user : user;
    if (state === old.state && kept === old.user && expiresAt === old.expiresAt) return;
    this.#snapshot = { state, user: kept, expiresAt };
    for (const listener of [...this.#listeners]) {
      try {
        listener();
      } catch (error) {
        // It must not keep the others from hearing. The page's error handler gets it.
        setTimeout(() => {
          throw error;
        });
      }
    }
  }

  /** Calls `listener` after every change. @returns a function that ends it */
  subscribe(listener: () => void): () => void {
    const own = () => listener();
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  /** Calls back at once, and when the state or the user changes. */
  watch(callback: (state: AuthState, user: AuthUser | null) => void): () => void {
    let told: AuthSnapshot | undefined;
    const tell = () => {
      const { state, user } = this.#snapshot;
      if (state === told?.state && user === told.user) return;
      told = this.#snapshot;
      callback(state, user);
    };
    const end = this.subscribe(tell);
    tell();
    return end;
  }
}
