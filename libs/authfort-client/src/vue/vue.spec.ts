/** @jest-environment ./libs/authfort-client/test/dom.environment.mjs */
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { cleanup, render, screen, waitFor } from '@testing-library/vue';
import { defineComponent, h } from 'vue';
import { startWireServer } from '../../test/wire-server.js';
import { type AuthClient, createAuthClient, memoryStorage } from '../index.js';
import { provideAuth, useAuth } from './index.js';

describe('useAuth of Vue', () => {
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
  const seen: string[] = [];
  const Greeting = defineComponent(() => {
    const { state, user, isAuthenticated, isLoading } = useAuth();
    return () => {
      seen.push(state.value);
      return h(
        'p',
        isLoading.value
          ? 'One moment'
          : isAuthenticated.value
            ? `Hello ${user.value!.email}`
            : 'Who are you?',
      );
    };
  });
  const appOf = (client: AuthClient) =>
    defineComponent(() => {
      provideAuth(client);
      return () => h(Greeting);
    });
  const signIn = { email: 'ada@example.com', password: 'correct horse' };

  it('is right on the first render after initialize()', async () => {
    const client = newClient();
    await client.initialize();
    seen.length = 0;
    render(appOf(client));
    expect(seen).toEqual(['unauthenticated']);
  });
  it('renders again when the state changes', async () => {
    const client = newClient();
    render(appOf(client));
    expect(screen.getByText('One moment')).toBeTruthy();
    await client.initialize();
    await waitFor(() => screen.getByText('Who are you?'));
    await client.signIn(signIn);
    await waitFor(() => screen.getByText('Hello ada@example.com'));
    await client.signOut();
    await waitFor(() => screen.getByText('Who are you?'));
  });
  it('stops listening when it is unmounted', async () => {
    const client = newClient();
    const { unmount } = render(appOf(client));
    unmount();
    seen.length = 0;
    await client.initialize();
    expect(seen).toEqual([]);
  });
  it('asks for provideAuth', () => {
    const quiet = jest.spyOn(console, 'warn').mockImplementation(() => undefined);
    expect(() => render(Greeting)).toThrow('provideAuth');
    quiet.mockRestore();
  });
});
