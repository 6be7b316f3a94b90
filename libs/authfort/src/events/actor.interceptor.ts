import type { IncomingHttpHeaders } from 'node:http';
import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import type { AuthUser } from 'authfort-service';
import { Observable } from 'rxjs';
import { ClientIp, type HttpRequest } from '../http/client-ip.js';
import { actAs } from './actor.js';

/** Runs each HTTP request in the name of its user, those to controllers of the app too: they may call `AuthFort`. */
@Injectable()
export class ActorInterceptor implements NestInterceptor {
  constructor(private readonly clientIp: ClientIp) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (context.getType() !== 'http') return next.handle();
    const request = context
      .switchToHttp()
      .getRequest<HttpRequest & { user?: AuthUser; headers: IncomingHttpHeaders }>();
    const actor = {
      userId: request.user?.sub ?? null,
      client: this.clientIp.info(request),
      languages: request.headers['accept-language']?.slice(0, 200) ?? null,
    };
    return new Observable((subscriber) => actAs(actor, () => next.handle().subscribe(subscriber)));
  }
}
