import { hash } from 'node:crypto';
import type { AbstractHttpAdapter } from '@nestjs/core';

/** A public JSON document that caches may keep. */
export interface CachedDocument {
  readonly body: string;
  /** A strong entity tag, quotes included. */
  readonly etag: string;
  readonly maxAgeSeconds: number;
}

/** Makes the entity tag of a document. */
export function etagOf(body: string): string {
  return `"${hash('sha256', body, 'base64url')}"`;
}

/** Responds with the document, or with 304 when the client has this version (RFC 9110 §13.1.2, §15.4.5). */
export function sendDocument(
  adapter: AbstractHttpAdapter,
  response: unknown,
  { body, etag, maxAgeSeconds }: CachedDocument,
  ifNoneMatch: string | undefined,
): void {
  adapter.setHeader(response, 'Cache-Control', `public, max-age=${maxAgeSeconds}`);
  adapter.setHeader(response, 'ETag', etag);
  if (ifNoneMatch !== undefined && matches(ifNoneMatch, etag)) {
    adapter.reply(response, undefined, 304);
    return;
  }
  adapter.setHeader(response, 'Content-Type', 'application/json; charset=utf-8');
  adapter.reply(response, body, 200);
}

/** RFC 9110 §13.1.2: weak comparison, a list, or *. */
function matches(ifNoneMatch: string, etag: string): boolean {
  const known = ifNoneMatch.split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return known.includes(etag) || known.includes('*');
}
