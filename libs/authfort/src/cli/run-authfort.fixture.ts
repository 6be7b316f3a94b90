import { jest } from '@jest/globals';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { compiled, SHORT_LIVED } from '../../../../test/system/compiled.js';
import { describeFailure } from './failure.js';
import { createProgram } from './program.js';

/** What a run of the command left behind. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command as a process, in `folder`, with no other environment than `environment`. */
export function runAuthfort(
  folder: string,
  args: string[],
  environment: NodeJS.ProcessEnv = {},
  stdin = '',
): Promise<Outcome> {
  return runProcess(compiled('libs/authfort/src/cli/main.ts'), folder, args, environment, stdin);
}

/** Runs `npx authfort` of this repository, which compiles itself first. That takes some seconds. */
export function runFromSource(folder: string, args: string[]): Promise<Outcome> {
  return runProcess(fileURLToPath(new URL('../../../../bin/authfort.mjs', import.meta.url)), folder, args);
}

function runProcess(
  file: string,
  folder: string,
  args: string[],
  environment: NodeJS.ProcessEnv = {},
  stdin = '',
): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [...SHORT_LIVED, file, ...args],
      { cwd: folder, env: { PATH: process.env.PATH, ...environment } },
      (error, stdout, stderr) => resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    );
    child.stdin?.end(stdin);
  });
}

/** The same command in this process, which is quicker. A command line that is refused ends the process: run that one as above. */
export async function callAuthfort(
  folder: string,
  args: string[],
  environment: NodeJS.ProcessEnv = {},
  stdin = '',
): Promise<Outcome> {
  const { env, stdin: realStdin } = process;
  const said = { stdout: '', stderr: '' };
  const log = jest.spyOn(console, 'log').mockImplementation((line) => void (said.stdout += `${line}\n`));
  const write = jest
    .spyOn(process.stderr, 'write')
    .mockImplementation((text) => (said.stderr += String(text)) !== '');
  process.env = { PATH: env.PATH, AUTHFORT_DATA_DIR: join(folder, '.data'), ...environment };
  Object.defineProperty(process, 'stdin', { value: Readable.from([stdin]), configurable: true });
  try {
    await createProgram().parseAsync(['node', 'authfort', ...args]);
    return { code: 0, ...said };
  } catch (error) {
    return { code: 1, stdout: said.stdout, stderr: `${said.stderr}authfort: ${describeFailure(error)}\n` };
  } finally {
    process.env = env;
    Object.defineProperty(process, 'stdin', { value: realStdin, configurable: true });
    log.mockRestore();
    write.mockRestore();
  }
}
