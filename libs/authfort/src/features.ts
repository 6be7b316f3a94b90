import type { Provider, Type } from '@nestjs/common';
import { BanService } from './account/ban.service.js';
import { MeController } from './account/me.controller.js';
import { AuthFort } from './auth-fort.js';
import { EventBus } from './events/event-bus.js';
import { HealthController } from './health/health.controller.js';
import { BrowserGuard } from './http/browser.guard.js';
import { ClientInfoPipe } from './http/client.decorator.js';
import { ClientIp } from './http/client-ip.js';
import { TokenDelivery } from './http/token-delivery.js';
import { IntrospectionController } from './introspection/introspection.controller.js';
import { IntrospectionGuard } from './introspection/introspection.guard.js';
import { IntrospectionService } from './introspection/introspection.service.js';
import { DiscoveryController } from './keys/discovery.controller.js';
import { JwksController } from './keys/jwks.controller.js';
import { KeyRing } from './keys/key-ring.js';
import { KeyRotationService } from './keys/key-rotation.service.js';
import { SigningKeyRepository } from './keys/signing-key.repository.js';
import { LoginController } from './password/login.controller.js';
import { LoginService } from './password/login.service.js';
import { PasswordHasher } from './password/password-hasher.js';
import { SignupController } from './password/signup.controller.js';
import { SignupService } from './password/signup.service.js';
import { RateLimitGuard } from './rate-limits/rate-limit.guard.js';
import { RateLimiter } from './rate-limits/rate-limiter.js';
import { RoleRepository } from './roles/role.repository.js';
import { RoleService } from './roles/role.service.js';
import { CleanupService } from './sessions/cleanup.service.js';
import { LogoutController } from './sessions/logout.controller.js';
import { RefreshController } from './sessions/refresh.controller.js';
import { RefreshService } from './sessions/refresh.service.js';
import { RefreshTokenReader } from './sessions/refresh-token.reader.js';
import { RefreshTokenRepository } from './sessions/refresh-token.repository.js';
import { SessionAuthenticator } from './sessions/session.authenticator.js';
import { SessionRepository } from './sessions/session.repository.js';
import { SessionService } from './sessions/session.service.js';
import { SessionsController } from './sessions/sessions.controller.js';
import { SignInService } from './sign-in/sign-in.service.js';
import { AccessTokenService } from './tokens/access-token.service.js';
import { UserRepository } from './users/user.repository.js';
import { UserService } from './users/user.service.js';

/** One feature folder's part of the module. */
interface Feature {
  /** Controllers below the route prefix. */
  readonly controllers?: readonly Type[];
  /** Controllers at the root. */
  readonly rootControllers?: readonly Type[];
  readonly providers?: readonly Provider[];
}

/** The features, lower ones first. A new feature is a folder and one entry here. */
export const features: readonly Feature[] = [
  { providers: [ClientIp, ClientInfoPipe, TokenDelivery, BrowserGuard] },
  { providers: [EventBus] },
  {
    rootControllers: [JwksController, DiscoveryController],
    providers: [SigningKeyRepository, KeyRing, KeyRotationService],
  },
  { providers: [UserRepository, UserService] },
  { providers: [RateLimiter, RateLimitGuard] },
  { providers: [AccessTokenService] },
  { providers: [RoleRepository, RoleService] },
  {
    controllers: [RefreshController, LogoutController, SessionsController],
    providers: [
      SessionRepository,
      RefreshTokenRepository,
      SessionService,
      RefreshService,
      RefreshTokenReader,
      SessionAuthenticator,
      CleanupService,
    ],
  },
  {
    controllers: [IntrospectionController],
    rootControllers: [IntrospectionController],
    providers: [IntrospectionService, IntrospectionGuard],
  },
  { providers: [SignInService] },
  {
    controllers: [SignupController, LoginController],
    providers: [PasswordHasher, SignupService, LoginService],
  },
  { controllers: [MeController], providers: [BanService] },
  { rootControllers: [HealthController] },
  { providers: [AuthFort] },
];
