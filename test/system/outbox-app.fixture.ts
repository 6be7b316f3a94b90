import { Controller, Get, Injectable } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { TypeOrmModule } from '@nestjs/typeorm';
import { type AuthEvent, AuthFortModule, OnAuthEvent } from 'authfort';
import { Clock, fastifyOptions, Public, SystemClock } from 'authfort-service';
import { DataSource } from 'typeorm';
import { ormconfig } from '../../ormconfig.js';

/*
 * An auth server with a webhook and a durable listener, which both report to RECEIVER. Its clock is CLOCK_SKEW_SECONDS ahead, so that what
 * a killed server held is free again at once and not in a minute.
 */
const { PORT, RECEIVER, WEBHOOK_SECRET = '', CLOCK_SKEW_SECONDS } = process.env;

class SkewedClock extends SystemClock {
  override now(): Date {
    return new Date(super.now().getTime() + Number(CLOCK_SKEW_SECONDS) * 1000);
  }
}

@Injectable()
class Reporter {
  @OnAuthEvent('user_created', { durable: true, group: 'reporter' })
  async created({ id, userId }: AuthEvent<'user_created'>): Promise<void> {
    const body = JSON.stringify({ id, userId });
    const { ok } = await fetch(`${RECEIVER}/listener`, { method: 'POST', body });
    if (!ok) throw new Error('the receiver does not want it');
  }
}

/** What the database holds, as lists to compare with what was delivered. */
@Controller('state')
@Public()
class StateController {
  constructor(private readonly dataSource: DataSource) {}

  @Get()
  async state(): Promise<Record<string, string[]>> {
    const list = async (sql: string): Promise<string[]> =>
      (await this.dataSource.query<{ item: string }[]>(sql)).map(({ item }) => item);
    return {
      users: await list('SELECT id::text AS item FROM authfort_users'),
      sessions: await list('SELECT id::text AS item FROM authfort_sessions'),
      loggedOut: await list(`SELECT id::text AS item FROM authfort_sessions WHERE revoked_reason = 'logout'`),
      rotations: await list(
        'SELECT session_id::text AS item FROM authfort_refresh_tokens WHERE rotated_at IS NOT NULL',
      ),
      audit: await list(
        `SELECT action || ' ' || coalesce(session_id, user_id) AS item FROM authfort_audit_log
         WHERE action IN ('user_created', 'login', 'logout')`,
      ),
      waiting: await list('SELECT consumer AS item FROM authfort_outbox WHERE dead_at IS NULL'),
      dead: await list(
        `SELECT consumer || ': ' || error AS item FROM authfort_outbox WHERE dead_at IS NOT NULL`,
      ),
    };
  }
}

const module = await Test.createTestingModule({
  imports: [
    TypeOrmModule.forRoot({ ...ormconfig, autoLoadEntities: true }),
    AuthFortModule.forRoot({
      keyEncryptionSecret: 'key-encryption-secret-of-the-crashes',
      algorithm: 'ES256',
      rateLimit: false,
      webhooks: [
        {
          id: 'receiver',
          url: `${RECEIVER}/webhook`,
          secret: WEBHOOK_SECRET,
          events: ['user_created', 'login', 'logout', 'token_refreshed'],
        },
      ],
    }),
  ],
  controllers: [StateController],
  providers: [Reporter],
})
  .overrideProvider(Clock)
  .useValue(new SkewedClock())
  .compile();
const app = module.createNestApplication(new FastifyAdapter(fastifyOptions), { logger: ['error', 'fatal'] });
app.enableShutdownHooks();
await app.listen(Number(PORT), '127.0.0.1');
