import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { BenchCall, BenchReply } from './bench-server.js';

/** What a process has used up to now. */
export interface Usage {
  /** User and system time of all its threads, in microseconds. */
  readonly cpu: number;
  /** Resident memory, in bytes. */
  readonly rss: number;
}

/** How to start a server. */
export interface PinnedOptions {
  /** Core to run on; default 1. It is ignored where there is no `taskset`, or only one core. */
  readonly core?: number;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** More options of Node, for example `--cpu-prof`. */
  readonly nodeOptions?: readonly string[];
}

/** The core that the bench itself should run on, while the servers have the others. */
export const BENCH_CORE = 0;

const LOADER = ['--import', '@swc-node/register/esm-register', '--disable-warning=ExperimentalWarning'];
const PROJECT = fileURLToPath(new URL('../../tsconfig.json', import.meta.url));

/** Asked before `pinSelf` leaves this process a single core. */
const PINNABLE = availableParallelism() > 1 && spawnSync('taskset', ['--version']).status === 0;

/** A server in a process of its own, on a core of its own. Its script calls `serveBench`. */
export class PinnedProcess {
  private calls = 0;
  private readonly waiting = new Map<number, (reply: BenchReply) => void>();
  private exited = false;

  private constructor(
    private readonly child: ChildProcess,
    /** Base URL of the server. */
    readonly url: string,
  ) {
    child.on('message', (reply: BenchReply) => {
      this.waiting.get(reply.call)?.(reply);
      this.waiting.delete(reply.call);
    });
    child.once('exit', () => {
      this.exited = true;
      for (const answer of this.waiting.values()) answer({ call: 0, error: 'the server process has ended' });
    });
  }

  /**
   * @param script URL of a TypeScript file: `new URL('./x.server.ts', import.meta.url)`
   * @throws Error when it ends before it listens
   */
  static async start(script: URL, options: PinnedOptions = {}): Promise<PinnedProcess> {
    const { core = 1, args = [], env, nodeOptions = [] } = options;
    const command = [process.execPath, ...LOADER, ...nodeOptions, fileURLToPath(script), ...args];
    const [file, ...rest] = PINNABLE ? ['taskset', '-c', String(core), ...command] : command;
    const child = spawn(file!, rest, {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      env: { ...process.env, NODE_ENV: 'production', SWC_NODE_PROJECT: PROJECT, ...env },
    });
    const url = await new Promise<string>((resolve, reject) => {
      child.once('message', (hello: { url: string }) => resolve(hello.url)).once('error', reject);
      child.once('exit', (code) => reject(new Error(`${fileURLToPath(script)} ended with ${code}`)));
    });
    return new PinnedProcess(child, url);
  }

  /** Process id. */
  get pid(): number {
    return this.child.pid!;
  }

  usage(): Promise<Usage> {
    return this.call('usage') as Promise<Usage>;
  }

  /** Runs one of the commands that the script gave to `serveBench`. @throws Error with the message of what it threw */
  call(name: string, argument?: unknown): Promise<unknown> {
    this.calls += 1;
    const message: BenchCall = { call: this.calls, name, argument };
    return new Promise((resolve, reject) => {
      if (this.exited) return reject(new Error('the server process has ended'));
      this.waiting.set(message.call, ({ error, result }) =>
        error === undefined ? resolve(result) : reject(new Error(error)),
      );
      this.child.send(message);
    });
  }

  /** Lets the server close, and waits for the end of the process. */
  async stop(): Promise<void> {
    if (this.exited) return;
    const ended = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.send({ call: 0, name: 'stop' } satisfies BenchCall);
    await ended;
  }
}

/** Keeps this process, the load generator, off the servers' cores. @returns whether that could be done */
export function pinSelf(core = BENCH_CORE): boolean {
  if (!PINNABLE) return false;
  execFileSync('taskset', ['-acp', String(core), String(process.pid)], { stdio: 'ignore' });
  return true;
}
