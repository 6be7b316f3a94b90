import { Injectable } from '@nestjs/common';
import { Clock } from 'authfort-service';
import { Database } from '../database/database.js';
import { actAs, currentActor } from '../events/actor.js';
import { OutboxRepository } from '../events/outbox.repository.js';
import { OutboxWorker } from '../events/outbox.worker.js';
import { NO_CLIENT } from '../http/client-info.js';
import type { MailName } from '../options/mail.options.js';

/** A mail that was asked for. The address need not have an account: to find that out is the job's part, not the request's. */
export interface MailJob {
  readonly email: string;
  readonly userId: string | null;
  /** `Accept-Language` of the request. */
  readonly languages: string | null;
  readonly data: Readonly<Record<string, string>>;
}

/**
 * Mails as rows of the outbox. A request writes one row, whatever the address is, and answers; tokens and codes are made when the mail is
 * sent, so that none of them waits in a table.
 */
@Injectable()
export class MailJobs {
  constructor(
    private readonly database: Database,
    private readonly outbox: OutboxRepository,
    private readonly worker: OutboxWorker,
    private readonly clock: Clock,
  ) {}

  /**
   * Registers what sends the mail. It acts in the name of who asked.
   * @param staleAfterSeconds when a mail that could not be sent is no longer tried: nobody waits for it any more, and a late code would
   * end the one that was asked for since
   */
  handle(name: MailName, send: (job: MailJob) => Promise<void>, staleAfterSeconds = Infinity): void {
    this.worker.consume(`mail:${name}`, [], async ({ payload, createdAt }) => {
      if (this.clock.now().getTime() - createdAt.getTime() > staleAfterSeconds * 1000) return;
      const { email, userId, languages, data, client, actorId } = payload as unknown as StoredJob;
      await actAs({ userId: actorId, client, languages }, () => send({ email, userId, languages, data }));
    });
  }

  /** Asks for a mail; in a transaction, it stands or falls with that. */
  async enqueue(
    name: MailName,
    email: string,
    userId: string | null = null,
    data: Record<string, string> = {},
  ): Promise<void> {
    const { client = NO_CLIENT, languages = null, userId: actorId = null } = currentActor() ?? {};
    const payload: StoredJob = { email, userId, languages, data, client, actorId };
    await this.outbox.insert({ consumer: `mail:${name}`, event: name, userId, payload }, this.clock.now());
    this.database.afterCommit(() => this.worker.wake());
  }
}

interface StoredJob extends MailJob {
  readonly client: { ip: string; userAgent: string | null };
  readonly actorId: string | null;
}
