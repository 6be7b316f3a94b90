import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, until } from './address.js';

const PROGRAM = '/usr/sbin/haproxy';
const CONFIG = join(import.meta.dirname, '../../deploy/haproxy.cfg');

/** HAProxy as docker-compose.scale.yml runs it, with other addresses. */
export class Haproxy {
  private constructor(
    private readonly child: ChildProcess,
    private readonly folder: string,
    readonly publicUrl: string,
    readonly internalUrl: string,
  ) {}

  static get installed(): boolean {
    return existsSync(PROGRAM);
  }

  /** @param origins of auth1, auth2 and auth3 */
  static async start(origins: readonly string[]): Promise<Haproxy> {
    const folder = mkdtempSync(join(tmpdir(), 'authfort-haproxy-'));
    const [outside, inside] = [await freePort(), await freePort()];
    const config = readFileSync(CONFIG, 'utf8')
      .replace('bind :8000', `bind 127.0.0.1:${outside}`)
      .replace('bind :8080', `bind 127.0.0.1:${inside}`)
      .replaceAll(/ auth(\d):8000/g, (_, number: string) => ` ${new URL(origins[Number(number) - 1]!).host}`);
    const file = join(folder, 'haproxy.cfg');
    writeFileSync(file, config);
    const child = spawn(PROGRAM, ['-f', file], { stdio: 'ignore' });
    const urls = [outside, inside].map((port) => `http://127.0.0.1:${port}`) as [string, string];
    const proxy = new Haproxy(child, folder, ...urls);
    await until('HAProxy answers', 10_000, async () => {
      const answer = await fetch(`${urls[0]}/health/ready`).catch(() => undefined);
      return answer?.ok || undefined;
    });
    return proxy;
  }

  async close(): Promise<void> {
    const ended = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await ended;
    rmSync(this.folder, { recursive: true, force: true });
  }
}
