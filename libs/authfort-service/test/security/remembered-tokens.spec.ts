import { Logger } from '@nestjs/common';
import { beforeAll, describe, expect, it } from '@jest/globals';
import type { AccessTokenVerifier } from 'authfort-service';
import { COOLDOWN, type LabClaims, outcome, settle, TokenLab, TOLERANCE, TTL } from '../token-lab.js';

/** How many random histories are tried: `INTERLEAVINGS=1000 npm test -- remembered-tokens` for a long look. */
const INTERLEAVINGS = Number(process.env.INTERLEAVINGS ?? 5);
const STEPS = 250;

interface Issued extends LabClaims {
  readonly token: string;
  readonly kid: string;
}

/** Numbers that a seed repeats (mulberry32). */
function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4_294_967_296) * below);
  };
}

/**
 * A history of everything that may happen to tokens, in random order. Each token is shown to a verifier that remembers few tokens, and
 * to one that remembers none. In a rough history the JWKS goes away, the clock is set back, and a kid gets another key.
 */
class History {
  private readonly lab = new TokenLab();
  private readonly remembering = this.lab.verifier(6);
  private readonly forgetful = this.lab.verifier(0);
  private readonly issued: Issued[] = [];
  private readonly publishedAt = new Map([['key-1', this.lab.clock.seconds]]);
  private readonly removedAt = new Map<string, number>();
  readonly counts = { good: 0, refused: 0, recalled: 0 };

  constructor(
    private readonly random: (below: number) => number,
    private readonly rough: boolean,
  ) {}

  async run(): Promise<void> {
    for (let step = 0; step < STEPS; step += 1) {
      await this.step(this.random(100));
      // A fetch that was begun ahead of time has ended before the next thing happens, for both.
      await settle();
    }
    expect(this.remembering.fetches()).toBe(this.forgetful.fetches());
  }

  private async step(dice: number): Promise<void> {
    const { clock, revocations } = this.lab;
    if (dice < 12 || this.issued.length === 0) this.issue();
    else if (dice < 66) await this.show(this.any());
    else if (dice < 70) await this.showMany(this.any());
    else if (dice < 80) clock.seconds += this.random(30);
    else if (dice < 84) clock.seconds += this.random(400);
    else if (dice < 87) this.publish();
    else if (dice < 90) this.remove();
    else if (dice < 92) revocations.revoke({ session: this.any().sid });
    else if (dice < 93) revocations.revoke({ version: [this.any().sub, this.any().ver + 1] });
    else if (dice < 94) revocations.revoke({ kid: this.any().kid });
    else if (dice < 96) await this.revokeDuring(this.any());
    else if (this.rough) this.disturb(dice);
  }

  private any(): Issued {
    // Mostly one of the latest: they are the ones that are remembered.
    const { length } = this.issued;
    return this.issued[length - 1 - this.random(this.random(3) === 0 ? length : Math.min(length, 5))]!;
  }

  private issue(): void {
    const now = this.lab.clock.seconds;
    const kids = [...this.lab.published.keys()];
    const kid = kids[kids.length - 1 - this.random(Math.min(2, kids.length))]!;
    const early = this.random(10) === 0 ? this.random(15) : 0;
    const iat = now + early;
    const [sub, sid] = [`user-${this.random(8)}`, `session-${this.random(40)}`];
    const nbf = this.random(10) === 0 ? now + this.random(15) : undefined;
    const claims = { sub, sid, ver: 1 + this.random(2), iat, exp: iat + 20 + this.random(900), nbf };
    this.issued.push({ ...claims, kid, token: this.lab.sign(claims, kid) });
  }

  private publish(): void {
    this.publishedAt.set(this.lab.publish(), this.lab.clock.seconds);
  }

  private remove(): void {
    const { published, clock } = this.lab;
    if (published.size < 2) return;
    const kid = [...published.keys()][this.random(published.size - 1)]!;
    published.delete(kid);
    this.removedAt.set(kid, clock.seconds);
  }

  private disturb(dice: number): void {
    if (dice < 97) this.lab.away = !this.lab.away;
    else if (dice < 98) this.lab.clock.seconds -= this.random(40);
    else if (dice < 99) this.lab.clock.seconds -= this.random(2) * 500;
    else this.lab.publish([...this.lab.published.keys()][this.random(this.lab.published.size)]);
  }

  private async show(shown: Issued): Promise<void> {
    const recalled = this.remembering.verifier.recall(`Bearer ${shown.token}`) !== undefined;
    const [result, expected] = [
      await outcome(this.remembering.verifier, shown.token),
      await outcome(this.forgetful.verifier, shown.token),
    ];
    expect(result).toBe(expected);
    if (recalled) expect(result).toBe('good');
    if (result === 'good') expect(this.reasonsAgainst(shown)).toEqual([]);
    else if (!this.rough) expect([shown, this.mustBeGood(shown)]).toEqual([shown, false]);
    this.counts.recalled += Number(recalled);
    this.counts[result === 'good' ? 'good' : 'refused'] += 1;
  }

  private async showMany({ token }: Issued): Promise<void> {
    const ask = (verifier: AccessTokenVerifier) => Promise.all([1, 2, 3].map(() => outcome(verifier, token)));
    expect(await ask(this.remembering.verifier)).toEqual(await ask(this.forgetful.verifier));
  }

  private async revokeDuring(shown: Issued): Promise<void> {
    const asked = [this.remembering, this.forgetful].map(({ verifier }) => outcome(verifier, shown.token));
    this.lab.revocations.revoke({ session: shown.sid });
    await Promise.all(asked);
    await this.show(shown);
  }

  private isRevoked({ sid, sub, ver, kid }: Issued): boolean {
    const { sessions, versions, kids } = this.lab.revocations;
    return sessions.has(sid) || ver < (versions.get(sub) ?? 0) || kids.has(kid);
  }

  /** What would make it wrong to accept the token now, whatever the verifiers think. */
  private reasonsAgainst(shown: Issued): string[] {
    const now = this.lab.clock.seconds;
    const { exp, iat, nbf = iat, kid } = shown;
    const goneFor = now - (this.removedAt.get(kid) ?? Infinity);
    return [
      exp + TOLERANCE <= now && 'expired',
      Math.max(iat, nbf) - TOLERANCE > now && 'not yet valid',
      this.isRevoked(shown) && 'revoked',
      !this.rough && goneFor >= TTL && 'its key left the JWKS longer ago than the cache time',
    ].filter((reason) => reason !== false);
  }

  /** A token of a key that has been published for longer than a cool-down, and that nothing speaks against. */
  private mustBeGood(shown: Issued): boolean {
    const known = this.lab.clock.seconds - this.publishedAt.get(shown.kid)! > COOLDOWN;
    return known && this.lab.published.has(shown.kid) && this.reasonsAgainst(shown).length === 0;
  }
}

/** Whoever finds a way to have a remembered token accepted longer than a new one would be has found a hole. */
describe('attack: a token that is remembered longer than it is good', () => {
  // The JWKS is away hundreds of times.
  beforeAll(() => Logger.overrideLogger(false));
  it.each(['calm', 'rough'])(
    `finds no difference to verifying anew in ${INTERLEAVINGS} %s histories`,
    async (kind) => {
      const sum = { good: 0, refused: 0, recalled: 0 };
      for (let seed = 1; seed <= INTERLEAVINGS; seed += 1) {
        const history = new History(randomOf(seed), kind === 'rough');
        try {
          await history.run();
        } catch (error) {
          throw new Error(`The ${kind} history of seed ${seed}`, { cause: error });
        }
        for (const name of ['good', 'refused', 'recalled'] as const) sum[name] += history.counts[name];
      }
      // The histories are worth something: tokens of each sort come by often.
      for (const count of Object.values(sum)) expect(count).toBeGreaterThan(INTERLEAVINGS * 10);
    },
  );
});
