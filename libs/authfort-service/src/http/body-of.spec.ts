import { describe, expect, it } from '@jest/globals';
import { textOf } from './body-of.js';

describe('textOf', () => {
  it('reads a body up to its bound, and gives up beyond it', async () => {
    const { signal } = new AbortController();
    expect(await textOf(new Response('x'.repeat(50)), signal, 50)).toHaveLength(50);
    await expect(textOf(new Response('x'.repeat(51)), signal, 50)).rejects.toThrow('too large');
  });
});
