import { BanService } from './account/ban.service.js';
import { AccountCreationService } from './account/account-creation.service.js';
import { AccountDeletionService } from './account/account-deletion.service.js';
import { AccountExportRepository } from './account/account-export.repository.js';
import { AccountExportService } from './account/account-export.service.js';
import { MeController } from './account/me.controller.js';
import { PersonalDataEraser } from './account/personal-data-eraser.service.js';
import { ProfileService } from './account/profile.service.js';
import { UserEditorService } from './account/user-editor.service.js';
import { AdminAccessController } from './admin/admin-access.controller.js';
import { AdminUserListController } from './admin/admin-user-list.controller.js';
import { AdminUsersController } from './admin/admin-users.controller.js';
import { AdminRolesController } from './admin/admin-roles.controller.js';
import { AuthFort } from './auth-fort.js';
import { AuditController } from './admin/audit.controller.js';
import { AuditService } from './admin/audit.service.js';
import { DeadLetterService } from './admin/dead-letter.service.js';
import { DeadLettersController } from './admin/dead-letters.controller.js';
import { CleanupLockRepository } from './cleanup/cleanup-lock.repository.js';
import { CleanupService } from './cleanup/cleanup.service.js';
import { AuditLogRepository } from './events/audit-log.repository.js';
import { EventBus } from './events/event-bus.js';
import { EventLogRepository } from './events/event-log.repository.js';
import { OutboxEraser } from './events/outbox-eraser.repository.js';
import { OutboxRepository } from './events/outbox.repository.js';
import { OutboxWorker } from './events/outbox.worker.js';
import type { Feature } from './feature.js';
import { HealthController } from './health/health.controller.js';
import { BrowserGuard } from './http/browser.guard.js';
import { ClientInfoPipe } from './http/client.decorator.js';
import { ClientIp } from './http/client-ip.js';
import { TokenDelivery } from './http/token-delivery.js';
import { UserLaneInterceptor } from './http/user-lane.interceptor.js';
import { IntrospectionController } from './introspection/introspection.controller.js';
import { IntrospectionGuard } from './introspection/introspection.guard.js';
import { IntrospectionService } from './introspection/introspection.service.js';
import { DiscoveryController } from './keys/discovery.controller.js';
import { JwksController } from './keys/jwks.controller.js';
import { JwksShortcut } from './keys/jwks.shortcut.js';
import { KeyRing } from './keys/key-ring.js';
import { KeyRotationService } from './keys/key-rotation.service.js';
import { SigningKeyRepository } from './keys/signing-key.repository.js';
import { EmailChangeController } from './email-change/email-change.controller.js';
import { EmailChangeMails } from './email-change/email-change-mails.js';
import { EmailChangeService } from './email-change/email-change.service.js';
import { EmailVerificationController } from './email-verification/email-verification.controller.js';
import { EmailVerificationMail } from './email-verification/email-verification-mail.js';
import { EmailVerificationService } from './email-verification/email-verification.service.js';
import { LoginAttemptsRepository } from './login-attempts/login-attempts.repository.js';
import { LoginAttemptsService } from './login-attempts/login-attempts.service.js';
import { MagicLinkController } from './magic-link/magic-link.controller.js';
import { MagicLinkMail } from './magic-link/magic-link-mail.js';
import { MagicLinkService } from './magic-link/magic-link.service.js';
import { MailJobs } from './mail/mail-jobs.js';
import { Mailer } from './mail/mailer.js';
import { RequestedMailsRepository } from './mail/requested-mails.repository.js';
import { EmailOtpRepository } from './one-time/email-otp.repository.js';
import { EmailOtpService } from './one-time/email-otp.service.js';
import { OneTimeTokenRepository } from './one-time/one-time-token.repository.js';
import { OneTimeTokenService } from './one-time/one-time-token.service.js';
import { PendingProofsService } from './one-time/pending-proofs.service.js';
import { OtpController } from './otp/otp.controller.js';
import { OtpMail } from './otp/otp-mail.js';
import { OtpService } from './otp/otp.service.js';
import { FreshSignInGuard } from './sign-in/fresh-sign-in.guard.js';
import { FreshSignInPolicy } from './sign-in/fresh-sign-in.policy.js';
import { passwordFeature } from './password/password.feature.js';
import { EmailProofService } from './sign-in/email-proof.service.js';
import { RateLimitGuard } from './rate-limits/rate-limit.guard.js';
import { RateLimiter } from './rate-limits/rate-limiter.js';
import { LastAdminPolicy } from './roles/last-admin.policy.js';
import { PermissionRepository } from './roles/permission.repository.js';
import { PermissionService } from './roles/permission.service.js';
import { RoleRepository } from './roles/role.repository.js';
import { RoleService } from './roles/role.service.js';
import { LogoutController } from './sessions/logout.controller.js';
import { RefreshController } from './sessions/refresh.controller.js';
import { RefreshService } from './sessions/refresh.service.js';
import { RefreshTokenReader } from './sessions/refresh-token.reader.js';
import { OpenStreams } from './revocation-feed/open-streams.js';
import { RevocationFeedController } from './revocation-feed/revocation-feed.controller.js';
import { RevocationHub } from './revocation/revocation-hub.js';
import { RevocationLogRepository } from './revocation/revocation-log.repository.js';
import { RevocationReader } from './revocation/revocation-reader.repository.js';
import { RefreshTokenRepository } from './sessions/refresh-token.repository.js';
import { SessionAuthenticator } from './sessions/session.authenticator.js';
import { SessionHolder } from './sessions/session-holder.js';
import { AllSessionsRepository } from './sessions/all-sessions.repository.js';
import { SessionRepository } from './sessions/session.repository.js';
import { SessionService } from './sessions/session.service.js';
import { SessionsController } from './sessions/sessions.controller.js';
import { SignInService } from './sign-in/sign-in.service.js';
import { AccessTokenService } from './tokens/access-token.service.js';
import { UserDirectoryRepository } from './users/user-directory.repository.js';
import { UserDirectoryService } from './users/user-directory.service.js';
import { WebhookService } from './webhooks/webhook.service.js';
import { AddressOwnershipRepository } from './users/address-ownership.repository.js';
import { UserRepository } from './users/user.repository.js';
import { UserService } from './users/user.service.js';

/** The features, lower ones first. A new feature is a folder and one entry here. */
export const features: readonly Feature[] = [
  { providers: [ClientIp, ClientInfoPipe, TokenDelivery, BrowserGuard, UserLaneInterceptor] },
  {
    providers: [
      EventLogRepository,
      AuditLogRepository,
      OutboxRepository,
      OutboxEraser,
      OutboxWorker,
      EventBus,
    ],
  },
  { providers: [RevocationLogRepository, RevocationReader, RevocationHub] },
  { providers: [Mailer, RequestedMailsRepository, MailJobs] },
  { providers: [WebhookService] },
  {
    rootControllers: [JwksController, DiscoveryController],
    providers: [SigningKeyRepository, KeyRing, JwksShortcut, KeyRotationService],
  },
  {
    providers: [
      UserRepository,
      AddressOwnershipRepository,
      UserService,
      UserDirectoryRepository,
      UserDirectoryService,
    ],
  },
  { providers: [RateLimiter, RateLimitGuard] },
  { providers: [AccessTokenService] },
  { providers: [RoleRepository, RoleService, PermissionRepository, PermissionService, LastAdminPolicy] },
  { providers: [LoginAttemptsRepository, LoginAttemptsService] },
  {
    providers: [
      OneTimeTokenRepository,
      OneTimeTokenService,
      EmailOtpRepository,
      EmailOtpService,
      PendingProofsService,
    ],
  },
  {
    controllers: [RefreshController, LogoutController, SessionsController],
    providers: [
      SessionRepository,
      AllSessionsRepository,
      RefreshTokenRepository,
      SessionService,
      RefreshService,
      RefreshTokenReader,
      SessionAuthenticator,
      SessionHolder,
    ],
  },
  {
    controllers: [IntrospectionController],
    rootControllers: [IntrospectionController],
    providers: [IntrospectionService, IntrospectionGuard],
  },
  { rootControllers: [RevocationFeedController], providers: [OpenStreams] },
  { providers: [SignInService, EmailProofService, FreshSignInPolicy, FreshSignInGuard] },
  passwordFeature,
  { controllers: [MagicLinkController], providers: [MagicLinkService, MagicLinkMail] },
  { controllers: [OtpController], providers: [OtpService, OtpMail] },
  {
    controllers: [EmailVerificationController],
    providers: [EmailVerificationService, EmailVerificationMail],
  },
  {
    controllers: [MeController],
    providers: [
      BanService,
      ProfileService,
      AccountCreationService,
      UserEditorService,
      AccountDeletionService,
      PersonalDataEraser,
      AccountExportRepository,
      AccountExportService,
    ],
  },
  { controllers: [EmailChangeController], providers: [EmailChangeService, EmailChangeMails] },
  { controllers: [AdminUserListController, AdminUsersController, AdminAccessController] },
  { controllers: [AdminRolesController] },
  { controllers: [DeadLettersController], providers: [DeadLetterService] },
  { controllers: [AuditController], providers: [AuditService] },
  { providers: [CleanupLockRepository, CleanupService] },
  { rootControllers: [HealthController] },
  { providers: [AuthFort] },
];
