export type { CreateUserInput } from './account/account-creation.service.js';
export type { UserChanges } from './account/user-editor.service.js';
export { AuthFort } from './auth-fort.js';
export type { AuditPage, AuditQuery } from './admin/audit.service.js';
export type { DeadLetterPage } from './admin/dead-letter.service.js';
export type { CleanupResult } from './cleanup/cleanup.service.js';
export { type AuthFortAsyncOptions, AuthFortModule } from './authfort.module.js';
export { authfortEntities } from './database/entities.js';
export { authfortMigrations } from './database/migrations/index.js';
export { type AuthErrorCode, authError, errorCatalog } from './errors/catalog.js';
export type { AuthEvent, AuthEventMap, AuthEventName } from './events/auth-events.js';
export type { AuditEntry } from './events/audit-log.repository.js';
export { OnAuthEvent, type OnAuthEventOptions } from './events/on-auth-event.decorator.js';
export type { DeadLetter } from './events/outbox.repository.js';
export type { ClientInfo } from './http/client-info.js';
export type {
  AuthFortCookieOptions,
  AuthFortOptions,
  BreachCheckOptions,
  KeyRotationOptions,
  PasswordHashingOptions,
  PasswordPolicyOptions,
  RateLimitName,
  RateLimitOptions,
  RateLimitRule,
  SigningAlgorithm,
  WebhookOptions,
} from './options/auth-fort.options.js';
export {
  type Mail,
  type MailName,
  type MailOptions,
  type MailText,
  type MailTexts,
  MailTransport,
} from './options/mail.options.js';
export { isCookieDomain } from './options/cookie-domain.js';
export { AuthFortOptionsError } from './options/resolve-options.js';
export type { AuthResult, AuthTokens } from './sessions/auth-result.js';
export type { RoleOverview } from './roles/permission.repository.js';
export type { SessionUser } from './sessions/session.authenticator.js';
export type { ListSessionsQuery, Session, SessionPage } from './sessions/session-page.js';
export type { User } from './users/user.js';
export type { ListUsersQuery, UserPage } from './users/user-directory.service.js';
export type { UserSort } from './users/user-directory.repository.js';
export {
  AuthFortError,
  type AuthUser,
  CurrentUser,
  Introspect,
  Permissions,
  Public,
  Roles,
} from 'authfort-service';
