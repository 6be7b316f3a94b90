import { Injectable } from '@nestjs/common';
import { Clock } from 'authfort-service';
import { Database } from '../database/database.js';
import { isUuid } from '../database/uuid.js';
import { authError } from '../errors/catalog.js';
import type { AuthEventName } from '../events/auth-events.js';
import { EventBus } from '../events/event-bus.js';
import { type DeadLetter, OutboxRepository } from '../events/outbox.repository.js';
import { OutboxWorker } from '../events/outbox.worker.js';

/** A page of the dead letters. */
export interface DeadLetterPage {
  readonly deadLetters: readonly DeadLetter[];
  /** Null: this is the last page. */
  readonly nextCursor: string | null;
}

/** What the outbox has given up. */
@Injectable()
export class DeadLetterService {
  constructor(
    private readonly database: Database,
    private readonly outbox: OutboxRepository,
    private readonly events: EventBus,
    private readonly worker: OutboxWorker,
    private readonly clock: Clock,
  ) {}

  /** The latest first. @param limit 1 to 500 @throws AuthFortError `validation_error` */
  async list(limit = 50, cursor?: string): Promise<DeadLetterPage> {
    const before = cursor === undefined ? undefined : readCursor(cursor);
    if (cursor !== undefined && !before) throw invalid('cursor');
    if (!Number.isInteger(limit) || limit < 1 || limit > 500) throw invalid('limit');
    const found = await this.outbox.deadLetters(limit + 1, before);
    const deadLetters = found.slice(0, limit);
    return { deadLetters, nextCursor: found.length > limit ? toCursor(deadLetters.at(-1)!) : null };
  }

  /** Has it done once more, with a full row of attempts. @throws AuthFortError `dead_letter_not_found` */
  async retry(id: string): Promise<void> {
    if (!isUuid(id)) throw authError('dead_letter_not_found');
    await this.database.transaction(async () => {
      const revived = await this.outbox.revive(id, this.clock.now());
      if (!revived) throw authError('dead_letter_not_found');
      this.database.afterCommit(() => this.worker.wake());
      await this.events.emit('dead_letter_retried', {
        ...revived,
        event: revived.event as AuthEventName,
      });
    });
  }
}

/** The place of a dead letter in the list; it holds also when that one has been retried in the meantime. */
function toCursor({ deadAt, id }: DeadLetter): string {
  return `${deadAt.getTime()}.${id}`;
}

function readCursor(cursor: string): { deadAt: Date; id: string } | undefined {
  const [, time, id] = DEAD_LETTER_CURSOR.exec(cursor) ?? [];
  return time !== undefined && id !== undefined && isUuid(id)
    ? { deadAt: new Date(Number(time)), id }
    : undefined;
}

/** Milliseconds since 1970 and the id. */
export const DEAD_LETTER_CURSOR = /^(\d{1,14})\.([0-9a-f-]{36})$/;

function invalid(field: string): Error {
  return authError('validation_error', { details: [{ field, message: 'is not valid' }] });
}
