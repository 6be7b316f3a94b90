import { SigningKeyEntity } from '../keys/signing-key.entity.js';
import { UserRoleEntity } from '../roles/user-role.entity.js';
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
];
