/** What is neither development nor a test is production: `prod` or `staging` must not switch the checks off. */
export function isProduction(environment = process.env.NODE_ENV): boolean {
  return !['', 'development', 'test'].includes(environment ?? '');
}

/**
 * The only part of the environment that the library reads by itself: what must be right even when
 * `AuthFortModule.forRoot()` is called with no argument.
 */
export function readLibraryEnvironment(): { production: boolean; keyEncryptionSecret: string | undefined } {
  return {
    production: isProduction(),
    keyEncryptionSecret: process.env.KEY_ENCRYPTION_SECRET || undefined,
  };
}
