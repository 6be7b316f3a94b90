import { AsyncResource } from 'node:async_hooks';

interface Asked<Key, Value> {
  readonly key: Key;
  readonly resolve: (value: Value | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/** Far more than one turn of the event loop brings in; it bounds what one statement may be asked for. */
const MOST = 100;

/**
 * Asks for everything that comes in one turn of the event loop with one statement. Each answer is of a moment after its question, as if
 * it had been asked for alone; a busy server asks the database less often, and an idle one no later.
 */
export class Batch<Key, Value> {
  private asked: Asked<Key, Value>[] = [];
  /** It is asked in nobody's name: neither in the transaction nor as the actor of whoever happened to come first. */
  private readonly context = new AsyncResource('AuthFortBatch');

  /** @param load gives one value a key, in their order; undefined where there is none */
  constructor(private readonly load: (keys: readonly Key[]) => Promise<readonly (Value | undefined)[]>) {}

  /** @throws whatever `load` throws, to all who had come by then */
  find(key: Key): Promise<Value | undefined> {
    return new Promise((resolve, reject) => {
      this.asked.push({ key, resolve, reject });
      if (this.asked.length === 1) setImmediate(() => this.context.runInAsyncScope(() => void this.flush()));
      else if (this.asked.length === MOST) void this.context.runInAsyncScope(() => this.flush());
    });
  }

  private async flush(): Promise<void> {
    const asked = this.asked;
    this.asked = [];
    if (asked.length === 0) return;
    try {
      const values = await this.load(asked.map(({ key }) => key));
      asked.forEach(({ resolve }, index) => resolve(values[index]));
    } catch (error) {
      for (const { reject } of asked) reject(error);
    }
  }
}
