import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Clock } from 'authfort-service';
import { Database } from '../database/database.js';
import { actAs, currentActor } from '../events/actor.js';
import { OutboxRepository, REQUESTED_MAILS } from '../events/outbox.repository.js';
import { type OutboxHandler, OutboxWorker } from '../events/outbox.worker.js';
import { NO_CLIENT } from '../http/client-info.js';
import type { MailName } from '../options/mail.options.js';
import { RequestedMailsRepository } from './requested-mails.repository.js';

/** A mail that was asked for. The address need not have an account: to find that out is the job's part, not the request's. */
export interface MailJob {
  readonly email: string;
  readonly userId: string | null;
  /** `Accept-Language` of the request. */
  readonly languages: string | null;
  readonly data: Readonly<Record<string, string>>;
}

/**
 * What happens to a mail that was requested for an address without an account: `drop` it, `send` it behind the mails to users, or drop it
 * and call a function with the addresses.
 */
export type UnknownAddresses = 'drop' | 'send' | ((emails: readonly string[]) => Promise<void>);

/** Requests sorted in one statement. */
const SORTED_AT_A_TIME = 1000;

/**
 * Mails as rows of the outbox. A request writes one row, whatever the address is, and answers; tokens and codes are made when the mail is
 * sent, so that none of them waits in a table.
 *
 * Requests that anybody can make are sorted first, many in one statement: those for addresses without an account leave the outbox there.
 * So a flood of them does not delay the mails to users.
 */
@Injectable()
export class MailJobs implements OnModuleInit {
  private readonly unknown = new Map<MailName, UnknownAddresses>();

  constructor(
    private readonly database: Database,
    private readonly outbox: OutboxRepository,
    private readonly requested: RequestedMailsRepository,
    private readonly worker: OutboxWorker,
    private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    this.worker.consume(REQUESTED_MAILS, [], () => this.sort());
  }

  /**
   * Registers what sends the mail. It acts in the name of who asked.
   * @param staleAfterSeconds when a mail that could not be sent is no longer tried: nobody waits for it any more, and a late code would
   * end the one that was asked for since
   * @param unknown for mails that are requested with {@link request}
   */
  handle(
    name: MailName,
    send: (job: MailJob) => Promise<void>,
    staleAfterSeconds = Infinity,
    unknown: UnknownAddresses = 'drop',
  ): void {
    this.unknown.set(name, unknown);
    const handler: OutboxHandler = async ({ payload, createdAt }) => {
      if (this.clock.now().getTime() - createdAt.getTime() > staleAfterSeconds * 1000) return;
      const { email, userId, languages, data, client, actorId } = payload as unknown as StoredJob;
      await actAs({ userId: actorId, client, languages }, () => send({ email, userId, languages, data }));
    };
    this.worker.consume(`mail:${name}`, [], handler);
    // Their own consumer: mails to invented addresses do not take the places of those to users.
    if (unknown === 'send') this.worker.consume(`mail:${name}:new`, [], handler);
  }

  /** Requests a mail to an address that anybody may have typed. The answer must not depend on whether it has an account. */
  request(name: MailName, email: string): Promise<void> {
    return this.write(REQUESTED_MAILS, name, email, null, {});
  }

  /** Requests a mail to a user; in a transaction, it is sent only if that commits. */
  async enqueue(
    name: MailName,
    email: string,
    userId: string | null = null,
    data: Record<string, string> = {},
  ): Promise<void> {
    await this.write(`mail:${name}`, name, email, userId, data);
  }

  private async write(
    consumer: string,
    name: MailName,
    email: string,
    userId: string | null,
    data: Record<string, string>,
  ): Promise<void> {
    const { client = NO_CLIENT, languages = null, userId: actorId = null } = currentActor() ?? {};
    const payload: StoredJob = { email, userId, languages, data, client, actorId };
    await this.outbox.insert({ consumer, event: name, userId, payload }, this.clock.now());
    this.database.afterCommit(() => this.worker.wake());
  }

  private async sort(): Promise<void> {
    const served = [...this.unknown].flatMap(([name, policy]) => (policy === 'send' ? [name] : []));
    for (let taken = SORTED_AT_A_TIME; taken === SORTED_AT_A_TIME;) {
      taken = await this.database.transaction(async () => {
        const sorted = await this.requested.sort(served, SORTED_AT_A_TIME);
        for (const [name, policy] of this.unknown) {
          const dropped = sorted.filter(({ event, kept }) => event === name && !kept);
          if (typeof policy === 'function' && dropped.length > 0)
            await policy(dropped.map(({ email }) => email));
        }
        return sorted.length;
      });
    }
  }
}

interface StoredJob extends MailJob {
  readonly client: { ip: string; userAgent: string | null };
  readonly actorId: string | null;
}
