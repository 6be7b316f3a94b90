import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { z } from 'zod';
import { authError } from '../errors/catalog.js';
import { describeIssue } from './json-body.decorator.js';

// Wrapped for the same reason as the body's schema.
const ParsedQuery = createParamDecorator(
  ({ querySchema }: { querySchema: z.ZodType }, context: ExecutionContext) =>
    parseQuery(querySchema, context.switchToHttp().getRequest<{ query?: unknown }>().query),
);

/**
 * The query string, checked against a schema of texts. What is unknown or stands twice is refused: a filter that is misspelt must not
 * be one that is left out.
 * @throws AuthFortError `validation_error` with the fields
 */
export const QueryParams = (schema: z.ZodObject): ParameterDecorator =>
  ParsedQuery({ querySchema: schema.strict() });

function parseQuery(schema: z.ZodType, query: unknown): unknown {
  // Express and Fastify make objects of different kinds here.
  const result = schema.safeParse({ ...(query as object | undefined) });
  if (!result.success)
    throw authError('validation_error', { details: result.error.issues.map(describeIssue) });
  return result.data;
}

/** A number of rows in a query string: 1 to `most`. */
export const limit = (most: number, fallback: number) =>
  z
    .string()
    .regex(/^\d{1,4}$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.number().min(1, 'must be at least 1').max(most, `must be at most ${most}`))
    .default(fallback);

/** `true` or `false` in a query string; may be left out. */
export const flag = () =>
  z
    .enum(['true', 'false'], 'must be true or false')
    .transform((value) => value === 'true')
    .optional();
