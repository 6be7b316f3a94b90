import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { exportedNames, ROOT } from './source-scan.js';

/** What each package exports, types among them. A name added here is a promise, a name taken away breaks somebody. */
const API: Record<string, [path: string, names: string]> = {
  authfort: [
    'libs/authfort/src/index.ts',
    `
      AuditEntry AuditPage AuditQuery AuthErrorCode AuthEvent AuthEventMap AuthEventName AuthFort
      AuthFortAsyncOptions AuthFortCookieOptions AuthFortError AuthFortModule AuthFortOptions
      AuthFortOptionsError AuthResult AuthTokens AuthUser BreachCheckOptions CleanupResult
      ClientInfo CreateUserInput CurrentUser DeadLetter DeadLetterPage Introspect
      KeyRotationOptions ListSessionsQuery ListUsersQuery Mail MailName MailOptions MailText MailTexts MailTransport
      OnAuthEvent OnAuthEventOptions PasswordHashingOptions PasswordPolicyOptions Permissions
      Public RateLimitName RateLimitOptions RateLimitRule RoleOverview Roles Session SessionPage SessionUser
      SigningAlgorithm User UserChanges UserPage UserSort WebhookOptions authError
      authfortEntities authfortMigrations errorCatalog isCookieDomain
    `,
  ],
  'authfort/embedded': [
    'libs/authfort/src/database/embedded/index.ts',
    `
      EmbeddedDatabaseError EmbeddedDatabaseErrorCode EmbeddedStoreOptions PostgresOptions
      developmentSecret embeddedPostgres
    `,
  ],
  'authfort/testing': [
    'libs/authfort/src/testing/index.ts',
    `
      ManualClock MemoryMail TestDatabase TestDatabaseOptions createTestDatabase settleOutbox
    `,
  ],
  'authfort-client': [
    'libs/authfort-client/src/index.ts',
    `
      AuthClient AuthClientConfig AuthClientError AuthClientErrorCode AuthSnapshot AuthState AuthUser
      MfaChallenge ProviderOptions RequestOptions SignInResult SignUpData TokenStorage
      createAuthClient memoryStorage webStorage
    `,
  ],
  'authfort-client/react': ['libs/authfort-client/src/react/index.ts', 'AuthProvider UseAuth useAuth'],
  'authfort-client/svelte': ['libs/authfort-client/src/svelte/index.ts', 'AuthStore createAuthStore'],
  'authfort-client/vue': ['libs/authfort-client/src/vue/index.ts', 'UseAuth provideAuth useAuth'],
  'authfort-service': [
    'libs/authfort-service/src/index.ts',
    `
      ACCESS_GUARD_OPTIONS AccessErrorCode AccessGuard AccessGuardOptions AccessTokenClaims
      AccessTokenVerifier AccessTokenVerifierOptions ActiveIntrospectionResult AuthFortError
      AuthFortErrorExtra AuthUser Clock CurrentUser DRAIN_OPTIONS Drain DrainOptions ErrorEntry
      ErrorFilter FeedWay FramedRequest GuardMode HandlerAccess HandlerKind HandlerProtection
      Introspect IntrospectionResult KeySource OutgoingRequests Permissions PresentedToken Public
      RequestOrigin
      RevocationFeedState RevocationOptions RevocationRefusal Roles RouteAccess STRATEGY_NAME
      ServiceAuth ServiceAuthAsyncOptions ServiceAuthModule ServiceAuthOptions
      ServiceAuthOptionsError StepUpDetails SystemClock TokenAlgorithm TokenAuthenticator TokenRevocations
      WhenStale accessError accessErrorCatalog assertNotCrossSite bodyFraming bodyOf cookieValues corsFor dropJsonType
      extractToken fastifyOptions isLoopbackOrigin listHandlers listRoutes normalizeOrigin stepUpError textOf
    `,
  ],
  'authfort-service/testing': [
    'libs/authfort-service/src/testing/index.ts',
    `
      TEST_INTROSPECT_SECRET TestIssuer TestIssuerHandler TestIssuerOptions TestRevocation createTestIssuer
    `,
  ],
};

function namesOf(path: string): string[] {
  return exportedNames({ path, text: readFileSync(join(ROOT, path), 'utf8') });
}

describe('the public API', () => {
  it.each(Object.entries(API))('%s exports these names', (_name, [path, names]) =>
    expect(namesOf(path)).toEqual(names.trim().split(/\s+/)),
  );

  it('covers every alias of tsconfig.json', () => {
    const { compilerOptions } = JSON.parse(readFileSync(join(ROOT, 'tsconfig.json'), 'utf8')) as {
      compilerOptions: { paths: Record<string, string[]> };
    };
    const aliases = Object.entries(compilerOptions.paths).map(([name, [path]]) => [name, path]);
    const covered = Object.entries(API).map(([name, [path]]) => [name, `./${path}`]);
    expect(aliases.sort()).toEqual(covered.sort());
  });
});
