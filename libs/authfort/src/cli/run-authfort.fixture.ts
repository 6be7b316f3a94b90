import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** What a run of the command left behind. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command as its users do, in `folder`, with no other environment than `environment`. */
export function runAuthfort(
  folder: string,
  args: string[],
  environment: NodeJS.ProcessEnv = {},
  stdin = '',
): Promise<Outcome> {
  const bin = fileURLToPath(new URL('../../../../bin/authfort.mjs', import.meta.url));
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [bin, ...args],
      { cwd: folder, env: { PATH: process.env.PATH, ...environment } },
      (error, stdout, stderr) => resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    );
    child.stdin?.end(stdin);
  });
}
