/** Why the embedded database did not open. */
export type EmbeddedDatabaseErrorCode =
  'embedded_database_in_production' | 'embedded_database_in_use' | 'embedded_database_failed';

/** Thrown by the embedded database when it cannot be opened. Its message is for the person at the terminal: what happened and what to do. */
export class EmbeddedDatabaseError extends Error {
  override readonly name = 'EmbeddedDatabaseError';

  constructor(
    readonly code: EmbeddedDatabaseErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
