import { jest } from '@jest/globals';

/** What the client finds in a browser without Web Locks, as globals of this test file: all its clients are tabs of one origin. */
export function openPage(): { close(): void; show(): void; storage: Map<string, string> } {
  const storage = new Map<string, string>();
  const localStorage = {
    getItem: (key: string) => storage.get(key) ?? null,
    setItem: (key: string, value: string) => void storage.set(key, value),
    removeItem: (key: string) => void storage.delete(key),
  };
  const document = Object.assign(new EventTarget(), { visibilityState: 'visible' });
  const windowEvents = new EventTarget();
  const globals = {
    document,
    localStorage,
    addEventListener: windowEvents.addEventListener.bind(windowEvents),
    removeEventListener: windowEvents.removeEventListener.bind(windowEvents),
  };
  if (!('navigator' in globalThis)) Object.assign(globals, { navigator: {} });
  Object.assign(globalThis, globals);
  return {
    storage,
    show: () => document.dispatchEvent(new Event('visibilitychange')),
    close: () => {
      for (const name of Object.keys(globals)) delete (globalThis as Record<string, unknown>)[name];
    },
  };
}

/** Lets this device's clock run ahead, as after sleep. Undone by `jest.restoreAllMocks()`. */
export function sleepFor(seconds: number): void {
  const now = Date.now.bind(Date);
  jest.spyOn(Date, 'now').mockImplementation(() => now() + seconds * 1000);
}
