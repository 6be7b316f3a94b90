export {
  createTestIssuer,
  TEST_INTROSPECT_SECRET,
  TestIssuer,
  type TestIssuerHandler,
} from './test-issuer.js';
export type { TestRevocation } from './test-revocation-feed.js';
