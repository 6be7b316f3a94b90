import { randomBytes } from 'node:crypto';
import { type INestApplication, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AuthFort, AuthFortModule, type AuthFortOptions } from 'authfort';
import { fastifyOptions } from 'authfort-service';
import { DataSource } from 'typeorm';
import { connectionOptions } from '../libs/authfort/src/database/connection-options.js';

/** A running auth server. */
export interface BenchServer {
  readonly url: string;
  readonly authfort: AuthFort;
  readonly dataSource: DataSource;
  readonly introspectSecret: string;
  close(): Promise<void>;
}

@Module({})
class BenchModule {}

/** What differs from bench to bench. */
export interface BenchServerOptions {
  /** Folder of the embedded database, which is used where there is no URL. */
  readonly dataDir?: string;
  /** Default: none. */
  readonly rateLimit?: AuthFortOptions['rateLimit'];
}

/** Starts an auth server as the app does, on a free port. It migrates the database. */
export async function startAuthServer(
  databaseUrl: string | undefined,
  { dataDir = '', rateLimit = false }: BenchServerOptions = {},
): Promise<BenchServer> {
  const introspectSecret = randomBytes(32).toString('base64url');
  const module = {
    module: BenchModule,
    imports: [
      TypeOrmModule.forRoot({
        ...connectionOptions({ databaseUrl, dataDir, production: false }),
        autoLoadEntities: true,
      }),
      AuthFortModule.forRoot({
        // The same for all processes of a bench: they may share a database.
        keyEncryptionSecret: 'key-encryption-secret-of-the-benches',
        introspectSecret,
        rateLimit,
      }),
    ],
  };
  const app: INestApplication = await NestFactory.create(module, new FastifyAdapter(fastifyOptions), {
    logger: ['error', 'fatal'],
    abortOnError: false,
  });
  await app.listen(0, '127.0.0.1');
  const { port } = app.getHttpServer().address() as { port: number };
  return {
    url: `http://127.0.0.1:${port}`,
    authfort: app.get(AuthFort),
    dataSource: app.get(DataSource),
    introspectSecret,
    close: () => app.close(),
  };
}
