import type { DataSource } from 'typeorm';

export const USERS = 100_000;
const DELETED = 300;

/** Six of ten addresses begin with `staff.`; the first 2 000 users are `pilot.…`. The order of insertion is not that of creation. */
const INSERT_USERS = `
  INSERT INTO authfort_users
    (id, email, name, avatar_url, phone, password_hash, email_verified, mfa_enabled, banned, created_at)
  SELECT gen_random_uuid(),
    CASE WHEN n <= 2000 THEN 'pilot.' WHEN random() < 0.6 THEN 'staff.' ELSE '' END
      || first || '.' || last || n || '@' || (ARRAY['example.com', 'example.org', 'mail.example.net'])[1 + n % 3],
    initcap(first) || ' ' || initcap(last),
    'https://cdn.example.com/avatars/' || md5(n::text) || '.png',
    '+4915' || (100000000 + n),
    '$argon2id$v=19$m=19456,t=2,p=1$' || left(md5('salt' || n), 22) || '$' || left(md5('a' || n) || md5('b' || n), 43),
    random() < 0.6, random() < 0.1, random() < 0.02,
    timestamptz '2024-01-01' + n * interval '10 minutes'
  FROM (
    SELECT n,
      (ARRAY['anna','ben','carla','david','emma','felix','greta','hugo','ida','jonas','klara','leon','mia','noah','olga','paul'])
        [1 + floor(random() * 16)] AS first,
      (ARRAY['adler','bauer','clausen','engel','fischer','graf','huber','jung','koch','lang','meier','neumann','otto','peters','richter','weber'])
        [1 + floor(random() * 16)] AS last
    FROM generate_series(1, ${USERS}) n ORDER BY random()
  ) names`;

const DELETE_SOME = `
  UPDATE authfort_users SET email = id || '@deleted', name = NULL, avatar_url = NULL, phone = NULL, password_hash = NULL,
    email_verified = false, deleted_at = now()
  WHERE id IN (SELECT id FROM authfort_users ORDER BY random() LIMIT ${DELETED})`;

const ROLES = [
  ['admin', 5, 'random()'],
  ['editor', 2_000, 'random()'],
  ['member', 50_000, 'random()'],
  // All of them at the end of the list.
  ['pioneer', 2_000, 'created_at'],
] as const;

const PERMISSIONS = `
  INSERT INTO authfort_role_permissions VALUES
    ('admin', 'users:write', now()), ('editor', 'articles:write', now()), ('editor', 'articles:publish', now()),
    ('member', 'articles:read', now()), ('pioneer', 'preview:use', now())`;

/** 100 000 users, of whom 2 % are banned, 60 % verified and 300 deleted, with roles held by 5, 2 000 and 50 000. */
export async function seedUsers(dataSource: DataSource): Promise<void> {
  await dataSource.query('SELECT setseed(0.5)');
  await dataSource.query(INSERT_USERS);
  await dataSource.query(DELETE_SOME);
  for (const [role, holders, order] of ROLES)
    await dataSource.query(
      `INSERT INTO authfort_user_roles (user_id, role, granted_at)
       SELECT id, $1, now() FROM authfort_users WHERE deleted_at IS NULL ORDER BY ${order} LIMIT ${holders}`,
      [role],
    );
  await dataSource.query(PERMISSIONS);
  // What autovacuum does by itself a minute later.
  for (const table of ['users', 'user_roles', 'role_permissions'])
    await dataSource.query(`VACUUM (ANALYZE) authfort_${table}`);
}
