/** An account as AuthFort's services see it. Its password hash stays in the repository. */
export interface User {
  readonly id: string;
  readonly email: string;
  readonly name: string | null;
  readonly avatarUrl: string | null;
  readonly phone: string | null;
  readonly emailVerified: boolean;
  readonly mfaEnabled: boolean;
  readonly banned: boolean;
  /** The `ver` claim: a token with another one is refused. */
  readonly tokenVersion: number;
  readonly roles: readonly string[];
  /** What the roles permit, sorted, each once. */
  readonly permissions: readonly string[];
  readonly createdAt: Date;
  readonly deletedAt: Date | null;
}

/** What an account is created from. */
export interface NewUser {
  readonly email: string;
  readonly passwordHash: string | null;
  readonly name: string | null;
  readonly avatarUrl: string | null;
  readonly phone: string | null;
  /** Default false. */
  readonly emailVerified?: boolean;
}

/** What of a profile is to change; null takes it away, undefined leaves it. */
export interface ProfileChanges {
  readonly name?: string | null;
  readonly avatarUrl?: string | null;
  readonly phone?: string | null;
}

/** The columns of `authfort_users u` that make a {@link User}, for the repositories' statements. */
export const USER_COLUMNS = `u.id, u.email, u.name, u.avatar_url AS "avatarUrl", u.phone, u.email_verified AS "emailVerified",
  u.mfa_enabled AS "mfaEnabled", u.banned, u.token_version AS "tokenVersion", u.created_at AS "createdAt", u.deleted_at AS "deletedAt",
  ARRAY(SELECT r.role FROM authfort_user_roles r WHERE r.user_id = u.id ORDER BY r.role) AS roles,
  ARRAY(SELECT p.permission FROM authfort_user_roles r JOIN authfort_role_permissions p ON p.role = r.role
        WHERE r.user_id = u.id GROUP BY p.permission ORDER BY p.permission COLLATE "C") AS permissions`;

/**
 * For a statement that locks `u` and reads its {@link USER_COLUMNS}. True when it waited for a change of the user: its columns of
 * `authfort_users` are those after the change, and its roles and permissions those before, since READ COMMITTED evaluates only the locked
 * row again. The same statement, sent once more, reads all of them as they are.
 */
export const ROLES_ARE_OUTDATED = `u.token_version <> (SELECT b.token_version FROM authfort_users b WHERE b.id = u.id) AS "rolesAreOutdated"`;

/** The row of a statement with {@link ROLES_ARE_OUTDATED}. */
export interface LockedRow {
  readonly rolesAreOutdated: boolean | null;
}
