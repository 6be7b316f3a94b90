/** @jest-environment ./libs/authfort-client/test/dom.environment.mjs */
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { screen, waitFor } from '@testing-library/dom';
import { cleanup, render } from '@testing-library/svelte-core';
import { get } from 'svelte/store';
import { startWireServer } from '../../test/wire-server.js';
import { type AuthClient, createAuthClient, memoryStorage } from '../index.js';
import Greeting from './greeting.fixture.svelte';
import { createAuthStore } from './index.js';

describe('createAuthStore of Svelte', () => {
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
  const signIn = { email: 'ada@example.com', password: 'correct horse' };

  it('is right on the first render after initialize()', async () => {
    const client = newClient();
    await client.initialize();
    render(Greeting, { client });
    expect(screen.getByText('Who are you?')).toBeTruthy();
  });
  it('renders again when the state changes', async () => {
    const client = newClient();
    render(Greeting, { client });
    expect(screen.getByText('One moment')).toBeTruthy();
    await client.initialize();
    await waitFor(() => screen.getByText('Who are you?'));
    await client.signIn(signIn);
    await waitFor(() => screen.getByText('Hello ada@example.com'));
    await client.signOut();
    await waitFor(() => screen.getByText('Who are you?'));
  });
  it('is up to date without a subscriber, and hands out the client', async () => {
    const client = newClient();
    const { state, user, expiresAt, client: same } = createAuthStore(client);
    await client.signIn(signIn);
    expect([get(state), get(user)?.email, get(expiresAt)]).toEqual([
      'authenticated',
      'ada@example.com',
      client.getSnapshot().expiresAt,
    ]);
    expect(same).toBe(client);
  });
});
