import { Inject } from '@nestjs/common';
import type { AuthUser } from 'authfort-service';
import { EmailVerificationService } from './email-verification/email-verification.service.js';
import { type ClientInfo, NO_CLIENT } from './http/client-info.js';
import { MagicLinkService } from './magic-link/magic-link.service.js';
import { OtpService } from './otp/otp.service.js';
import { ChangePasswordService } from './password/change-password.service.js';
import { LoginService } from './password/login.service.js';
import { PasswordResetService } from './password/password-reset.service.js';
import type { AuthResult } from './sessions/auth-result.js';
import { RefreshService } from './sessions/refresh.service.js';
import { SessionAuthenticator } from './sessions/session.authenticator.js';
import { SessionService } from './sessions/session.service.js';
import { normalizeEmail } from './users/user-fields.js';
import { UserService } from './users/user.service.js';

/** The part of {@link AuthFort} that is about proving who somebody is. */
export abstract class AuthFortSignIns {
  @Inject(LoginService) private readonly logins!: LoginService;
  @Inject(RefreshService) private readonly refreshes!: RefreshService;
  @Inject(SessionService) protected readonly sessions!: SessionService;
  @Inject(SessionAuthenticator) private readonly authenticator!: SessionAuthenticator;
  @Inject(UserService) protected readonly users!: UserService;
  @Inject(ChangePasswordService) private readonly passwords!: ChangePasswordService;
  @Inject(PasswordResetService) private readonly resets!: PasswordResetService;
  @Inject(EmailVerificationService) private readonly verification!: EmailVerificationService;
  @Inject(MagicLinkService) private readonly links!: MagicLinkService;
  @Inject(OtpService) private readonly otps!: OtpService;

  /** Signs in with a password. @throws `invalid_credentials`, `user_banned`, `email_not_verified`, `overloaded` */
  login(email: string, password: string, client: ClientInfo = NO_CLIENT): Promise<AuthResult> {
    return this.logins.login(email, password, client);
  }

  /** @throws `refresh_token_invalid`, `refresh_token_expired`, `refresh_token_revoked`, `user_banned`, `email_not_verified` */
  refresh(refreshToken: string, client: ClientInfo = NO_CLIENT): Promise<AuthResult> {
    return this.refreshes.refresh(refreshToken, client);
  }

  /**
   * Ends the session of a refresh token. When a refresh with the token would be theft, the session ends as stolen (event
   * `refresh_token_reused`). An unknown token is not an error.
   */
  logout(refreshToken: string, client: ClientInfo = NO_CLIENT): Promise<void> {
    return this.sessions.endByRefreshToken(refreshToken, client);
  }

  /** The user behind an access token, checked against the database. @throws `token_invalid`, `session_revoked`, … */
  verifyToken(accessToken: string): Promise<AuthUser> {
    return this.authenticator.authenticate(accessToken);
  }

  /** Sets a new password and ends all sessions. @throws `invalid_reset_token`, `password_too_short`, `password_unchanged`, … */
  resetPassword(token: string, newPassword: string): Promise<void> {
    return this.resets.reset(token, newPassword);
  }

  /** A token for {@link resetPassword}, to be mailed. Null for an address that has no account, or a banned one. @throws `invalid_email` */
  async createPasswordResetToken(email: string): Promise<string | null> {
    return (await this.resets.createToken(normalizeEmail(email))) ?? null;
  }

  /**
   * Ends all sessions but `keptSessionId`, and every access token.
   * @throws `user_not_found`, `invalid_password`, `password_too_short`, `password_unchanged`, …
   */
  async changePassword(
    userId: string,
    oldPassword: string,
    newPassword: string,
    keptSessionId?: string,
  ): Promise<void> {
    await this.passwords.change(await this.users.get(userId), oldPassword, newPassword, keptSessionId);
  }

  /** For an account without one. @throws `user_not_found`, `password_already_set`, `password_too_short`, … */
  async setPassword(userId: string, password: string): Promise<void> {
    await this.passwords.set(await this.users.get(userId), password);
  }

  /** A token for {@link verifyEmail}, to be mailed. @throws `user_not_found` */
  async createEmailVerificationToken(userId: string): Promise<string> {
    return this.verification.createToken(await this.users.get(userId));
  }

  /**
   * @param follower the request that presents the token. With it, the rule of `POST /auth/verify-email` applies: a client without a session
   * of the account, in a network without sign-ins to it, may be the victim of a squatter. Default: your code vouches for both.
   * @throws `invalid_verification_token`
   */
  verifyEmail(
    token: string,
    follower?: { client: ClientInfo; signedInAs: string | undefined },
  ): Promise<void> {
    return this.verification.verify(token, follower);
  }

  /** A token for {@link verifyMagicLink}, to be mailed. Null for an address that may not sign in. @throws `invalid_email` */
  async createMagicLinkToken(email: string): Promise<string | null> {
    return (await this.links.createToken(normalizeEmail(email))) ?? null;
  }

  /** @throws `invalid_magic_link`, `user_banned` */
  verifyMagicLink(token: string, client: ClientInfo = NO_CLIENT): Promise<AuthResult> {
    return this.links.signIn(token, client);
  }

  /** A code for {@link verifyEmailOtp}, to be mailed. Null for an address that may not sign in. @throws `invalid_email` */
  async createEmailOtp(email: string): Promise<string | null> {
    return (await this.otps.createCode(normalizeEmail(email))) ?? null;
  }

  /** @throws `invalid_otp`, `user_banned` */
  verifyEmailOtp(email: string, code: string, client: ClientInfo = NO_CLIENT): Promise<AuthResult> {
    return this.otps.signIn(normalizeEmail(email), code, client);
  }
}
