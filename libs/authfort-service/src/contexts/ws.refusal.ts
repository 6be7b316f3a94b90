import type { ArgumentsHost } from '@nestjs/common';
import type { AuthFortError } from '../errors/auth-fort.error.js';

interface Socket {
  readonly readyState?: unknown;
  send?: (text: string) => void;
  emit?: (event: string, payload: unknown) => void;
}

/**
 * Answers a socket with the event `exception` and `{statusCode, error, message}`: what Nest sends for a `WsException` of that
 * object.
 */
export function answerSocket(error: AuthFortError, host: ArgumentsHost): void {
  answerException(error.getResponse(), host.getArgs());
}

/**
 * Sends the event `exception`. A caller of socket.io that waits for an acknowledgement gets the same object there, since it would
 * wait forever otherwise.
 * @param args of the handler: the client, the data, and the acknowledgement (socket.io)
 */
export function answerException(data: unknown, args: readonly unknown[]): void {
  const [client, , acknowledge] = args as [Socket | undefined, unknown, unknown];
  // A native WebSocket has `emit` too, which only reaches listeners in this process.
  if (typeof client?.readyState === 'number' && client.send)
    client.send(JSON.stringify({ event: 'exception', data }));
  else client?.emit?.('exception', data);
  if (typeof acknowledge === 'function') acknowledge(data);
}
