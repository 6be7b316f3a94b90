import { derived, readable, type Readable } from 'svelte/store';
import type { AuthClient, AuthState, AuthUser } from '../types.js';

/** What {@link createAuthStore} gives: stores, to be read with `$`. */
export interface AuthStore {
  readonly state: Readable<AuthState>;
  readonly user: Readable<AuthUser | null>;
  readonly expiresAt: Readable<number | null>;
  readonly isAuthenticated: Readable<boolean>;
  readonly isLoading: Readable<boolean>;
  readonly client: AuthClient;
}

/** The state of a client as Svelte stores. They listen while somebody subscribes to them. */
export function createAuthStore(client: AuthClient): AuthStore {
  const snapshot = readable(client.getSnapshot(), (set) => {
    // It may have changed since the store was made.
    set(client.getSnapshot());
    return client.subscribe(() => set(client.getSnapshot()));
  });
  return {
    state: derived(snapshot, ({ state }) => state),
    user: derived(snapshot, ({ user }) => user),
    expiresAt: derived(snapshot, ({ expiresAt }) => expiresAt),
    isAuthenticated: derived(snapshot, ({ state }) => state === 'authenticated'),
    isLoading: derived(snapshot, ({ state }) => state === 'loading'),
    client,
  };
}
