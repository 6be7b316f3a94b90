export { createAuthClient } from './client.js';
export { AuthClientError, type AuthClientErrorCode } from './errors/auth-client.error.js';
export { memoryStorage, webStorage } from './storage/token-storage.js';
export type {
  AuthClient,
  AuthClientConfig,
  AuthSnapshot,
  AuthState,
  AuthUser,
  MfaChallenge,
  ProviderOptions,
  RequestOptions,
  SignInResult,
  SignUpData,
  TokenStorage,
} from './types.js';
