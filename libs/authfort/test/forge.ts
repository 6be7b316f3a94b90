import { constants, createHmac, createSign, type KeyObject, sign } from 'node:crypto';
import { claimsOf, headerOf, type TestServer } from './harness.js';
import { KeyRing } from '../src/keys/key-ring.js';

/** What differs from a token that the server issued; `undefined` takes a member out. */
export interface Forgery {
  header?: Record<string, unknown>;
  claims?: Record<string, unknown>;
  /** Default: the server's own key, so that only the change can be what is refused. */
  key?: KeyObject;
}

/** Changes a real token and signs it again. */
export function forge(server: TestServer, token: string, { header = {}, claims = {}, key }: Forgery): string {
  const input = signingInput({ ...headerOf(token), ...header }, { ...claimsOf(token), ...claims });
  const privateKey = key ?? server.app.get(KeyRing).signingKey().privateKey;
  // RFC 7518 §3.4: the form of ES256. RS256 has one form only.
  const signature = sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' });
  return `${input}.${signature.toString('base64url')}`;
}

/** A token with `alg: none` and any signature. */
export function unsigned(token: string, signature = ''): string {
  return `${signingInput({ ...headerOf(token), alg: 'none' }, claimsOf(token))}.${signature}`;
}

/** A token whose HMAC key is a public text. */
export function hmacSigned(token: string, secret: string | Buffer): string {
  const input = signingInput({ ...headerOf(token), alg: 'HS256' }, claimsOf(token));
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
}

/** RSASSA-PSS with the right key: another algorithm than the key is for. */
export function pssSigned(server: TestServer, token: string): string {
  const input = signingInput({ ...headerOf(token), alg: 'PS256' }, claimsOf(token));
  const key = server.app.get(KeyRing).signingKey().privateKey;
  const signature = createSign('sha256')
    .update(input)
    .sign({ key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 });
  return `${input}.${signature.toString('base64url')}`;
}

function signingInput(header: object, claims: object): string {
  return [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
}
