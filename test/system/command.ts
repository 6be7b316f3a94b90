import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Environment } from './app-process.js';
import { compiled, SHORT_LIVED } from './compiled.js';

/**
 * Runs the `authfort` command as an operator would, from a shell, but compiled already.
 * @param line its arguments, separated by spaces
 */
export async function authfort(line: string, env: Environment): Promise<void> {
  const main = compiled('libs/authfort/src/cli/main.ts');
  await promisify(execFile)(process.execPath, [...SHORT_LIVED, main, ...line.split(' ')], {
    env: { PATH: process.env.PATH, ...env },
  });
}
