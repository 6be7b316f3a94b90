import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { freePort, until } from './address.js';

const INSTALLED = '/usr/lib/postgresql';
/** How a server is stopped: `fast` as an operator does, `immediate` as a crash. */
export type StopMode = 'fast' | 'immediate';
const SIGNAL = { fast: 'SIGINT', immediate: 'SIGQUIT' } as const;

/** A PostgreSQL server of one suite's own, to be stopped, hung and filled up. Its files are synced, so that a crash shows what is lost. */
export class PrivatePostgres {
  private child: ChildProcess | undefined;

  private constructor(
    private readonly folder: string,
    private readonly port: number,
    private readonly settings: readonly string[],
  ) {}

  /** Whether there are the programs to run one. */
  static get available(): boolean {
    return (
      process.platform === 'linux' && binaries() !== undefined && (!isRoot() || postgresUser() !== undefined)
    );
  }

  /** @param settings of `postgresql.conf`, such as `max_connections=20` */
  static async start(...settings: string[]): Promise<PrivatePostgres> {
    const folder = mkdtempSync(join(tmpdir(), 'authfort-postgres-'));
    const user = isRoot() ? postgresUser() : undefined;
    if (user) chownSync(folder, user.uid, user.gid);
    execFileSync(
      join(binaries()!, 'initdb'),
      [
        '-D',
        join(folder, 'data'),
        '-U',
        'postgres',
        '--auth=trust',
        '--no-sync',
        '--encoding=UTF8',
        '--locale=C',
      ],
      { stdio: 'ignore', cwd: folder, ...user },
    );
    const server = new PrivatePostgres(folder, await freePort(), settings);
    await server.start();
    return server;
  }

  get url(): string {
    return `postgres://postgres@127.0.0.1:${this.port}/postgres`;
  }

  async start(): Promise<void> {
    const settings = [
      `port=${this.port}`,
      'listen_addresses=127.0.0.1',
      `unix_socket_directories=${this.folder}`,
      'shared_buffers=32MB',
      ...this.settings,
    ];
    this.child = spawn(
      join(binaries()!, 'postgres'),
      ['-D', join(this.folder, 'data'), ...settings.flatMap((setting) => ['-c', setting])],
      { stdio: 'ignore', cwd: this.folder, ...(isRoot() && postgresUser()) },
    );
    await until('the private PostgreSQL answers', 30_000, () => this.answers());
  }

  async stop(mode: StopMode): Promise<void> {
    const { child } = this;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(SIGNAL[mode]);
    await ended;
  }

  /** Every process of the server stands still, as on a frozen machine: connections stay open, and nothing answers. */
  hang(): void {
    this.signalAll('SIGSTOP');
  }

  resume(): void {
    this.signalAll('SIGCONT');
  }

  /** A connection of its own, outside of every pool. */
  async connect(): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: this.url });
    client.on('error', () => undefined);
    await client.connect();
    return client;
  }

  async close(): Promise<void> {
    this.resume();
    await this.stop('immediate');
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async answers(): Promise<true | undefined> {
    try {
      await (await this.connect()).end();
      return true;
    } catch {
      return undefined;
    }
  }

  private signalAll(signal: 'SIGSTOP' | 'SIGCONT'): void {
    const { pid } = this.child ?? {};
    if (pid === undefined || this.child?.exitCode !== null || this.child.signalCode !== null) return;
    // The postmaster first: it makes no new ones then. Each of the others is a process group of its own.
    process.kill(pid, signal);
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean);
    for (const child of children) {
      try {
        process.kill(Number(child), signal);
      } catch {
        // It has ended meanwhile.
      }
    }
  }
}

/** The folder of the newest version that is installed. */
function binaries(): string | undefined {
  if (!existsSync(INSTALLED)) return undefined;
  return readdirSync(INSTALLED)
    .sort((a, b) => Number(b) - Number(a))
    .map((version) => join(INSTALLED, version, 'bin'))
    .find((folder) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')));
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/** PostgreSQL does not run as root. */
function postgresUser(): { uid: number; gid: number } | undefined {
  const [, uid, gid] = /^postgres:[^:]*:(\d+):(\d+):/m.exec(readFileSync('/etc/passwd', 'utf8')) ?? [];
  return uid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) };
}
