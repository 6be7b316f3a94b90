import { type ArgumentsHost, Catch, type ExceptionFilter } from '@nestjs/common';
import { AuthFortError } from '../errors/auth-fort.error.js';
import { answerRefusal } from './refusal.js';

interface HttpResponse {
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
    // A handler that is a route too. The guard has set the headers; Express and Fastify share these methods.
    host.switchToHttp().getResponse<HttpResponse>().status(error.getStatus()).send(error.getResponse());
    return undefined;
  }
}
