import type { AuthSnapshot, AuthState, AuthUser } from '../types.js';

type Listener = (state: AuthState, user: AuthUser | null) => void;

/** Holds the present state and tells who wants to know. */
export class Store {
  #snapshot: AuthSnapshot = Object.freeze({ state: 'loading', user: null, expiresAt: null });
  readonly #listeners = new Set<Listener>();

  get(): AuthSnapshot {
    return this.#snapshot;
  }

  set(state: AuthState, user: AuthUser | null = null, expiresAt: number | null = null): void {
    const { state: oldState, user: oldUser, expiresAt: oldEnd } = this.#snapshot;
    // A user who is the same in every field stays the same object, so that nothing is rendered for nothing.
    const kept = JSON.stringify(oldUser) === JSON.stringify(user) ? oldUser : user;
    if (state === oldState && kept === oldUser && expiresAt === oldEnd) return;
    this.#snapshot = Object.freeze({ state, user: kept, expiresAt });
    for (const listener of [...this.#listeners]) this.#tell(listener);
  }

  subscribe(listener: Listener): () => void {
    const own: Listener = (state, user) => listener(state, user);
    this.#listeners.add(own);
    this.#tell(own);
    return () => void this.#listeners.delete(own);
  }

  /** A listener that throws must not keep the others from hearing; the page's error handler gets its error. */
  #tell(listener: Listener): void {
    try {
      listener(this.#snapshot.state, this.#snapshot.user);
    } catch (error) {
      setTimeout(() => {
        throw error;
      });
    }
  }
}
