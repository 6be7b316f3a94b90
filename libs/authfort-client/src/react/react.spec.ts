/** @jest-environment ./libs/authfort-client/test/dom.environment.mjs */
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { act, cleanup, render, renderHook, screen, waitFor } from '@testing-library/react';
import { createElement, type ReactNode, startTransition, StrictMode, useState } from 'react';
import { renderToString } from 'react-dom/server';
import { startWireServer } from '../../test/wire-server.js';
import { type AuthClient, createAuthClient, memoryStorage } from '../index.js';
import { AuthProvider, useAuth } from './index.js';

describe('useAuth of React', () => {
  let server: Awaited<ReturnType<typeof startWireServer>>;
  const clients: AuthClient[] = [];
  beforeAll(async () => {
    server = await startWireServer();
  });
  afterEach(() => {
    cleanup();
    for (const client of clients.splice(0)) client.dispose();
  });
  afterAll(() => server.close());

  function newClient(): AuthClient {
    const { baseUrl } = server;
    const client = createAuthClient({ baseUrl, tokenMode: 'bearer', tokenStorage: memoryStorage() });
    clients.push(client);
    return client;
  }
  const within = (client: AuthClient) =>
    function Wrapper({ children }: { children?: ReactNode }) {
      return createElement(StrictMode, null, createElement(AuthProvider, { client }, children));
    };
  function Greeting() {
    const { user, isAuthenticated, isLoading } = useAuth();
    return createElement(
      'p',
      null,
      isLoading ? 'One moment' : isAuthenticated ? `Hello ${user!.email}` : 'Who are you?',
    );
  }
  const signIn = { email: 'ada@example.com', password: 'correct horse' };

  it('is right on the first render after initialize()', async () => {
    const client = newClient();
    await client.initialize();
    const seen: string[] = [];
    renderHook(() => seen.push(useAuth().state), { wrapper: within(client) });
    expect(new Set(seen)).toEqual(new Set(['unauthenticated']));
  });
  it('renders again when the state changes', async () => {
    const client = newClient();
    render(createElement(Greeting), { wrapper: within(client) });
    expect(screen.getByText('One moment')).toBeTruthy();
    await act(() => client.initialize());
    expect(screen.getByText('Who are you?')).toBeTruthy();
    await act(async () => void (await client.signIn(signIn)));
    expect(screen.getByText('Hello ada@example.com')).toBeTruthy();
    await act(() => client.signOut());
    await waitFor(() => expect(screen.getByText('Who are you?')).toBeTruthy());
  });
  it('gives the same object until something changes, and the client', async () => {
    const client = newClient();
    const { result, rerender } = renderHook(() => useAuth(), { wrapper: within(client) });
    const before = result.current;
    rerender();
    expect(result.current).toBe(before);
    expect(result.current.client).toBe(client);
  });
  it('does not tear: components rendered in one go agree', async () => {
    const client = newClient();
    await client.initialize();
    const pairs: string[] = [];
    let begin = () => undefined as void;
    function Pair() {
      const [, set] = useState(0);
      begin = () => startTransition(() => set((n) => n + 1));
      const [one, other] = [useAuth().state, useAuth().state];
      pairs.push(`${one} ${other}`);
      return createElement(Greeting);
    }
    render(createElement(Pair), { wrapper: within(client) });
    await act(async () => {
      begin();
      await client.signIn(signIn);
    });
    expect(new Set(pairs)).toEqual(
      new Set(['unauthenticated unauthenticated', 'authenticated authenticated']),
    );
  });
  it('stops listening when it is unmounted', async () => {
    const client = newClient();
    const { unmount } = render(createElement(Greeting), { wrapper: within(client) });
    unmount();
    const complaints = jest.spyOn(console, 'error').mockImplementation(() => undefined);
    await client.initialize();
    expect(complaints).not.toHaveBeenCalled();
    complaints.mockRestore();
  });
  it('renders on a server', () => {
    const client = newClient();
    const app = createElement(AuthProvider, { client }, createElement(Greeting));
    expect(renderToString(app)).toContain('One moment');
  });
  it('asks for a provider', () => {
    const quiet = jest.spyOn(console, 'error').mockImplementation(() => undefined);
    expect(() => renderHook(() => useAuth())).toThrow('<AuthProvider');
    quiet.mockRestore();
  });
});
