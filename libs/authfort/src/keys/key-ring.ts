import { createHash, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { Inject, Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import { accessError, Clock, KeySource } from 'authfort-service';
import { ReplicaSignal } from '../database/replica-signal.js';
import { reasonOf } from '../errors/reason-of.js';
import { AUTHFORT_CONFIG, type AuthFortConfig } from '../options/auth-fort.config.js';
import type { SigningAlgorithm } from '../options/auth-fort.options.js';
import { generateSigningKey, publicMembers } from './generate-signing-key.js';
import { KeySealer } from './key-sealer.js';
import { signerAmong } from './signer.policy.js';
import {
  KEY_POLL_SECONDS,
  type NewSigningKey,
  SigningKeyRepository,
  type StoredSigningKey,
} from './signing-key.repository.js';

/** What it takes to sign a token. */
export interface SigningKey {
  readonly kid: string;
  readonly algorithm: SigningAlgorithm;
  readonly privateKey: KeyObject;
}

interface ParsedKey extends SigningKey {
  readonly publicKey: KeyObject;
  readonly trustedFrom: Date;
  readonly state: StoredSigningKey['state'];
}

/** The answer of `/.well-known/jwks.json`, ready to send. */
export interface JwksDocument {
  readonly body: string;
  readonly etag: string;
}

/** The signing keys in memory, parsed once each. It follows the database, by its notifications and every {@link KEY_POLL_SECONDS} seconds. */
@Injectable()
export class KeyRing extends KeySource implements OnModuleDestroy {
  private readonly logger = new Logger(KeyRing.name);
  private keys: readonly ParsedKey[] = [];
  private document: JwksDocument | undefined;
  private readonly unreadable = new Set<string>();
  private poll: NodeJS.Timeout | undefined;
  private reloading: Promise<void> | undefined;
  private lastReloadAt = 0;
  private changes = 0;

  constructor(
    private readonly repository: SigningKeyRepository,
    private readonly sealer: KeySealer,
    private readonly clock: Clock,
    private readonly signal: ReplicaSignal,
    @Inject(AUTHFORT_CONFIG) private readonly config: AuthFortConfig,
  ) {
    super();
  }

  /** Makes the first keys when there are none, loads them and follows the database from then on. */
  async start(): Promise<void> {
    if ((await this.repository.published(this.clock.now())).length === 0) {
      const [current, next] = await Promise.all([this.generate(), this.generate()]);
      await this.repository.establish(current, next, this.clock.now());
    }
    await this.repository.noteSettings();
    if (this.config.keyEncryptionSecret === undefined) {
      this.logger.warn(
        'The private signing keys are stored in clear: set KEY_ENCRYPTION_SECRET, or the option keyEncryptionSecret',
      );
    }
    await this.sharedReload();
    this.poll = setInterval(() => void this.reloadQuietly(), KEY_POLL_SECONDS * 1000).unref();
    this.signal.on('keys', () => void this.reload().catch(() => undefined));
  }

  onModuleDestroy(): void {
    clearInterval(this.poll);
  }

  /** A fresh key, sealed for storage. */
  async generate(wanted: SigningAlgorithm = this.config.algorithm): Promise<NewSigningKey> {
    const { kid, algorithm, privateKey } = await generateSigningKey(wanted);
    const sealedPrivateKey = this.sealer.seal(privateKey.export({ type: 'pkcs8', format: 'der' }), kid);
    return { kid, algorithm, sealedPrivateKey };
  }

  /** The key that signs: the current one, or its predecessor until the current one is in every cached JWKS. */
  signingKey(): SigningKey {
    const signer = signerAmong(this.keys, this.clock.now());
    if (!signer) throw keysUnavailable(new Error('no signing key is in use'));
    return signer;
  }

  /** The public key of a published kid; a kid that another replica may just have published is looked up once a second at most. */
  override getKey(kid: string, algorithm: string): KeyObject | Promise<KeyObject> {
    return this.find(kid, algorithm) ?? this.reloadAndFind(kid, algorithm);
  }

  override get generation(): number {
    return this.changes;
  }

  /** A published key stays until the ring is loaded anew. */
  override get settledUntilMs(): number {
    return Infinity;
  }

  /** True once there is a key that signs. */
  get ready(): boolean {
    return this.keys.some(({ state }) => state !== 'next');
  }

  /** The public keys as RFC 7517 §5 describes them. */
  jwks(): JwksDocument {
    if (!this.document) throw keysUnavailable(new Error('no signing key is published'));
    return this.document;
  }

  /**
   * Reads the keys from the database, in a server that has started. A read that is under way may have missed what has just been
   * changed: this one follows it.
   */
  async reload(): Promise<void> {
    if (this.poll === undefined) return;
    await this.reloading?.catch(() => undefined);
    await this.sharedReload();
  }

  /** One read at a time: who asks meanwhile shares it. */
  private sharedReload(): Promise<void> {
    this.reloading ??= this.load().finally(() => (this.reloading = undefined));
    return this.reloading;
  }

  private async load(): Promise<void> {
    const stored = await this.repository.published(this.clock.now());
    this.lastReloadAt = performance.now();
    const before = this.keys;
    const known = new Map(before.map((key) => [key.kid, key]));
    // Key by key: one row that cannot be opened must not keep a deleted key alive.
    this.keys = stored.flatMap((row) => this.parseOrSkip(row, known.get(row.kid)));
    const same =
      before.length === this.keys.length &&
      before.every(({ publicKey }, n) => this.keys[n]?.publicKey === publicKey);
    if (!same) this.changes += 1;
    // Public members come from the sealed private keys: who can only write to the database cannot publish a key of their own.
    const body = JSON.stringify({
      keys: this.keys.map(({ kid, algorithm, publicKey }) => ({
        ...publicMembers(publicKey),
        kid,
        use: 'sig',
        alg: algorithm,
      })),
    });
    const etag = `"${createHash('sha256').update(body).digest('base64url')}"`;
    this.document = this.keys.length > 0 ? { body, etag } : undefined;
  }

  /** @throws Error at the start, when the server could not sign without the key. */
  private parseOrSkip(row: StoredSigningKey, known: ParsedKey | undefined): ParsedKey[] {
    try {
      return [this.parse(row, known)];
    } catch (error) {
      if (this.poll === undefined && row.state !== 'retiring') throw error;
      if (!this.unreadable.has(row.kid))
        this.logger.error(`Signing key ${row.kid} is passed over: ${String(error)}`);
      this.unreadable.add(row.kid);
      return [];
    }
  }

  private parse(row: StoredSigningKey, known: ParsedKey | undefined): ParsedKey {
    const { kid, algorithm, state, trustedFrom } = row;
    if (known) return { ...known, state, trustedFrom };
    const der = this.sealer.open(row.sealedPrivateKey, kid);
    const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
    return { kid, algorithm, state, trustedFrom, privateKey, publicKey: createPublicKey(privateKey) };
  }

  private find(kid: string, algorithm: string): KeyObject | undefined {
    return this.keys.find((key) => key.kid === kid && key.algorithm === algorithm)?.publicKey;
  }

  private async reloadAndFind(kid: string, algorithm: string): Promise<KeyObject> {
    if (performance.now() - this.lastReloadAt > 1000)
      await this.sharedReload().catch((error: unknown) => {
        throw keysUnavailable(error);
      });
    const key = this.find(kid, algorithm);
    if (!key) throw accessError('token_invalid');
    return key;
  }

  private async reloadQuietly(): Promise<void> {
    try {
      await this.sharedReload();
    } catch (error) {
      this.logger.warn(`The signing keys could not be read; those in memory stay in use: ${reasonOf(error)}`);
    }
  }
}

function keysUnavailable(cause: unknown): Error {
  return accessError('keys_unavailable', { retryAfterSeconds: KEY_POLL_SECONDS, cause });
}
