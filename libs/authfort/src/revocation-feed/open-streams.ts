import { Inject, Injectable } from '@nestjs/common';
import { authError } from '../errors/catalog.js';
import { IntrospectionCredential } from '../introspection/introspection-credential.js';
import { presentedCredential } from '../introspection/presented-credential.js';
import { AUTHFORT_CONFIG, type AuthFortConfig } from '../options/auth-fort.config.js';

const RETRY_AFTER_SECONDS = 5;

/** Counts the open streams of each introspection secret: the streams of one service must not use up the memory of the process. */
@Injectable()
export class OpenStreams {
  /** Open streams by the position of their secret. */
  private readonly counts = new Map<number, number>();
  private readonly max: number;
  private readonly credential: IntrospectionCredential;

  constructor(@Inject(AUTHFORT_CONFIG) { maxRevocationStreams, introspectSecrets }: AuthFortConfig) {
    this.max = maxRevocationStreams;
    this.credential = new IntrospectionCredential(introspectSecrets);
  }

  /**
   * @param authorization the header that authenticated the request. One secret has many headers: the client id of Basic is free, and a
   * form-encoded secret has many spellings (RFC 6749 §2.3.1)
   * @returns call it once, when the stream has ended
   * @throws AuthFortError `overloaded`
   */
  enter(authorization: string): () => void {
    const presented = presentedCredential({ headers: { authorization } });
    const secret = presented && this.credential.positionOf(presented);
    // The guard has accepted the header before; a caller that skips it gets no stream.
    if (secret === undefined) throw authError('invalid_client');
    const open = this.counts.get(secret) ?? 0;
    if (open >= this.max) throw authError('overloaded', { retryAfterSeconds: RETRY_AFTER_SECONDS });
    this.counts.set(secret, open + 1);
    return () => this.leave(secret);
  }

  private leave(secret: number): void {
    const left = (this.counts.get(secret) ?? 1) - 1;
    if (left > 0) this.counts.set(secret, left);
    else this.counts.delete(secret);
  }
}
