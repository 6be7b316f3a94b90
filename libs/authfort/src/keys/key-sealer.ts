import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

const SEALED = 'v1';
const PLAIN = 'plain';

/**
 * Seals secrets for storage: AES-256-GCM under a key derived with HKDF-SHA256 (RFC 5869) from the key encryption secret. A
 * sealed text is `v1.<iv>.<tag>.<ciphertext>` in base64url, bound to its `context`, so that it cannot be moved to another row.
 * Without a secret (development only; production refuses to start) the text is kept as `plain.<data>`.
 */
export class KeySealer {
  private readonly key: Buffer | undefined;

  constructor(secret: string | undefined) {
    this.key =
      secret === undefined
        ? undefined
        : Buffer.from(hkdfSync('sha256', secret, '', 'authfort key encryption v1', 32));
  }

  /** Whether a secret is in use, and `open` would succeed with it. Of a text in clear it would not. */
  opens(sealed: string, context: string): boolean {
    try {
      return this.key !== undefined && this.open(sealed, context).length > 0;
    } catch {
      return false;
    }
  }

  /** Whether the text was stored in clear. */
  static isPlain(sealed: string): boolean {
    return sealed.startsWith(`${PLAIN}.`);
  }

  /** Seals `plaintext`; `context` has to be given again to open it. */
  seal(plaintext: Buffer, context: string): string {
    if (!this.key) return `${PLAIN}.${plaintext.toString('base64url')}`;
    const iv = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', this.key, iv).setAAD(Buffer.from(context));
    const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()]);
    return [SEALED, ...[iv, cipher.getAuthTag(), ciphertext].map((part) => part.toString('base64url'))].join(
      '.',
    );
  }

  /**
   * Opens what `seal` made.
   * @throws Error that says what to do, when the secret is missing or is not the one that sealed it.
   */
  open(sealed: string, context: string): Buffer {
    const [version, ...encoded] = sealed.split('.');
    const parts = encoded.map((part) => Buffer.from(part, 'base64url'));
    if (version === PLAIN) return this.openPlain(parts);
    if (!this.key) {
      throw new Error(
        'The signing keys in the database are encrypted: set KEY_ENCRYPTION_SECRET to the secret they were made with',
      );
    }
    const [iv, tag, ciphertext] = parts;
    try {
      const decipher = createDecipheriv('aes-256-gcm', this.key, iv!, { authTagLength: 16 });
      decipher.setAAD(Buffer.from(context)).setAuthTag(tag!);
      return Buffer.concat([decipher.update(ciphertext!), decipher.final()]);
    } catch (cause) {
      throw new Error(
        'KEY_ENCRYPTION_SECRET does not open the signing keys in the database: it is not the one they were made with. Set that one; or, if it is lost, replace each key with `authfort keys compromise <kid> --new-secret`',
        { cause },
      );
    }
  }

  /** Who can write to the database must not be able to slip a key of their own in beside the sealed ones. */
  private openPlain([plaintext]: Buffer[]): Buffer {
    if (!this.key) return plaintext!;
    throw new Error(
      'A signing key in the database is not encrypted, from a start without KEY_ENCRYPTION_SECRET. With the secret set, run `authfort keys list` and replace each key that is in clear with `authfort keys compromise <kid> --new-secret`',
    );
  }
}
