import { AuditEntryEntity } from '../events/audit-entry.entity.js';
import { OutboxConsumerEntity } from '../events/outbox-consumer.entity.js';
import { OutboxEntity } from '../events/outbox.entity.js';
import { SigningKeyEntity } from '../keys/signing-key.entity.js';
import { LoginAttemptEntity } from '../login-attempts/login-attempt.entity.js';
import { EmailOtpEntity } from '../one-time/email-otp.entity.js';
import { OneTimeTokenEntity } from '../one-time/one-time-token.entity.js';
import { PasswordHistoryEntity } from '../password/password-history.entity.js';
import { RolePermissionEntity } from '../roles/role-permission.entity.js';
import { UserRoleEntity } from '../roles/user-role.entity.js';
import { RevocationEntity } from '../revocation/revocation.entity.js';
import { RefreshTokenEntity } from '../sessions/refresh-token.entity.js';
import { SessionEntity } from '../sessions/session.entity.js';
import { UserEntity } from '../users/user.entity.js';

/** Every entity of AuthFort. `AuthFortModule` registers them on the app's connection; a TypeORM CLI `DataSource` lists them itself. */
export const authfortEntities = [
  UserEntity,
  UserRoleEntity,
  SessionEntity,
  RefreshTokenEntity,
  SigningKeyEntity,
  OneTimeTokenEntity,
  EmailOtpEntity,
  LoginAttemptEntity,
  PasswordHistoryEntity,
  RolePermissionEntity,
  OutboxEntity,
  OutboxConsumerEntity,
  AuditEntryEntity,
  RevocationEntity,
];
