import { execFileSync } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { basename } from 'node:path';

/** Names one run of one process, so that a later process with the same number is not taken for it. */
export interface ProcessIdentity {
  readonly pid: number;
  /** When the process began, as the operating system says it; empty where it cannot be asked (Windows). */
  readonly startedAt: string;
  readonly host: string;
  /** The boot of the machine (Linux), else empty. */
  readonly boot: string;
  /** The pid namespace (Linux): a container sees other numbers than its host. Else empty. */
  readonly pidNamespace: string;
  /** The script's file name. Never the arguments: they may hold a database URL. */
  readonly script: string;
}

/** `unknown` is a process on another machine or in another container, which cannot be seen from here. */
export type Liveness = 'alive' | 'dead' | 'unknown';

export function identifyThisProcess(): ProcessIdentity {
  return {
    pid: process.pid,
    startedAt: startOf(process.pid),
    host: hostname(),
    boot: firstLine(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')),
    pidNamespace: firstLine(() => readlinkSync('/proc/self/ns/pid')),
    script: basename(process.argv[1] ?? process.execPath),
  };
}

/** Whether the process that wrote `other` still runs, as far as `self` can see. */
export function livenessOf(other: ProcessIdentity, self: ProcessIdentity): Liveness {
  if (other.host !== self.host) return 'unknown';
  if (other.boot !== self.boot) return 'dead';
  if (other.pidNamespace !== self.pidNamespace) return 'unknown';
  // A zombie holds nothing any more: it waits for a parent that, in a container without an init, may never ask.
  if (!exists(other.pid) || statOf(other.pid)[0] === 'Z') return 'dead';
  const start = startOf(other.pid);
  // Without a start time on both sides the number alone decides: refusing is the mistake that loses no data.
  return start === '' || other.startedAt === '' || start === other.startedAt ? 'alive' : 'dead';
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function startOf(pid: number): string {
  if (process.platform === 'linux') return statOf(pid)[19] ?? '';
  if (process.platform === 'win32') return '';
  const environment = { PATH: '/bin:/usr/bin', LC_ALL: 'C', TZ: 'UTC' };
  return firstLine(() =>
    execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { env: environment, encoding: 'utf8' }),
  );
}

/** The fields of `/proc/<pid>/stat` from the third (the state) on; the 22nd is the start time (proc(5)). Empty elsewhere. */
function statOf(pid: number): string[] {
  const stat = firstLine(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  // Field 2, the name in brackets, may itself hold spaces and brackets.
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

function firstLine(read: () => string): string {
  try {
    return read().trim();
  } catch {
    return '';
  }
}
