import { AuthFortError } from '../errors/auth-fort.error.js';

/**
 * An {@link AuthFortError} that a GraphQL server answers with `extensions: {code, statusCode}`. graphql-js copies
 * `extensions` from the error of a resolver. Apollo's driver for Nest would replace the code of an `HttpException`.
 */
export class GraphqlRefusal extends AuthFortError {
  readonly extensions: { readonly code: string; readonly statusCode: number };

  constructor(error: AuthFortError) {
    const { code, statusCode, message, authenticate, details, retryAfterSeconds } = error;
    super(
      code,
      { status: statusCode, message, authenticate },
      { details, retryAfterSeconds, cause: error.cause },
    );
    this.extensions = { code, statusCode, ...(details && { details }) };
    Object.defineProperty(this, 'status', { value: undefined, enumerable: false });
  }

  override getStatus(): number {
    return this.statusCode;
  }
}
