/**
 * The only part of the environment that the library reads by itself: what must be right even when
 * `AuthFortModule.forRoot()` is called with no argument.
 */
export function readLibraryEnvironment(): { production: boolean; keyEncryptionSecret: string | undefined } {
  return {
    production: process.env.NODE_ENV === 'production',
    keyEncryptionSecret: process.env.KEY_ENCRYPTION_SECRET || undefined,
  };
}
