import { Injectable } from '@nestjs/common';
import { isUuid } from '../database/uuid.js';
import { authError } from '../errors/catalog.js';
import { type AuditEntry, type AuditFilter, AuditLogRepository } from '../events/audit-log.repository.js';

/** Which part of the audit log to read. */
export interface AuditQuery extends Omit<AuditFilter, 'before'> {
  /** Entries of a page, 1 to 500. Default 50. */
  readonly limit?: number;
  /** `nextCursor` of the page before. */
  readonly cursor?: string;
}

/** A page of the audit log. */
export interface AuditPage {
  readonly entries: readonly AuditEntry[];
  /** Null: this is the last page. */
  readonly nextCursor: string | null;
}

/** Reads the audit log in pages. */
@Injectable()
export class AuditService {
  constructor(private readonly log: AuditLogRepository) {}

  /** The newest first. @throws AuthFortError `validation_error` */
  async list({ limit = 50, cursor, ...filter }: AuditQuery): Promise<AuditPage> {
    const wrong = [
      ...(['userId', 'actorId'] as const).filter((key) => filter[key] !== undefined && !isUuid(filter[key])),
      ...(['from', 'to'] as const).filter((key) => filter[key] && Number.isNaN(filter[key].getTime())),
      ...(filter.action !== undefined && !AUDIT_ACTION.test(filter.action) ? ['action'] : []),
      ...(cursor !== undefined && !AUDIT_CURSOR.test(cursor) ? ['cursor'] : []),
      ...(Number.isInteger(limit) && limit >= 1 && limit <= 500 ? [] : ['limit']),
    ];
    if (wrong.length > 0)
      throw authError('validation_error', {
        details: wrong.map((field) => ({ field, message: 'is not valid' })),
      });
    // One more than asked for tells whether there is another page.
    const found = await this.log.list({ ...filter, before: cursor }, limit + 1);
    const entries = found.slice(0, limit);
    return { entries, nextCursor: found.length > limit ? entries.at(-1)!.id : null };
  }
}

/** The form that names of events have. */
export const AUDIT_ACTION = /^[a-z0-9_]{1,64}$/;

/** An id of the log: fewer digits than a bigint could hold. */
export const AUDIT_CURSOR = /^\d{1,18}$/;
