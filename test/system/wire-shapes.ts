import { expect } from '@jest/globals';
import { type Answer, newEmail, PASSWORD, post } from './client.js';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const UTC = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;
const JWT = /^[\w-]+\.[\w-]+\.[\w-]+$/;

export interface AuthResponse {
  user: Record<string, unknown>;
  tokens: { access_token: string; refresh_token: string; expires_in: number };
}

/** Every key of a user, with its type; toEqual takes neither a missing nor an additional one. */
export function userShape(email: string, fields: Record<string, unknown> = {}) {
  return {
    id: expect.stringMatching(UUID),
    email,
    name: null,
    email_verified: false,
    avatar_url: null,
    phone: null,
    banned: false,
    is_deleted: false,
    deleted_at: null,
    roles: [],
    created_at: expect.stringMatching(UTC),
    session_id: expect.stringMatching(UUID),
    mfa_enabled: false,
    ...fields,
  };
}

export const TOKENS = {
  access_token: expect.stringMatching(JWT),
  refresh_token: expect.stringMatching(/^[\w-]{43,}$/),
  expires_in: 900,
};

/** A new user, and the answer that made it. */
export async function signUpRaw(
  auth: string,
  email = newEmail(),
  fields: object = {},
): Promise<{ answer: Answer; body: AuthResponse }> {
  const answer = await post(`${auth}/auth/signup`, { email, password: PASSWORD, ...fields });
  return { answer, body: answer.body as AuthResponse };
}

/** What carries tokens or personal data is kept in no cache. */
export function expectPrivate({ headers }: Answer): void {
  expect(headers.get('cache-control')).toContain('no-store');
  expect(headers.get('content-type')).toMatch(/^application\/json/);
}
