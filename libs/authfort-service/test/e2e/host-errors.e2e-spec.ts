import {
  type ArgumentsHost,
  BadRequestException,
  Body,
  type CanActivate,
  Catch,
  Controller,
  type ExceptionFilter,
  Get,
  HttpException,
  Injectable,
  ParseIntPipe,
  Post,
  Query,
  UnauthorizedException,
  UseGuards,
} from '@nestjs/common';
import { APP_FILTER, HttpAdapterHost } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Public, ServiceAuthModule } from 'authfort-service';
import { createTestIssuer, type TestIssuer } from 'authfort-service/testing';
import { adapters } from '../harness.js';

class OutOfStock extends Error {}

@Injectable()
class OtherGuard implements CanActivate {
  canActivate(): never {
    throw new UnauthorizedException('the other guard');
  }
}

@Controller('host')
@Public()
class HostController {
  @Get('teapot')
  teapot(): never {
    throw new HttpException({ reason: 'teapot' }, 418);
  }
  @Post('validated')
  validated(@Body() _body: unknown): never {
    throw new BadRequestException(['name must be a string']);
  }
  @Get('pipe')
  pipe(@Query('id', ParseIntPipe) id: number): number {
    return id;
  }
  @Get('other-guard')
  @UseGuards(OtherGuard)
  guarded(): string {
    return 'guarded';
  }
  @Get('domain')
  domain(): never {
    throw new OutOfStock();
  }
  @Get('unexpected')
  unexpected(): never {
    throw new Error('secret-cause');
  }
}

@Catch(OutOfStock)
class DomainFilter implements ExceptionFilter {
  constructor(private readonly adapterHost: HttpAdapterHost) {}

  catch(_error: OutOfStock, host: ArgumentsHost): void {
    this.adapterHost.httpAdapter.reply(host.switchToHttp().getResponse(), { domain: 'out of stock' }, 410);
  }
}

/** The module registers no exception filter: errors of the app's own routes are the app's. */
describe.each(adapters)('the errors of an app, on %s', (adapter) => {
  let issuer: TestIssuer;
  const closing: (() => Promise<void>)[] = [];
  beforeAll(async () => {
    issuer = await createTestIssuer();
  });
  afterAll(async () => {
    for (const close of closing) await close();
    await issuer.stop();
  });
  const start = async (withModule: boolean) => {
    const module = await Test.createTestingModule({
      imports: withModule ? [ServiceAuthModule.forRoot(issuer.jwksUrl)] : [],
      controllers: [HostController],
      providers: [{ provide: APP_FILTER, useClass: DomainFilter }],
    }).compile();
    const app = module.createNestApplication(
      adapter === 'express' ? new ExpressAdapter() : new FastifyAdapter(),
      {
        logger: false,
      },
    );
    await app.listen(0, '127.0.0.1');
    closing.push(() => app.close());
    const { port } = app.getHttpServer().address() as { port: number };
    return async (path: string) => {
      const [method, url] = path.split(' ') as [string, string];
      const response = await fetch(`http://127.0.0.1:${port}${url}`, { method });
      return [response.status, await response.json()] as [number, unknown];
    };
  };

  it('are answered as without the module', async () => {
    const [bare, guarded] = [await start(false), await start(true)];
    const paths = [
      'GET /host/teapot',
      'POST /host/validated',
      'GET /host/pipe?id=x',
      'GET /host/other-guard',
      'GET /host/domain',
      'GET /host/unexpected',
      'GET /nowhere',
    ];
    for (const path of paths) expect([path, ...(await guarded(path))]).toEqual([path, ...(await bare(path))]);
    expect(await guarded('GET /host/teapot')).toEqual([418, { reason: 'teapot' }]);
    expect(await guarded('GET /host/domain')).toEqual([410, { domain: 'out of stock' }]);
  });
});
