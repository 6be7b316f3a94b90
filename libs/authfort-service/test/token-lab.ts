import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import {
  AccessTokenVerifier,
  type AuthUser,
  Clock,
  type RevocationRefusal,
  TokenRevocations,
} from 'authfort-service';
import { parseJwks } from '../src/token/jwks-fetch.js';
import { JwksKeySource } from '../src/token/jwks.key-source.js';

export const START = 1_767_225_600;
export const TTL = 300;
export const COOLDOWN = 5;
export const TOLERANCE = 5;

/** A clock that stands still until a test moves it. It tells only `now`, as clocks of apps do. */
export class StillClock extends Clock {
  seconds = START;

  override now(): Date {
    return new Date(this.seconds * 1000);
  }
}

/** A list of what was revoked, kept by hand. */
export class HandMadeRevocations extends TokenRevocations {
  override epoch = 0;
  readonly sessions = new Set<string>();
  readonly kids = new Set<string>();
  /** The lowest version that still holds, by user. */
  readonly versions = new Map<string, number>();

  revoke(what: { session?: string; kid?: string; version?: [sub: string, lowest: number] }): void {
    if (what.session !== undefined) this.sessions.add(what.session);
    if (what.kid !== undefined) this.kids.add(what.kid);
    if (what.version) this.versions.set(...what.version);
    this.epoch += 1;
  }

  override refusalOf({ sub, sessionId, tokenVersion }: AuthUser, kid: string): RevocationRefusal | undefined {
    if (this.kids.has(kid)) return 'token_invalid';
    if (tokenVersion < (this.versions.get(sub) ?? 0)) return 'token_version_mismatch';
    return sessionId !== null && this.sessions.has(sessionId) ? 'session_revoked' : undefined;
  }
}

interface LabKey {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

/** The claims that the lab's tests look at. */
export interface LabClaims {
  readonly sub: string;
  readonly sid: string;
  readonly ver: number;
  readonly iat: number;
  readonly exp: number;
  readonly nbf?: number;
}

/** An issuer without a network: its JWKS is read from memory, and parsed anew each time, as from the network. */
export class TokenLab {
  readonly clock = new StillClock();
  readonly revocations = new HandMadeRevocations();
  readonly published = new Map<string, LabKey>();
  away = false;
  private made = 0;

  constructor() {
    this.publish();
  }

  /** Publishes another key. @returns its kid */
  publish(kid = `key-${(this.made += 1)}`): string {
    this.published.set(kid, generateKeyPairSync('ec', { namedCurve: 'P-256' }));
    return kid;
  }

  sign(claims: Partial<LabClaims> = {}, kid = [...this.published.keys()].at(-1)!): string {
    const now = this.clock.seconds;
    const usual = {
      iss: 'lab',
      sub: 'user',
      sid: 'session',
      ver: 1,
      roles: ['member'],
      iat: now,
      exp: now + 900,
    };
    const input = [
      { alg: 'ES256', kid, typ: 'at+jwt' },
      { ...usual, ...claims },
    ]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.');
    const key = this.published.get(kid)!.privateKey;
    const signature = sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' });
    return `${input}.${signature.toString('base64url')}`;
  }

  /** A verifier with keys of its own. */
  verifier(cacheSize?: number): { verifier: AccessTokenVerifier; fetches: () => number } {
    let fetches = 0;
    const fetchKeys = async () => {
      fetches += 1;
      if (this.away) throw new Error('away');
      return parseJwks(
        [...this.published].map(([kid, { publicKey }]) => ({ ...publicKey.export({ format: 'jwk' }), kid })),
      );
    };
    const limits = { cacheTtlSeconds: TTL, maxStaleSeconds: 86_400, cooldownSeconds: COOLDOWN };
    const { clock, revocations } = this;
    const verifier = new AccessTokenVerifier({
      keySource: new JwksKeySource(fetchKeys, limits, clock),
      issuer: 'lab',
      clockToleranceSeconds: TOLERANCE,
      clock,
      revocations,
      cacheSize,
    });
    return { verifier, fetches: () => fetches };
  }
}

/** What came of a verification: `good`, or the code of the error. */
export async function outcome(verifier: AccessTokenVerifier, token: string): Promise<string> {
  try {
    await verifier.verify(token);
    return 'good';
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}

/** Lets what was begun in the background, without a network, come to its end. */
export const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
