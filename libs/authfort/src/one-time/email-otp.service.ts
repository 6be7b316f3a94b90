import { createHmac, hkdfSync, randomBytes, randomInt } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { Clock } from 'authfort-service';
import { AUTHFORT_CONFIG, type AuthFortConfig } from '../options/auth-fort.config.js';
import { EmailOtpRepository } from './email-otp.repository.js';

/** Makes and judges six-digit codes. Address and code are bound to each other under a key that is not in the database. */
@Injectable()
export class EmailOtpService {
  private readonly key: Buffer;

  constructor(
    private readonly otps: EmailOtpRepository,
    private readonly clock: Clock,
    @Inject(AUTHFORT_CONFIG) private readonly config: AuthFortConfig,
  ) {
    // Without a secret (development only) codes hold within this process.
    const secret = config.keyEncryptionSecret ?? randomBytes(32).toString('base64');
    this.key = Buffer.from(hkdfSync('sha256', secret, '', 'authfort email codes v1', 32));
  }

  /**
   * The one before is worthless from now on.
   * @returns the code, six digits, which is shown only here; undefined when so many were guessed wrong today that none is taken
   */
  async issue(email: string): Promise<string | undefined> {
    const code = String(randomInt(1_000_000)).padStart(6, '0');
    return (await this.replace(email, this.hash('code', `${email} ${code}`))) ? code : undefined;
  }

  /** As {@link issue}, for addresses that receive no code: the hash in their rows belongs to no code. */
  async issueToNobody(emails: readonly string[]): Promise<void> {
    const codes = emails.map((email) => ({
      addressHash: this.addressHash(email),
      codeHash: randomBytes(32),
    }));
    const now = this.clock.now();
    await this.otps.replaceAll(codes, now, this.expiryOf(now));
  }

  /** Whether it is the code of the address. A right one is right once; wrong ones are counted. */
  redeem(email: string, input: string): Promise<boolean> {
    const typed = input.replace(/\s/g, '');
    const code = typed.length > MAX_TYPED_CODE ? typed : asciiDigits(typed);
    return this.otps.redeem(this.addressHash(email), this.hash('code', `${email} ${code}`), this.clock.now());
  }

  /** Makes the code of the address worthless. */
  discard(email: string): Promise<void> {
    return this.otps.discard(this.addressHash(email));
  }

  private replace(email: string, codeHash: Buffer): Promise<boolean> {
    const now = this.clock.now();
    return this.otps.replace(this.addressHash(email), codeHash, now, this.expiryOf(now));
  }

  private expiryOf(now: Date): Date {
    return new Date(now.getTime() + this.config.emailOtpTtlSeconds * 1000);
  }

  private addressHash(email: string): Buffer {
    return this.hash('address', email);
  }

  private hash(kind: string, text: string): Buffer {
    return createHmac('sha256', this.key).update(`${kind} ${text}`).digest();
  }
}

/** Longest typed code that is read, in UTF-16 units. Normalisation takes quadratic time for a long run of combining marks. */
const MAX_TYPED_CODE = 64;

/** Keyboards of other scripts type their own digits. Unicode encodes the digits of a script in a row, from zero to nine. */
function asciiDigits(text: string): string {
  return text.normalize('NFKC').replace(/\p{Nd}/gu, (digit) => {
    let value = 0;
    while (value < 9 && /\p{Nd}/u.test(String.fromCodePoint(digit.codePointAt(0)! - value - 1))) value += 1;
    return String(value);
  });
}
