export { HandlerProtection } from './contexts/handler-protection.js';
export type { HandlerKind } from './contexts/handler-scan.js';
export { CurrentUser, Introspect, Permissions, Public, Roles } from './decorators/access.decorators.js';
export { type AccessErrorCode, accessError, accessErrorCatalog } from './errors/access-errors.js';
export {
  AuthFortError,
  type AuthFortErrorExtra,
  type ErrorEntry,
  type StepUpDetails,
} from './errors/auth-fort.error.js';
export { ErrorFilter } from './errors/error.filter.js';
export { stepUpError } from './errors/step-up.error.js';
export { ACCESS_GUARD_OPTIONS, AccessGuard, type AccessGuardOptions } from './guards/access.guard.js';
export type { GuardMode } from './guards/access-requirement.js';
export { assertNotCrossSite, type RequestOrigin } from './guards/csrf.policy.js';
export { cookieValues, extractToken, type PresentedToken } from './guards/extract-token.js';
export { type HandlerAccess, listHandlers } from './guards/handler-access.js';
export { listRoutes, type RouteAccess } from './guards/route-access.js';
export { corsFor } from './http/cors.middleware.js';
export { Drain, DRAIN_OPTIONS, type DrainOptions } from './http/drain.js';
export { bodyOf, textOf } from './http/body-of.js';
export { bodyFraming, dropJsonType, type FramedRequest } from './http/empty-json-body.js';
export { fastifyOptions } from './http/fastify-options.js';
export { OutgoingRequests } from './http/outgoing-requests.js';
export { isLoopbackOrigin, normalizeOrigin } from './http/origin.js';
export type { ActiveIntrospectionResult, IntrospectionResult } from './introspection/introspection-result.js';
export { ServiceAuthOptionsError } from './options/service-auth.config.js';
export type { RevocationOptions, ServiceAuthOptions } from './options/service-auth.options.js';
export type { FeedWay } from './revocation/feed.status.js';
export type { RevocationFeedState } from './revocation/revocation-feed.client.js';
export type { WhenStale } from './revocation/stale.policy.js';
export { ServiceAuth } from './service-auth.js';
export { type ServiceAuthAsyncOptions, ServiceAuthModule } from './service-auth.module.js';
export { STRATEGY_NAME } from './token/access-token.strategy.js';
export { AccessTokenVerifier, type AccessTokenVerifierOptions } from './token/access-token.verifier.js';
export type { AccessTokenClaims, AuthUser } from './token/auth-user.js';
export { Clock, SystemClock } from './token/clock.port.js';
export { KeySource } from './token/key-source.port.js';
export { TokenAuthenticator } from './token/token-authenticator.port.js';
export type { TokenAlgorithm } from './token/token-header.js';
export { type RevocationRefusal, TokenRevocations } from './token/token-revocations.port.js';
