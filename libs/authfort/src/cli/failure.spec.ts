import { describe, expect, it } from '@jest/globals';
import { describeFailure } from './failure.js';

describe('describeFailure', () => {
  it('is one line, whatever the error holds', () => {
    expect(describeFailure(new Error('first\n  second\r\nthird'))).toBe('first second third');
    expect(describeFailure('thrown as it is')).toBe('thrown as it is');
  });

  it('blots out passwords of URLs in the message', () => {
    expect(describeFailure(new Error('cannot reach postgres://ada:s3cret@db:5432/app now'))).toBe(
      'cannot reach postgres://ada:***@db:5432/app now',
    );
  });

  it('speaks for the first of several addresses that were tried', () => {
    const refused = Object.assign(new Error('connect ECONNREFUSED ::1:5432'), { code: 'ECONNREFUSED' });
    expect(describeFailure(new AggregateError([refused]))).toContain('is PostgreSQL running');
  });
});
