import {
  Controller,
  Delete,
  Get,
  HttpCode,
  type INestApplication,
  Param,
  Post,
  type Type,
  UseGuards,
} from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { AuthGuard } from '@nestjs/passport';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import {
  type AuthUser,
  Clock,
  CurrentUser,
  ErrorFilter,
  fastifyOptions,
  Introspect,
  Public,
  Roles,
  ServiceAuthModule,
  type ServiceAuthOptions,
} from 'authfort-service';
import { TEST_INTROSPECT_SECRET, type TestIssuer } from 'authfort-service/testing';

export type Adapter = 'express' | 'fastify';
export const adapters: Adapter[] = ['express', 'fastify'];

/** A clock that the tests move. */
export class TestClock extends Clock {
  private ahead = 0;

  override now(): Date {
    return new Date(Date.now() + this.ahead);
  }

  advance(seconds: number): void {
    this.ahead += seconds * 1000;
  }
}

@Controller('orders')
export class OrdersController {
  @Get()
  list(@CurrentUser() user: AuthUser): AuthUser {
    return user;
  }
  @Get('mine')
  mine(@CurrentUser('sub') sub: string): { sub: string } {
    return { sub };
  }
  @Get('plain')
  plain(): string {
    return 'plain';
  }
  @Post()
  @HttpCode(200)
  create(): { created: true } {
    return { created: true };
  }
  @Delete(':id')
  @Roles('admin', 'manager')
  remove(@Param('id') id: string): { id: string } {
    return { id };
  }
  @Post(':id/refund')
  @HttpCode(200)
  @Introspect()
  @Roles('clerk')
  refund(@CurrentUser() user: AuthUser): { roles: readonly string[] } {
    return { roles: user.roles };
  }
  @Get('health')
  @Public()
  health(): string {
    return 'fine';
  }
}

/** Replaces the method, as decorators of other libraries do: what was noted of its name is lost. */
function Wrapped(_target: object, _name: string, descriptor: PropertyDescriptor): void {
  const original = descriptor.value as (...args: unknown[]) => unknown;
  descriptor.value = function (this: unknown, ...args: unknown[]) {
    return original.apply(this, args);
  };
}

@Controller('wrapped')
export class WrappedController {
  @Get()
  @Wrapped
  list(@CurrentUser() user: AuthUser | null): { user: AuthUser | null } {
    return { user };
  }
}

@Controller('base')
export class BaseController {
  @Get()
  list(@CurrentUser() user: AuthUser): { sub: string } {
    return { sub: user.sub };
  }
}

/** Nest hands the parameter decorators of the base class down to a method of the same name. */
@Controller('overriding')
export class OverridingController extends BaseController {
  @Get()
  override list(user: AuthUser): { sub: string } {
    return { sub: user.sub };
  }
}

@Controller('failing')
@Public()
export class FailingController {
  @Get('syntax')
  syntax(): unknown {
    return JSON.parse('echo-me');
  }
  @Get('upstream')
  upstream(): never {
    throw Object.assign(new Error('echo-me'), { statusCode: 404 });
  }
}

@Controller('passport')
@Public()
export class PassportController {
  @Get()
  @UseGuards(AuthGuard('authfort'))
  byPassport(): string {
    return 'passport';
  }
}

@Controller('open')
@Public()
export class OpenController {
  @Get()
  open(): string {
    return 'open';
  }
  @Get('me')
  me(@CurrentUser() user: AuthUser): string {
    return user.sub;
  }
}

@Controller('staff')
@Roles('staff')
export class StaffController {
  @Get()
  list(): string {
    return 'staff';
  }
  @Get('boss')
  @Roles('boss')
  boss(): string {
    return 'boss';
  }
}

export interface ServiceUnderTest {
  app: INestApplication;
  clock: TestClock;
  url: string;
  get(path: string, headers?: Record<string, string>): Promise<ServiceAnswer>;
  send(method: string, path: string, headers?: Record<string, string>, body?: string): Promise<ServiceAnswer>;
  close(): Promise<void>;
}

export interface ServiceAnswer {
  status: number;
  headers: Headers;
  text: string;
  // Bodies are looked into freely here.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  body: any;
}

export interface ServiceOptions {
  adapter?: Adapter;
  options?: Partial<ServiceAuthOptions>;
  filter?: boolean;
  controllers?: Type[];
  /** Fastify over HTTP/2 without TLS; ask it with `overHttp2`. */
  http2?: boolean;
}

export const fastifyAdapter = (http2 = false): FastifyAdapter =>
  http2 ? new FastifyAdapter({ ...fastifyOptions, http2: true }) : new FastifyAdapter(fastifyOptions);

/** Starts a service that trusts the issuer. */
export async function startService(
  issuer: TestIssuer,
  { adapter, options, filter, controllers, http2 }: ServiceOptions = {},
): Promise<ServiceUnderTest> {
  const clock = new TestClock();
  const module = await Test.createTestingModule({
    imports: [
      ServiceAuthModule.forRoot({
        jwksUrl: issuer.jwksUrl,
        introspectUrl: issuer.introspectUrl,
        introspectSecret: TEST_INTROSPECT_SECRET,
        ...options,
      }),
    ],
    controllers: controllers ?? [OrdersController, PassportController, OpenController, StaffController],
    providers: filter === false ? [] : [{ provide: APP_FILTER, useClass: ErrorFilter }],
  })
    .overrideProvider(Clock)
    .useValue(clock)
    .compile();
  const app = module.createNestApplication(
    adapter === 'express' ? new ExpressAdapter() : fastifyAdapter(http2),
    { logger: false },
  );
  await app.listen(0, '127.0.0.1');
  const { port } = app.getHttpServer().address() as { port: number };
  const url = `http://127.0.0.1:${port}`;
  const send: ServiceUnderTest['send'] = async (method, path, headers, body) => {
    const response = await fetch(url + path, { method, headers, body });
    const text = await response.text();
    let parsed: unknown;
    try {
      parsed = JSON.parse(text);
    } catch {
      parsed = undefined;
    }
    return { status: response.status, headers: response.headers, text, body: parsed };
  };
  return {
    app,
    clock,
    url,
    send,
    get: (path, headers) => send('GET', path, headers),
    close: () => app.close(),
  };
}

/** The header of a bearer token. */
export const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });
