import { randomUUID } from 'node:crypto';

export const PASSWORD = 'correct horse battery staple';

/** An answer, with the body read. */
export interface Answer {
  status: number;
  headers: Headers;
  body: unknown;
  text: string;
}

export interface RequestOptions {
  method?: string;
  /** Sent as JSON. */
  json?: unknown;
  /** Sent as a form. */
  form?: Record<string, string>;
  bearer?: string;
  cookie?: string;
  headers?: Record<string, string>;
}

export interface SignedIn {
  id: string;
  email: string;
  accessToken: string;
  refreshToken: string;
}

interface AuthResponse {
  user: { id: string; email: string };
  tokens: { access_token: string; refresh_token: string };
}

export async function request(url: string, options: RequestOptions = {}): Promise<Answer> {
  const headers: Record<string, string> = { ...options.headers };
  if (options.json !== undefined) headers['content-type'] = 'application/json';
  if (options.bearer !== undefined) headers.authorization = `Bearer ${options.bearer}`;
  if (options.cookie !== undefined) headers.cookie = options.cookie;
  const response = await fetch(url, {
    method: options.method ?? 'GET',
    headers,
    body: options.form
      ? new URLSearchParams(options.form)
      : options.json === undefined
        ? undefined
        : JSON.stringify(options.json),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, body: parse(text) };
}

export function post(url: string, json?: unknown, options: RequestOptions = {}): Promise<Answer> {
  return request(url, { method: 'POST', json, ...options });
}

/** A new user; throws unless the server says 201. */
export async function signUp(authUrl: string, email = newEmail()): Promise<SignedIn> {
  return signedIn(await post(`${authUrl}/auth/signup`, { email, password: PASSWORD }), 201);
}

export async function logIn(authUrl: string, email: string, password = PASSWORD): Promise<SignedIn> {
  return signedIn(await post(`${authUrl}/auth/login`, { email, password }), 200);
}

export async function refresh(authUrl: string, refreshToken: string): Promise<SignedIn> {
  return signedIn(await post(`${authUrl}/auth/refresh`, { refresh_token: refreshToken }), 200);
}

export function logOut(authUrl: string, refreshToken: string): Promise<Answer> {
  return post(`${authUrl}/auth/logout`, { refresh_token: refreshToken });
}

export async function isActive(authUrl: string, token: string, secret: string): Promise<boolean> {
  const answer = await post(`${authUrl}/introspect`, undefined, { form: { token }, bearer: secret });
  if (answer.status !== 200) throw new Error(`introspection answered ${answer.status} ${answer.text}`);
  return (answer.body as { active: boolean }).active;
}

export function newEmail(): string {
  return `user-${randomUUID()}@example.com`;
}

function signedIn({ status, body, text }: Answer, expected: number): SignedIn {
  if (status !== expected) throw new Error(`expected ${expected}, got ${status} ${text}`);
  const { user, tokens } = body as AuthResponse;
  return {
    id: user.id,
    email: user.email,
    accessToken: tokens.access_token,
    refreshToken: tokens.refresh_token,
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
