import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { KafkaContext } from '@nestjs/microservices';
import { describe, expect, it } from '@jest/globals';
import { lastValueFrom } from 'rxjs';
import { type AccessErrorCode, accessError } from '../errors/access-errors.js';
import { answerRpc } from './rpc.refusal.js';

/** Nest awaits the stream of an event from Kafka: one that fails is delivered again. */
describe('a refusal of a message from Kafka', () => {
  const answer = (code: AccessErrorCode, headers: Record<string, string>) => {
    const context = new KafkaContext([{ headers }, 0, 'orders', undefined, undefined, undefined] as never);
    const host = new ExecutionContextHost([{}, context]);
    return lastValueFrom(answerRpc(accessError(code), host));
  };
  const reply = { kafka_correlationId: '1', kafka_replyTopic: 'orders.reply' };

  it('drops an event', async () => {
    expect(await answer('token_missing', {})).toBeUndefined();
    expect(await answer('insufficient_role', { kafka_correlationId: '1' })).toBeUndefined();
  });
  it('leaves an event to Kafka that cannot be judged now', () =>
    expect(answer('keys_unavailable', {})).rejects.toMatchObject({ error: 'keys_unavailable' }));
  it('answers a caller', () =>
    expect(answer('token_missing', reply)).rejects.toMatchObject({
      error: 'token_missing',
      statusCode: 401,
    }));
});
