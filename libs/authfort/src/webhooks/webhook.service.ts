import { createHmac } from 'node:crypto';
import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { Clock, OutgoingRequests } from 'authfort-service';
import { authEventNames, isAudited } from '../events/auth-events.js';
import type { OutboxItem } from '../events/outbox.repository.js';
import { OutboxWorker } from '../events/outbox.worker.js';
import { AUTHFORT_CONFIG, type AuthFortConfig } from '../options/auth-fort.config.js';
import type { WebhookOptions } from '../options/auth-fort.options.js';

const TIMEOUT_MS = 15_000;
/** The time that the outbox gives its work when the app closes. */
const GRACE_MS = 5000;
/** Who sends a flood of requests must not cause a flood of calls, unless that is what was asked for. */
const CAUSED_AT_WILL: readonly string[] = [
  'login_failed',
  'password_pwned_rejected',
  'refresh_token_repeated',
];
const USUAL_EVENTS = authEventNames.filter((name) => isAudited(name) && !CAUSED_AT_WILL.includes(name));

/**
 * Posts events to the addresses of the option `webhooks`, signed as Standard Webhooks have it
 * (https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md). The outbox repeats what fails.
 */
@Injectable()
export class WebhookService implements OnModuleInit {
  constructor(
    private readonly worker: OutboxWorker,
    private readonly clock: Clock,
    private readonly outgoing: OutgoingRequests,
    @Inject(AUTHFORT_CONFIG) private readonly config: AuthFortConfig,
  ) {}

  /** Before the worker starts. */
  onModuleInit(): void {
    for (const webhook of this.config.webhooks)
      this.worker.consume(`webhook:${webhook.id}`, webhook.events ?? USUAL_EVENTS, (item) =>
        this.post(webhook, item),
      );
  }

  /** @throws Error which names neither the address nor anything of the answer but its status */
  private async post({ url, secret }: WebhookOptions, item: OutboxItem): Promise<void> {
    const body = JSON.stringify({
      type: item.event,
      timestamp: item.createdAt.toISOString(),
      data: inSnakeCase(item.payload),
    });
    // The time of the attempt: receivers refuse what is old, and a retry may come a day later.
    const seconds = Math.floor(this.clock.now().getTime() / 1000);
    const { address, credentials } = withoutCredentials(url);
    const headers = {
      ...credentials,
      'content-type': 'application/json',
      'user-agent': 'AuthFort',
      'webhook-id': item.eventId,
      'webhook-timestamp': String(seconds),
      'webhook-signature': sign(secret, `${item.eventId}.${seconds}.${body}`),
    };
    const response = await this.outgoing
      .run(TIMEOUT_MS, (signal) => send(address, body, headers, signal), GRACE_MS)
      .catch((error: unknown) => {
        throw new Error(describe(error));
      });
    // Nothing in the answer matters; what is not read is not downloaded either.
    await response.body?.cancel();
    if (!response.ok) throw new Error(`the receiver answered ${response.status}`);
  }
}

function send(
  address: string,
  body: string,
  headers: Record<string, string>,
  signal: AbortSignal,
): Promise<Response> {
  return fetch(address, {
    method: 'POST',
    body,
    headers,
    // A redirect would take the event to somebody whom nobody has named.
    redirect: 'manual',
    signal,
  });
}

/** The error itself would name the address, and what stands in that may be secret. */
function describe(error: unknown): string {
  const { name, cause } = error as { name?: string; cause?: { code?: unknown } };
  if (name === 'TimeoutError') return `the receiver did not answer within ${TIMEOUT_MS / 1000} s`;
  const why = typeof cause?.code === 'string' ? ` (${cause.code})` : '';
  return `the receiver could not be reached${why}`;
}

/** The key is the decoded secret, without its prefix. */
function sign(secret: string, content: string): string {
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
  return `v1,${createHmac('sha256', key).update(content).digest('base64')}`;
}

/** `fetch` refuses an address with user and password, and repeats it in its error. */
function withoutCredentials(url: string): { address: string; credentials: Record<string, string> } {
  const parsed = new URL(url);
  const { username, password } = parsed;
  if (!username && !password) return { address: url, credentials: {} };
  parsed.username = '';
  parsed.password = '';
  const pair = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`);
  return { address: parsed.href, credentials: { authorization: `Basic ${pair.toString('base64')}` } };
}

/** `{ sessionId, client: { userAgent } }` → `{ session_id, client: { user_agent } }`: names as everywhere on the wire. */
function inSnakeCase(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inSnakeCase);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      inSnakeCase(inner),
    ]),
  );
}
