/** What is neither development nor a test is production: `prod` or `staging` must not switch the checks off. */
export function isProduction(environment = process.env.NODE_ENV): boolean {
  return !['', 'development', 'test'].includes(environment ?? '');
}

/** https://docs.libuv.org/en/v1.x/threadpool.html */
const LIBUV_THREADS = 4;

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
    threads: Number(process.env.UV_THREADPOOL_SIZE) || LIBUV_THREADS,
  };
}
