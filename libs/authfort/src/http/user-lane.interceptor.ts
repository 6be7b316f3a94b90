import type { IncomingMessage, ServerResponse } from 'node:http';
import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import type { AuthUser } from 'authfort-service';
import { type Observable, of } from 'rxjs';
import { authError } from '../errors/catalog.js';

/** Requests of one user that wait for their turn. */
const MAX_WAITING = 50;
/** A request that has waited begins this many times as long after the one before as that one took: a user has a third of the time. */
const PAUSE = 2;
/** The longest pause: a client may take minutes to read a response. */
const MAX_PAUSE_MS = 1000;

/**
 * Handles the requests of one user to expensive routes one after the other, from the query to the last byte of the response. One user
 * then delays the requests of others by one such request, whatever the number of the user's own requests is. Between two requests the
 * lane pauses, so that they take a third of the time of the process at most. All routes that use it share the user's lane.
 * @throws AuthFortError `overloaded` when 50 requests of the user wait
 */
@Injectable()
export class UserLaneInterceptor implements NestInterceptor {
  /** Users with a request in progress, and those that wait behind it. */
  private readonly lanes = new Map<string, (() => void)[]>();

  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const http = context.switchToHttp();
    const { user } = http.getRequest<IncomingMessage & { user: AuthUser }>();
    const response = rawOf(http.getResponse<ServerResponse | { raw: ServerResponse }>());
    await this.enter(user.sub);
    // The client has disconnected while it waited: nobody reads the response.
    if (response.destroyed) {
      this.leave(user.sub);
      return of(undefined);
    }
    const startedAt = performance.now();
    response.once('close', () =>
      this.leave(user.sub, Math.min(PAUSE * (performance.now() - startedAt), MAX_PAUSE_MS)),
    );
    return next.handle();
  }

  private enter(userId: string): Promise<void> {
    const waiting = this.lanes.get(userId);
    if (!waiting) {
      this.lanes.set(userId, []);
      return Promise.resolve();
    }
    if (waiting.length >= MAX_WAITING)
      throw authError('overloaded', {
        retryAfterSeconds: 2,
        cause: 'too many requests of one user wait',
      });
    return new Promise((resolve) => waiting.push(resolve));
  }

  private leave(userId: string, pauseMs = 0): void {
    const next = this.lanes.get(userId)?.shift();
    if (!next) this.lanes.delete(userId);
    else setTimeout(next, pauseMs);
  }
}

function rawOf(response: ServerResponse | { raw: ServerResponse }): ServerResponse {
  return 'raw' in response ? response.raw : response;
}
