import { createHash, generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { promisify } from 'node:util';
import { Controller, Get, HttpCode, Inject, Module, Post, Res } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { hash, verify } from '@node-rs/argon2';
import { fastifyOptions } from 'authfort-service';
import type pg from 'pg';
import { DataSource } from 'typeorm';
import { connectionOptions } from '../../libs/authfort/src/database/connection-options.js';
import { serveBench } from '../load/bench-server.js';

const [, , databaseUrl, dataDir = ''] = process.argv;
const ROWS = 1_000;
const dataSource = await new DataSource(
  connectionOptions({ databaseUrl: databaseUrl || undefined, dataDir, production: false }),
).initialize();
/** That of the auth server, used without anything in between. */
const pool = (dataSource.driver as unknown as { master: pg.Pool }).master;

async function seed(): Promise<string[]> {
  await pool.query(
    'CREATE TABLE IF NOT EXISTS bare (id uuid PRIMARY KEY, email text NOT NULL, name text, changes integer NOT NULL)',
  );
  const ids = Array.from({ length: ROWS }, () => randomUUID());
  await pool.query(
    `INSERT INTO bare SELECT id, id || '@example.com', 'Ada Lovelace', 0 FROM unnest($1::uuid[]) AS id`,
    [ids],
  );
  await pool.query('VACUUM (ANALYZE) bare');
  return ids;
}

/** The least that a route does which answers from the database, and one that writes and signs. */
@Controller()
class BareController {
  private readonly privateKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  private readonly sign = promisify(sign);
  /** As long as an access token without its signature. */
  private readonly claims = Buffer.alloc(620, 'x');
  private readonly lanes = Array.from({ length: LANES }, oneAfterTheOther);
  private lane = 0;
  private turn = 0;
  private keys = '';
  private etag = '';

  constructor(@Inject('IDS') private readonly ids: readonly string[]) {}

  @Get('read')
  get(): Promise<unknown> {
    return this.read();
  }

  @Post('read')
  @HttpCode(200)
  async read(): Promise<unknown> {
    const text = 'SELECT id, email, name, changes FROM bare WHERE id = $1';
    const { rows } = await pool.query({ name: 'read', text, values: [this.nextId()] });
    return rows[0];
  }

  @Post('write')
  @HttpCode(200)
  async write(): Promise<unknown> {
    const text = 'UPDATE bare SET changes = changes + 1 WHERE id = $1 RETURNING id, email, name, changes';
    const { rows } = await pool.query<object>({ name: 'write', text, values: [this.nextId()] });
    const signature = await this.sign('sha256', this.claims, this.privateKey);
    return { ...rows[0], signature: signature.toString('base64url') };
  }

  /** The least that a login could be: find the user, compare, note it, sign. As many at once as the auth server compares. */
  @Post('login')
  @HttpCode(200)
  async login(): Promise<unknown> {
    await this.read();
    await this.lanes[(this.lane = (this.lane + 1) % LANES)]!(() => verify(stored, PASSWORD));
    return this.write();
  }

  /** The same bytes as the auth server's. */
  @Get('jwks')
  jwks(@Res() response: { header(name: string, value: string): unknown; send(body: string): unknown }): void {
    response.header('Cache-Control', 'public, max-age=60');
    response.header('ETag', this.etag);
    response.header('Content-Type', 'application/json; charset=utf-8');
    response.send(this.keys);
  }

  show(keys: string): void {
    this.keys = keys;
    this.etag = `"${createHash('sha256').update(keys).digest('base64url')}"`;
  }

  private nextId(): string {
    this.turn = (this.turn + 1) % this.ids.length;
    return this.ids[this.turn]!;
  }
}

const PASSWORD = 'correct horse';
/** Hashes at once, as the auth server has them. */
const LANES = Math.min(availableParallelism(), 3);
/** RFC 9106 §4, second recommended option, as the auth server has it. */
const stored = await hash(PASSWORD, {
  algorithm: 2,
  memoryCost: 65_536,
  timeCost: 3,
  parallelism: 4,
  outputLen: 32,
});

/** Compares a password for that long, as many at once as the auth server does. @returns how often, and how many milliseconds it took */
async function compare(milliseconds: number): Promise<{ count: number; took: number }> {
  const start = performance.now();
  let count = 0;
  const lane = async (): Promise<void> => {
    while (performance.now() - start < milliseconds) {
      await verify(stored, PASSWORD);
      count += 1;
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return { count, took: performance.now() - start };
}

/** A queue: what it is given begins when the one before has ended. */
function oneAfterTheOther(): (work: () => Promise<unknown>) => Promise<unknown> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => (last = last.then(work));
}

@Module({ controllers: [BareController], providers: [{ provide: 'IDS', useValue: await seed() }] })
class BareModule {}

const app = await NestFactory.create(BareModule, new FastifyAdapter(fastifyOptions), { logger: ['error'] });
await app.listen(0, '127.0.0.1');
const { port } = app.getHttpServer().address() as { port: number };
serveBench({
  url: `http://127.0.0.1:${port}`,
  commands: { compare, show: (keys: string) => app.get(BareController).show(keys) },
  close: async () => {
    await app.close();
    await dataSource.destroy();
  },
});
