import { describe, expect, it } from '@jest/globals';
import { OutgoingRequests } from '../http/outgoing-requests.js';
import type { ServiceAuthConfig } from '../options/service-auth.config.js';
import { SystemClock } from '../token/clock.port.js';
import { IntrospectionClient } from './introspection.client.js';

describe('IntrospectionClient', () => {
  it('keeps 10 000 responses, the newest', () => {
    const config = { introspectCacheTtlSeconds: 60 } as ServiceAuthConfig;
    const client = new IntrospectionClient(config, new SystemClock(), new OutgoingRequests()) as unknown as {
      cache: Map<string, unknown>;
      keep(key: string, result: { active: false }, now: number): void;
    };
    for (let n = 0; n < 10_050; n += 1) client.keep(`token ${n}`, { active: false }, 0);
    expect(client.cache.size).toBe(10_000);
    expect([client.cache.has('token 49'), client.cache.has('token 50')]).toEqual([false, true]);
  });
});
