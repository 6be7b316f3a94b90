import { createParamDecorator, type ExecutionContext, Injectable, type PipeTransform } from '@nestjs/common';
import type { ClientInfo } from './client-info.js';
import { ClientIp, type HttpRequest } from './client-ip.js';

/** Turns the request into its {@link ClientInfo}. */
@Injectable()
export class ClientInfoPipe implements PipeTransform<HttpRequest, ClientInfo> {
  constructor(private readonly clientIp: ClientIp) {}

  transform(request: HttpRequest): ClientInfo {
    return this.clientIp.info(request);
  }
}

const RawRequest = createParamDecorator((_: unknown, context: ExecutionContext) =>
  context.switchToHttp().getRequest<HttpRequest>(),
);

/** The client's address and user agent. */
export const Client = (): ParameterDecorator => RawRequest(ClientInfoPipe);
