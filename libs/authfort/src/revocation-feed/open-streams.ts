import { createHash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { authError } from '../errors/catalog.js';
import type { PresentedCredential } from '../introspection/presented-credential.js';
import { AUTHFORT_CONFIG, type AuthFortConfig } from '../options/auth-fort.config.js';

const RETRY_AFTER_SECONDS = 5;

/** Counts the open streams of each credential, so that the streams of one cannot use up the memory of the process. */
@Injectable()
export class OpenStreams {
  private readonly counts = new Map<string, number>();
  private readonly max: number;

  constructor(@Inject(AUTHFORT_CONFIG) { maxRevocationStreams }: AuthFortConfig) {
    this.max = maxRevocationStreams;
  }

  /**
   * @param presented the credential that the request was authenticated by. Its last reading counts: the client id is free, and the header
   * has any number of spellings
   * @returns call it once, when the stream has ended
   * @throws AuthFortError `overloaded`
   */
  enter({ secrets }: PresentedCredential): () => void {
    const credential = createHash('sha256')
      .update(secrets.at(-1) ?? '')
      .digest('base64url');
    const open = this.counts.get(credential) ?? 0;
    if (open >= this.max) throw authError('overloaded', { retryAfterSeconds: RETRY_AFTER_SECONDS });
    this.counts.set(credential, open + 1);
    return () => this.leave(credential);
  }

  private leave(credential: string): void {
    const left = (this.counts.get(credential) ?? 1) - 1;
    if (left > 0) this.counts.set(credential, left);
    else this.counts.delete(credential);
  }
}
