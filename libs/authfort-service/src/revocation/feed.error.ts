import { isNativeError } from 'node:util/types';

/**
 * - `away`: nobody answers, or the connection was cut.
 * - `refused`: the auth server does not give the feed to us; asking in another way does not help.
 * - `unusable`: an answer came, and it is not the feed. Something between may be in the way.
 * - `silent`: nothing came for too long.
 * - `nonsense`: what came is not understood, so it is not known what was revoked.
 */
export type FeedErrorKind = 'away' | 'refused' | 'unusable' | 'silent' | 'nonsense';

/** Why the feed could not be read. The message repeats nothing of the answer. */
export class FeedError extends Error {
  constructor(
    readonly kind: FeedErrorKind,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'FeedError';
  }
}

/** Errors of the network become `away`. */
export function toFeedError(error: unknown): FeedError {
  if (error instanceof FeedError) return error;
  // Not `instanceof`: those of fetch may be of another realm.
  if (!isNativeError(error)) return new FeedError('away', 'unknown reason');
  const { message, cause } = error;
  return new FeedError('away', isNativeError(cause) ? `${message}: ${cause.message}` : message, {
    cause: error,
  });
}
