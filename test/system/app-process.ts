import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { freePort, until } from './address.js';
import { compiled, SHORT_LIVED } from './compiled.js';

export type AppName = 'auth-server' | 'orders' | 'notifications';
/** An example app, or the one of the tests about the outbox. */
type ProcessName = AppName | 'outbox-app';
export type Environment = Record<string, string>;

/** How a process ended, and what it said. */
export interface Ending {
  code: number | null;
  signal: NodeJS.Signals | null;
  output: string;
  tookMs: number;
}

const ROOT = join(import.meta.dirname, '../..');
// Ten auth servers may share two slow cores.
const READY_WITHIN_MS = 90_000;
const running = new Set<AppProcess>();

/**
 * An app of this repository as a process of its own, compiled from the present sources. Its environment is only what is given here.
 */
export class AppProcess {
  private readonly startedAt = Date.now();
  private readonly child: ChildProcess;
  private readonly ended: Promise<Ending>;
  private said = '';

  private constructor(
    readonly name: ProcessName,
    readonly port: number,
    env: Environment,
  ) {
    // The one that is no example lies with the tests.
    const main =
      name === 'outbox-app' ? 'test/system/outbox-app.fixture.ts' : join('apps', name, 'src/main.ts');
    this.child = spawn(process.execPath, [...SHORT_LIVED, compiled(main)], {
      cwd: ROOT,
      env: { PATH: process.env.PATH, HOME: process.env.HOME, NO_COLOR: '1', PORT: String(port), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.on('data', (chunk: Buffer) => (this.said += chunk.toString()));
    }
    running.add(this);
    this.ended = once(this.child, 'close').then(([code, signal]) => {
      running.delete(this);
      const tookMs = Date.now() - this.startedAt;
      return {
        code: code as number | null,
        signal: signal as NodeJS.Signals | null,
        output: this.said,
        tookMs,
      };
    });
  }

  /** Starts an app and waits until it answers. `port`: to come back at an address that others know. */
  static async start(name: ProcessName, env: Environment, port?: number): Promise<AppProcess> {
    const app = new AppProcess(name, port ?? (await freePort()), env);
    await until(`${name} answers`, READY_WITHIN_MS, async () => {
      if (!app.alive) throw new Error(`${name} ended before it answered:\n${app.output}`);
      const answer = await fetch(`${app.url}/health/live`).catch(() => undefined);
      return answer?.ok || undefined;
    });
    return app;
  }

  /** Runs an app that is expected to end by itself. */
  static async runToEnd(name: AppName, env: Environment): Promise<Ending> {
    const app = new AppProcess(name, await freePort(), env);
    const timer = setTimeout(() => void app.kill(), 60_000);
    return app.ended.finally(() => clearTimeout(timer));
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Of the process, undefined once it could not be started. */
  get pid(): number | undefined {
    return this.child.pid;
  }

  get alive(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  get output(): string {
    return this.said;
  }

  /** Asks the app to end. */
  async stop(): Promise<Ending & { stoppedWithinMs: number }> {
    const askedAt = Date.now();
    this.child.kill('SIGTERM');
    const ending = await this.ended;
    return { ...ending, stoppedWithinMs: Date.now() - askedAt };
  }

  /** Ends the app as a power cut would. */
  async kill(): Promise<Ending> {
    this.child.kill('SIGKILL');
    return this.ended;
  }
}

/** For `afterAll`: whatever a failed test left running. */
export async function killAll(): Promise<void> {
  await Promise.all([...running].map((app) => app.kill()));
}
