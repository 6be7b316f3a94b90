import { Get, Res, UseInterceptors } from '@nestjs/common';
import { z } from 'zod';
import type { AuditEntry } from '../events/audit-log.repository.js';
import { limit, QueryParams } from '../http/query-params.decorator.js';
import { TokenDelivery } from '../http/token-delivery.js';
import { UserLaneInterceptor } from '../http/user-lane.interceptor.js';
import { AdminController } from './admin-controller.decorator.js';
import { AUDIT_ACTION, AUDIT_CURSOR, AuditService } from './audit.service.js';

const id = z.uuid('must be a UUID').optional();
const time = z.iso
  .datetime({ offset: true, error: 'must be a time such as 2026-01-31T12:00:00Z' })
  .transform((text) => new Date(text))
  .optional();
const query = z.object({
  user_id: id,
  actor_id: id,
  action: z.string().regex(AUDIT_ACTION, 'must be the name of an event').optional(),
  from: time,
  to: time,
  limit: limit(500, 50),
  cursor: z.string().regex(AUDIT_CURSOR, 'must be the next_cursor of a page').optional(),
});

/** The audit log, for administrators. */
@AdminController()
export class AuditController {
  constructor(
    private readonly audit: AuditService,
    private readonly delivery: TokenDelivery,
  ) {}

  /** `GET /auth/admin/audit`: the newest first. */
  @Get('admin/audit')
  @UseInterceptors(UserLaneInterceptor)
  async list(
    @QueryParams(query) { user_id, actor_id, ...rest }: z.output<typeof query>,
    @Res({ passthrough: true }) response: unknown,
  ): Promise<{ entries: AuditEntryResponse[]; next_cursor: string | null }> {
    this.delivery.noStore(response);
    const page = await this.audit.list({ userId: user_id, actorId: actor_id, ...rest });
    return { entries: page.entries.map(toResponse), next_cursor: page.nextCursor };
  }
}

interface AuditEntryResponse {
  id: string;
  at: string;
  action: string;
  actor_id: string | null;
  user_id: string | null;
  session_id: string | null;
  ip: string | null;
  user_agent: string | null;
  detail: object;
  repeats: number;
}

function toResponse(entry: AuditEntry): AuditEntryResponse {
  return {
    id: entry.id,
    at: entry.at.toISOString(),
    action: entry.action,
    actor_id: entry.actorId,
    user_id: entry.userId,
    session_id: entry.sessionId,
    ip: entry.ip,
    user_agent: entry.userAgent,
    detail: Object.fromEntries(Object.entries(entry.detail).map(([key, value]) => [snakeCase(key), value])),
    repeats: entry.repeats,
  };
}

function snakeCase(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
