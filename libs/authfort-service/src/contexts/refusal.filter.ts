import { type ArgumentsHost, Catch, type ExceptionFilter } from '@nestjs/common';
import { AuthFortError } from '../errors/auth-fort.error.js';
import { unavailableLog } from '../errors/unavailable.log.js';
import { answerRefusal } from './refusal.js';

/** What the responses of Express and the replies of Fastify share. */
interface HttpResponse {
  header(name: string, value: string): unknown;
  status(code: number): { send(body: unknown): void };
}

/**
 * Answers an {@link AuthFortError} in the format of the transport. It is attached to every handler, since Nest applies no global
 * filter to sockets, and none to a transport that was connected without `inheritAppConfig`. Filters that the app has put on the
 * handler itself come first.
 */
@Catch(AuthFortError)
export class RefusalFilter implements ExceptionFilter {
  catch(error: AuthFortError, host: ArgumentsHost): unknown {
    if (host.getType() !== 'http') return answerRefusal(error, host);
    // A handler that is a route too. The filter of the app is not called then, so its duties are here.
    if (error.getStatus() === 503) unavailableLog.record(error.code, error);
    const response = host.switchToHttp().getResponse<HttpResponse>();
    for (const [name, value] of Object.entries(error.headers)) response.header(name, value);
    response.status(error.getStatus()).send(error.getResponse());
    return undefined;
  }
}
