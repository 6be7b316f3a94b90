import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { z } from 'zod';
import { authError } from '../errors/catalog.js';

interface RequestWithBody {
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body?: unknown;
}

const MAX_DEPTH = 20;

/** A text that PostgreSQL can store: no U+0000, no lone surrogate. */
export const text = (): z.ZodString =>
  z.string().refine((value) => value.isWellFormed() && !value.includes('\u0000'), 'must be well-formed text');

// Nest takes what has a `transform` method (as Zod schemas do) for a pipe, and `{ schema }` for options of its own: hence the wrapping.
const ParsedBody = createParamDecorator(
  ({ bodySchema }: { bodySchema: z.ZodType }, context: ExecutionContext) =>
    parseJsonBody(bodySchema, context.switchToHttp().getRequest<RequestWithBody>()),
);

/**
 * The JSON body, checked against a schema. Unknown members are dropped.
 * @throws AuthFortError `unsupported_media_type` for anything but JSON in UTF-8, `invalid_json` for a body that is not UTF-8, is no object
 * or carries a `__proto__` member, `validation_error` with the fields
 */
export const JsonBody = (schema: z.ZodType): ParameterDecorator => ParsedBody({ bodySchema: schema });

/** See {@link JsonBody}. A request without a body counts as `{}`. */
export function parseJsonBody<T>(schema: z.ZodType<T>, request: RequestWithBody): T {
  const { headers, body } = request;
  const hasBody = isPresent(headers, body);
  if (hasBody && !isJson(headers['content-type'])) throw authError('unsupported_media_type');
  const value = hasBody ? body : {};
  if (typeof value !== 'object' || value === null || Array.isArray(value) || !isTame(value))
    throw authError('invalid_json');
  const result = schema.safeParse(value);
  if (!result.success)
    throw authError('validation_error', { details: result.error.issues.map(describeIssue) });
  return result.data;
}

/** HTTP/2 needs no header for a body, so without a length the parsed body decides. */
function isPresent(headers: RequestWithBody['headers'], body: unknown): boolean {
  if (headers['transfer-encoding'] !== undefined) return true;
  const length = headers['content-length'];
  return length === undefined ? body !== undefined && body !== null : Number(length) > 0;
}

/** RFC 8259 §8.1: JSON is UTF-8. Express would decode another charset, Fastify would ignore it. */
function isJson(contentType: string | string[] | undefined): boolean {
  if (typeof contentType !== 'string') return false;
  const charset = /;\s*charset\s*=\s*"?([^\s;"]*)/i.exec(contentType)?.[1] ?? 'utf-8';
  return /^application\/(json|[\w.+-]+\+json)\s*(;|$)/i.test(contentType) && /^utf-?8$/i.test(charset);
}

/**
 * Whether parsed JSON has no member that could reach a prototype, no nesting that costs more to walk than it can mean, and no U+FFFD:
 * the body parsers put it in the place of bytes that are not UTF-8, and two different bodies would mean the same (RFC 3629 §10).
 */
export function isTame(value: unknown, depth = 0): boolean {
  if (typeof value === 'string') return !value.includes('\ufffd');
  if (typeof value !== 'object' || value === null) return true;
  if (depth > MAX_DEPTH || Object.hasOwn(value, '__proto__')) return false;
  return Object.entries(value).every(([key, inner]) => isTame(key) && isTame(inner, depth + 1));
}

/** Names of fields are the schema's; messages are fixed: nothing of the input is repeated. */
export function describeIssue(issue: z.core.$ZodIssue): { field: string; message: string } {
  const field = issue.path.join('.') || (issue.code === 'unrecognized_keys' ? 'query' : 'body');
  if (issue.code === 'invalid_type') return { field, message: `must be a ${issue.expected}` };
  if (issue.code === 'unrecognized_keys') return { field, message: 'has a parameter that is not known' };
  return { field, message: OURS.has(issue.code) ? issue.message : 'is not valid' };
}

/** Issues whose messages are written in the schemas; Zod's own can repeat the input. */
const OURS: ReadonlySet<string> = new Set(['custom', 'invalid_format', 'too_small', 'too_big']);
