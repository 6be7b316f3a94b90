import type { Provider } from '@nestjs/common';
import { APP_FILTER, APP_GUARD } from '@nestjs/core';
import { getDataSourceToken } from '@nestjs/typeorm';
import {
  ACCESS_GUARD_OPTIONS,
  AccessGuard,
  type AccessGuardOptions,
  AccessTokenVerifier,
  Clock,
  OutgoingRequests,
  Drain,
  DRAIN_OPTIONS,
  type DrainOptions,
  ErrorFilter,
  HandlerProtection,
  SystemClock,
  TokenAuthenticator,
} from 'authfort-service';
import type { DataSource } from 'typeorm';
import { Database } from './database/database.js';
import { DatabaseListener } from './database/database-listener.js';
import { openDatabase } from './database/open-database.js';
import { ReplicaSignal } from './database/replica-signal.js';
import { ActorScope } from './events/actor.scope.js';
import { KeyRing } from './keys/key-ring.js';
import { KeySealer } from './keys/key-sealer.js';
import { mailTransport } from './mail/mail-transport.js';
import { AUTHFORT_CONFIG, type AuthFortConfig } from './options/auth-fort.config.js';
import { MailTransport } from './options/mail.options.js';
import { SessionAuthenticator } from './sessions/session.authenticator.js';

/** What joins the features to Nest, to the app's connection and to `authfort-service`. */
export const wiring: Provider[] = [
  { provide: Clock, useClass: SystemClock },
  OutgoingRequests,
  {
    provide: Database,
    inject: [getDataSourceToken(), AUTHFORT_CONFIG],
    useFactory: (dataSource: DataSource, config: AuthFortConfig) => openDatabase(dataSource, config),
  },
  {
    provide: DatabaseListener,
    inject: [getDataSourceToken()],
    useFactory: (dataSource: DataSource) => new DatabaseListener(dataSource),
  },
  ReplicaSignal,
  {
    provide: KeySealer,
    inject: [AUTHFORT_CONFIG],
    useFactory: ({ keyEncryptionSecret }: AuthFortConfig) => new KeySealer(keyEncryptionSecret),
  },
  {
    provide: AccessTokenVerifier,
    inject: [KeyRing, AUTHFORT_CONFIG, Clock],
    useFactory: (keySource: KeyRing, { issuer, audience }: AuthFortConfig, clock: Clock) =>
      new AccessTokenVerifier({ keySource, issuer, audience, clock, clockToleranceSeconds: 5 }),
  },
  {
    provide: ACCESS_GUARD_OPTIONS,
    inject: [AUTHFORT_CONFIG],
    useFactory: ({ guard, cookie, corsOrigins }: AuthFortConfig): AccessGuardOptions => ({
      mode: guard,
      cookieName: cookie?.accessName,
      allowedOrigins: corsOrigins,
    }),
  },
  { provide: MailTransport, inject: [AUTHFORT_CONFIG], useFactory: mailTransport },
  { provide: TokenAuthenticator, useExisting: SessionAuthenticator },
  AccessGuard,
  { provide: APP_GUARD, useExisting: AccessGuard },
  HandlerProtection,
  { provide: APP_FILTER, useClass: ErrorFilter },
  ActorScope,
];

/** What lets a server end without a failing request. */
export const draining: Provider[] = [
  {
    provide: DRAIN_OPTIONS,
    inject: [AUTHFORT_CONFIG],
    useFactory: ({ shutdownDelaySeconds }: AuthFortConfig): DrainOptions => ({
      delaySeconds: shutdownDelaySeconds,
    }),
  },
  Drain,
];
