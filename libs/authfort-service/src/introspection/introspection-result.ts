import { z } from 'zod';

/** What the auth server says of a token (RFC 7662 §2.2). */
export type IntrospectionResult = { readonly active: false } | ActiveIntrospectionResult;

/** A token that is good right now. */
export interface ActiveIntrospectionResult {
  readonly active: true;
  readonly sub: string;
  readonly email: string | null;
  /** Null when the auth server states nothing, as older versions. */
  readonly emailVerified: boolean | null;
  readonly name: string | null;
  /** The roles of this moment, from the auth server's database. */
  readonly roles: readonly string[];
  /** What the roles permit at this moment; null when the auth server says nothing of permissions. */
  readonly permissions: readonly string[] | null;
  readonly tokenVersion: number;
  /** Seconds since 1970. */
  readonly exp: number;
  /** Seconds since 1970. */
  readonly iat: number;
  readonly iss: string;
  readonly sid: string | null;
  readonly jti: string | null;
  readonly tokenType: string | null;
}

const activeSchema = z.object({
  active: z.literal(true),
  sub: z.string().min(1),
  email: z.string().nullish(),
  email_verified: z.boolean().nullish(),
  name: z.string().nullish(),
  roles: z.array(z.string()),
  permissions: z.array(z.string()).nullish(),
  token_version: z.number().int(),
  exp: z.number(),
  iat: z.number(),
  iss: z.string(),
  sid: z.string().nullish(),
  jti: z.string().nullish(),
  token_type: z.string().nullish(),
});
const answerSchema = z.union([activeSchema, z.object({ active: z.literal(false) })]);

/** Reads the answer. Undefined when it is none: what cannot be understood must not be taken for a yes. */
export function readIntrospection(body: unknown): IntrospectionResult | undefined {
  const parsed = answerSchema.safeParse(body);
  if (!parsed.success) return undefined;
  const answer = parsed.data;
  if (!answer.active) return { active: false };
  const {
    sub,
    email,
    email_verified: emailVerified,
    name,
    roles,
    permissions,
    token_version: tokenVersion,
    exp,
    iat,
    iss,
    sid,
    jti,
    token_type: tokenType,
  } = answer;
  const orNull = (value: string | null | undefined) => value ?? null;
  return {
    active: true,
    sub,
    email: orNull(email),
    emailVerified: emailVerified ?? null,
    name: orNull(name),
    roles,
    permissions: permissions ?? null,
    tokenVersion,
    exp,
    iat,
    iss,
    sid: orNull(sid),
    jti: orNull(jti),
    tokenType: orNull(tokenType),
  };
}
