import { Agent, createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A proxy whose network is bad: of every ten answers to a refresh it cuts the connection before one, after the server has given it. */
export interface LossyProxy {
  readonly url: string;
  /** How many answers were lost. */
  readonly lost: number;
  close(): Promise<void>;
}

/** Sends each request to the next of the origins. `GET /expired` is always answered 401: a client that asks for it has to refresh. */
export async function startLossyProxy(origins: readonly string[], oneIn = 10): Promise<LossyProxy> {
  const agent = new Agent({ keepAlive: true });
  let [turn, refreshes, lost] = [0, 0, 0];
  const server: Server = createServer((incoming, outgoing) => {
    const { url = '/', method, headers } = incoming;
    if (url === '/expired') return void outgoing.writeHead(401).end();
    const loses = url.endsWith('/refresh') && (refreshes += 1) % oneIn === 0;
    const origin = origins[(turn += 1) % origins.length]!;
    const onward = request(origin + url, { method, headers, agent }, (answer) => {
      if (!loses) return void answer.pipe(outgoing.writeHead(answer.statusCode!, answer.headers));
      lost += 1;
      // To its last byte: the server has done what it was asked.
      answer.resume().once('end', () => incoming.socket.destroy());
    });
    onward.on('error', () => outgoing.destroy());
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get lost() {
      return lost;
    },
    close: async () => {
      agent.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
