import { authError } from '../errors/catalog.js';

/**
 * SQLSTATEs of a server that cannot serve now: connection (08), resources (53), shutting down (57P), a statement or transaction that
 * took too long (57014, 25P03, 55P03), and conflicts that repetition did not resolve (40P01, 40001).
 */
const UNAVAILABLE = /^(08|53|57P|57014|25P03|55P03|40P01|40001)/;
const NETWORK = /^(ECONN|EPIPE|ENOTFOUND|EAI_|ETIMEDOUT|EHOST|ENET)/;
const WITHOUT_CODE =
  /connection terminated|timeout exceeded|timeout expired|connection timeout|query read timeout|client has encountered a connection error/i;

/** Turns an error that says "no database at the moment" into a 503 with `Retry-After`; every other error stays what it is. */
export function orUnavailable(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { code } = error as { code?: unknown };
  const text = typeof code === 'string' ? code : '';
  const away =
    UNAVAILABLE.test(text) || NETWORK.test(text) || (text === '' && WITHOUT_CODE.test(error.message));
  return away ? authError('unavailable', { retryAfterSeconds: 2, cause: error }) : error;
}
