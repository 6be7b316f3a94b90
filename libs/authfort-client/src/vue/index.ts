import {
  computed,
  type ComputedRef,
  getCurrentScope,
  inject,
  type InjectionKey,
  onScopeDispose,
  provide,
  type ShallowRef,
  shallowRef,
} from 'vue';
import type { AuthClient, AuthSnapshot, AuthState, AuthUser } from '../types.js';

const CLIENT: InjectionKey<{ client: AuthClient; snapshot: Readonly<ShallowRef<AuthSnapshot>> }> =
  Symbol('authfort');

/** What {@link useAuth} gives. */
export interface UseAuth {
  readonly state: ComputedRef<AuthState>;
  readonly user: ComputedRef<AuthUser | null>;
  readonly expiresAt: ComputedRef<number | null>;
  readonly isAuthenticated: ComputedRef<boolean>;
  readonly isLoading: ComputedRef<boolean>;
  readonly client: AuthClient;
}

/** Hands the client to all components below: call it in the `setup` of the root. */
export function provideAuth(client: AuthClient): void {
  const snapshot = shallowRef(client.getSnapshot());
  const end = client.subscribe(() => (snapshot.value = client.getSnapshot()));
  if (getCurrentScope()) onScopeDispose(end);
  provide(CLIENT, { client, snapshot });
}

/** The present state, reactive. @throws Error where no `provideAuth` was called above */
export function useAuth(): UseAuth {
  const provided = inject(CLIENT, null);
  if (!provided) throw new Error('useAuth() needs provideAuth(client) in a component above it');
  const { client, snapshot } = provided;
  return {
    state: computed(() => snapshot.value.state),
    user: computed(() => snapshot.value.user),
    expiresAt: computed(() => snapshot.value.expiresAt),
    isAuthenticated: computed(() => snapshot.value.state === 'authenticated'),
    isLoading: computed(() => snapshot.value.state === 'loading'),
    client,
  };
}
