/** What the bench asks of a server process. */
export interface BenchCall {
  readonly call: number;
  readonly name: string;
  readonly argument?: unknown;
}

/** Its answer. */
export interface BenchReply {
  readonly call: number;
  readonly result?: unknown;
  readonly error?: string;
}

/** A server that runs as a `PinnedProcess`. */
export interface ServedBench {
  readonly url: string;
  /** For `PinnedProcess.call`. */
  readonly commands?: Readonly<Record<string, (argument: never) => unknown>>;
  close(): Promise<unknown>;
}

/** Tells the bench where the server listens, and answers its calls; it ends with the bench. */
export function serveBench({ url, commands = {}, close }: ServedBench): void {
  const all: ServedBench['commands'] = { usage, ...commands };
  const stop = () => void Promise.resolve(close()).finally(() => process.exit(0));
  process.on('message', ({ call, name, argument }: BenchCall) => {
    if (name === 'stop') return stop();
    void answer(call, () => all[name]!(argument as never));
  });
  process.once('disconnect', stop);
  process.send!({ url });
}

async function answer(call: number, work: () => unknown): Promise<void> {
  const reply: BenchReply = await Promise.resolve()
    .then(work)
    .then(
      (result) => ({ call, result }),
      (error: unknown) => ({ call, error: String(error) }),
    );
  process.send?.(reply);
}

function usage(): { cpu: number; rss: number } {
  const { user, system } = process.cpuUsage();
  return { cpu: user + system, rss: process.memoryUsage.rss() };
}
