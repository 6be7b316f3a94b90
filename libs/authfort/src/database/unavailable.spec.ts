import { describe, expect, it } from '@jest/globals';
import { orUnavailable } from './unavailable.js';

const failure = (code?: string, message = 'failed') => Object.assign(new Error(message), { code });

describe('orUnavailable', () => {
  it.each([
    failure('08006'),
    failure('53300'),
    failure('57P01'),
    failure('57014'),
    failure('25P03'),
    failure('55P03'),
    failure('40P01'),
    failure('40001'),
    failure('ECONNREFUSED'),
    failure(undefined, 'timeout exceeded when trying to connect'),
    failure(undefined, 'Query read timeout'),
  ])('makes a 503 of $code $message', (error) =>
    expect(orUnavailable(error)).toMatchObject({ code: 'unavailable', retryAfterSeconds: 2, cause: error }),
  );
  it.each([failure('23505'), failure('22P02'), failure('42P01'), new Error('no code'), 'no error'])(
    'leaves %s as it is',
    (error) => expect(orUnavailable(error)).toBe(error),
  );
});
