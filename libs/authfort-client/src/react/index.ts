import {
  createContext,
  createElement,
  type ReactNode,
  useContext,
  useMemo,
  useSyncExternalStore,
} from 'react';
import type { AuthClient, AuthSnapshot } from '../types.js';

const ClientContext = createContext<AuthClient | null>(null);

/** Hands the client to all components below. */
export function AuthProvider({ client, children }: { client: AuthClient; children?: ReactNode }): ReactNode {
  return createElement(ClientContext.Provider, { value: client }, children);
}

/** What {@link useAuth} gives. */
export interface UseAuth extends AuthSnapshot {
  readonly isAuthenticated: boolean;
  readonly isLoading: boolean;
  readonly client: AuthClient;
}

/** The present state; the component renders again when it changes. @throws Error outside of an `AuthProvider` */
export function useAuth(): UseAuth {
  const client = useContext(ClientContext);
  if (!client) throw new Error('useAuth() needs an <AuthProvider client={…}> above it');
  const read = () => client.getSnapshot();
  const snapshot = useSyncExternalStore((changed) => client.subscribe(changed), read, read);
  return useMemo(
    () => ({
      ...snapshot,
      isAuthenticated: snapshot.state === 'authenticated',
      isLoading: snapshot.state === 'loading',
      client,
    }),
    [snapshot, client],
  );
}
