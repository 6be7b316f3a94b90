import { Get, HttpCode, Param, Post, Res, UseInterceptors } from '@nestjs/common';
import { z } from 'zod';
import type { DeadLetter } from '../events/outbox.repository.js';
import { limit, QueryParams } from '../http/query-params.decorator.js';
import { TokenDelivery } from '../http/token-delivery.js';
import { UserLaneInterceptor } from '../http/user-lane.interceptor.js';
import { AdminController } from './admin-controller.decorator.js';
import { DEAD_LETTER_CURSOR, DeadLetterService } from './dead-letter.service.js';

const query = z.object({
  limit: limit(500, 50),
  cursor: z.string().regex(DEAD_LETTER_CURSOR, 'must be the next_cursor of a page').optional(),
});

/** The mails, webhook calls and events that were given up, for administrators. */
@AdminController()
export class DeadLettersController {
  constructor(
    private readonly deadLetters: DeadLetterService,
    private readonly delivery: TokenDelivery,
  ) {}

  /** `GET /auth/admin/dead-letters`: the latest first. */
  @Get('admin/dead-letters')
  @UseInterceptors(UserLaneInterceptor)
  async list(
    @QueryParams(query) { limit, cursor }: z.output<typeof query>,
    @Res({ passthrough: true }) response: unknown,
  ): Promise<{ dead_letters: DeadLetterResponse[]; next_cursor: string | null }> {
    this.delivery.noStore(response);
    const page = await this.deadLetters.list(limit, cursor);
    return { dead_letters: page.deadLetters.map(toResponse), next_cursor: page.nextCursor };
  }

  /** `POST /auth/admin/dead-letters/:id/retry` */
  @Post('admin/dead-letters/:id/retry')
  @HttpCode(204)
  async retry(@Param('id') id: string): Promise<void> {
    await this.deadLetters.retry(id);
  }
}

interface DeadLetterResponse {
  id: string;
  event_id: string;
  event: string;
  consumer: string;
  user_id: string | null;
  created_at: string;
  dead_at: string;
  attempts: number;
  error: string | null;
}

function toResponse(letter: DeadLetter): DeadLetterResponse {
  return {
    id: letter.id,
    event_id: letter.eventId,
    event: letter.event,
    consumer: letter.consumer,
    user_id: letter.userId,
    created_at: letter.createdAt.toISOString(),
    dead_at: letter.deadAt.toISOString(),
    attempts: letter.attempts,
    error: letter.error,
  };
}
