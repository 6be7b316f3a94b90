export {
  createTestIssuer,
  TEST_INTROSPECT_SECRET,
  TestIssuer,
  type TestIssuerHandler,
  type TestIssuerOptions,
} from './test-issuer.js';
export type { TestRevocation } from './test-revocation-feed.js';
