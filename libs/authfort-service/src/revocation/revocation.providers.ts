import type { Provider } from '@nestjs/common';
import { SERVICE_AUTH_CONFIG, type ServiceAuthConfig } from '../options/service-auth.config.js';
import { Clock } from '../token/clock.port.js';
import { JwksKeySource } from '../token/jwks.key-source.js';
import { RevocationFeedClient } from './revocation-feed.client.js';
import { RevocationFeedSource } from './revocation-feed.source.js';
import { RevocationList } from './revocation-list.js';
import { StalePolicy } from './stale.policy.js';

/** Without a feed the list stays empty, and nothing is ever stale. */
export const revocationProviders: Provider[] = [
  {
    provide: RevocationList,
    inject: [SERVICE_AUTH_CONFIG, Clock],
    useFactory: ({ revocations, clockToleranceSeconds }: ServiceAuthConfig, clock: Clock) =>
      new RevocationList({ maxEntries: revocations?.maxEntries ?? 0, clockToleranceSeconds }, clock),
  },
  {
    provide: StalePolicy,
    inject: [SERVICE_AUTH_CONFIG, Clock, RevocationList],
    useFactory: (
      { revocations, clockToleranceSeconds }: ServiceAuthConfig,
      clock: Clock,
      list: RevocationList,
    ) => {
      const { whenStale = 'allow', maxStaleSeconds = 0 } = revocations ?? {};
      return new StalePolicy({ whenStale, maxStaleSeconds, clockToleranceSeconds }, clock, list);
    },
  },
  {
    provide: RevocationFeedClient,
    inject: [SERVICE_AUTH_CONFIG, RevocationList, StalePolicy, JwksKeySource],
    useFactory: (
      { revocations, introspectSecret = '' }: ServiceAuthConfig,
      list: RevocationList,
      stalePolicy: StalePolicy,
      keys: JwksKeySource,
    ) => {
      const source =
        revocations && new RevocationFeedSource(revocations.url, revocations.secret ?? introspectSecret);
      return new RevocationFeedClient({ source, list, stalePolicy, onKeyRevoked: () => void keys.renew() });
    },
  },
];
