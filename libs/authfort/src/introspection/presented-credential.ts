import type { IncomingMessage } from 'node:http';
import { authError } from '../errors/catalog.js';

/** A client's credential as a request presents it. */
export interface PresentedCredential {
  /** How it was presented; `other`: in a way that is not supported. */
  readonly method: 'bearer' | 'client_secret_basic' | 'client_secret_post' | 'other';
  /** The readings of the secret: as it was sent and, for Basic, form-decoded. Empty when it could not be read. */
  readonly secrets: readonly Buffer[];
}

/** The part of a request that may hold credentials. */
export interface RequestWithCredentials {
  readonly headers: { readonly authorization?: string | undefined };
  readonly rawHeaders?: readonly string[];
  /** Fastify's request wraps Node's. */
  readonly raw?: IncomingMessage;
  readonly body?: unknown;
}

/**
 * The credential of a request; undefined when it has none. The request URI is not read (RFC 6749 §2.3.1).
 * @throws AuthFortError `invalid_request` for a repeated parameter or more than one method (RFC 6749 §2.3, §3.2)
 */
export function presentedCredential(request: RequestWithCredentials): PresentedCredential | undefined {
  const { authorization } = request.headers;
  const rawHeaders = request.raw?.rawHeaders ?? request.rawHeaders ?? [];
  // Node keeps only the first of several `Authorization` headers.
  if (authorization !== undefined && countOf('authorization', rawHeaders) > 1)
    throw authError('invalid_request');
  const presented = [
    ...(authorization === undefined ? [] : [fromHeader(authorization)]),
    ...fromBody(request.body),
  ];
  if (presented.length > 1) throw authError('invalid_request');
  return presented[0];
}

/**
 * A text parameter of a form or JSON body. RFC 6749 §3.2: a parameter without a value counts as omitted, and none may be repeated.
 * @throws AuthFortError `invalid_request` for anything but one text
 */
export function bodyParameter(body: unknown, name: string): string | undefined {
  if (typeof body !== 'object' || body === null || !Object.hasOwn(body, name)) return undefined;
  const value = (body as Record<string, unknown>)[name];
  if (typeof value !== 'string') throw authError('invalid_request');
  return value === '' ? undefined : value;
}

/** HTTP header values arrive as Latin-1: one character for each byte. */
function fromHeader(authorization: string): PresentedCredential {
  const [scheme = ''] = /^\S*/.exec(authorization) ?? [];
  const value = withoutSpaces(authorization.slice(scheme.length));
  switch (scheme.toLowerCase()) {
    case 'bearer':
      return { method: 'bearer', secrets: [Buffer.from(value, 'latin1')] };
    case 'basic':
      return { method: 'client_secret_basic', secrets: basicSecrets(value) };
    default:
      return { method: 'other', secrets: [] };
  }
}

/**
 * Without the spaces on both sides. Not a pattern: it would take quadratic time for many spaces in the middle. Not `trim`: it would remove
 * bytes of a UTF-8 secret that are white space in Latin-1.
 */
function withoutSpaces(text: string): string {
  let [start, end] = [0, text.length];
  while (text[start] === ' ') start += 1;
  while (end > start && text[end - 1] === ' ') end -= 1;
  return text.slice(start, end);
}

/**
 * RFC 6749 §2.3.1: id and secret are form-urlencoded before they become user name and password of RFC 7617. Many clients do not encode, so
 * the secret as it was sent is a reading as well.
 */
function basicSecrets(value: string): Buffer[] {
  const credentials = Buffer.from(value, 'base64');
  const colon = credentials.indexOf(':');
  if (colon < 0) return [];
  const sent = credentials.subarray(colon + 1);
  const decoded = formDecoded(sent);
  return decoded === undefined || decoded.equals(sent) ? [sent] : [sent, decoded];
}

/** Decodes `%XX` and `+`, byte by byte. Undefined where a `%` is not followed by two hex digits. */
function formDecoded(bytes: Buffer): Buffer | undefined {
  const text = bytes.toString('latin1');
  if (/%(?![0-9a-f]{2})/i.test(text)) return undefined;
  const decoded = text
    .replaceAll('+', ' ')
    .replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(decoded, 'latin1');
}

function fromBody(body: unknown): PresentedCredential[] {
  const secret = bodyParameter(body, 'client_secret');
  const assertion = bodyParameter(body, 'client_assertion') ?? bodyParameter(body, 'client_assertion_type');
  return [
    ...(secret === undefined
      ? []
      : [{ method: 'client_secret_post', secrets: [Buffer.from(secret, 'utf8')] } as const]),
    ...(assertion === undefined ? [] : [{ method: 'other', secrets: [] } as const]),
  ];
}

/** Names and values alternate in Node's `rawHeaders`. */
function countOf(name: string, rawHeaders: readonly string[]): number {
  let count = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const header = rawHeaders[index]!;
    if (header.length === name.length && header.toLowerCase() === name) count += 1;
  }
  return count;
}
