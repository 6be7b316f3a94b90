/** What is neither development nor a test is production: `prod` or `staging` must not switch the checks off. */
export function isProduction(environment = process.env.NODE_ENV): boolean {
  return !['', 'development', 'test'].includes(environment ?? '');
}

/** How many threads libuv's pool has: 4, or UV_THREADPOOL_SIZE from 1 to 1024 (https://docs.libuv.org/en/v1.x/threadpool.html). */
export function threadPoolSize(setting = process.env.UV_THREADPOOL_SIZE): number {
  if (setting === undefined) return 4;
  // libuv reads the digits in front; what is no number counts as one thread.
  return Math.min(Math.max(parseInt(setting, 10) || 1, 1), 1024);
}

/** See {@link readLibraryEnvironment}. */
export interface LibraryEnvironment {
  readonly production: boolean;
  readonly keyEncryptionSecret: string | undefined;
  /** Size of the thread pool that hashing shares with files and DNS; default 4. */
  readonly threads?: number;
}

/**
 * The only part of the environment that the library reads by itself: what must be right even when
 * `AuthFortModule.forRoot()` is called with no argument.
 */
export function readLibraryEnvironment(): LibraryEnvironment {
  return {
    production: isProduction(),
    keyEncryptionSecret: process.env.KEY_ENCRYPTION_SECRET || undefined,
    threads: threadPoolSize(),
  };
}
