import type { INestApplicationContext } from '@nestjs/common';
import { OutboxWorker } from '../events/outbox.worker.js';

/** Waits until the mails are sent, and the durable listeners and webhooks called, that were due by now. */
export async function settleOutbox(app: Pick<INestApplicationContext, 'get'>): Promise<void> {
  await app.get(OutboxWorker, { strict: false }).settle();
}
