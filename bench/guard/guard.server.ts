import { Controller, Get, type INestApplication, Module, UseGuards } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AuthGuard, PassportModule, PassportStrategy } from '@nestjs/passport';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Public, ServiceAuthModule } from 'authfort-service';
import { createTestIssuer } from 'authfort-service/testing';
import jwksRsa from 'jwks-rsa';
import { ExtractJwt, Strategy } from 'passport-jwt';
import { serveBench } from '../load/bench-server.js';

// argv: the adapter (express | fastify) and the guard (authfort | passport | empty).
const [adapter, guard] = process.argv.slice(2);
const issuer = await createTestIssuer();

const ANSWER = { id: 7, status: 'shipped' };

/** The same two routes in each app. */
@Controller('orders')
class GuardedController {
  @Get('guarded')
  guarded(): typeof ANSWER {
    return ANSWER;
  }

  @Get('open')
  @Public()
  open(): typeof ANSWER {
    return ANSWER;
  }

  /** The other half of the pair that shows the noise. */
  @Get('also-open')
  @Public()
  alsoOpen(): typeof ANSWER {
    return ANSWER;
  }
}

@Controller('orders')
class PassportController {
  @Get('guarded')
  @UseGuards(AuthGuard('jwt'))
  guarded(): typeof ANSWER {
    return ANSWER;
  }
}

/** As the documentation of Nest and of jwks-rsa has it. */
class JwtStrategy extends PassportStrategy(Strategy) {
  constructor() {
    super({
      jwtFromRequest: ExtractJwt.fromAuthHeaderAsBearerToken(),
      secretOrKeyProvider: jwksRsa.passportJwtSecret({
        cache: true,
        rateLimit: true,
        jwksUri: issuer.jwksUrl,
      }),
      issuer: 'authfort',
      algorithms: ['RS256'],
    });
  }

  validate({ sub, roles }: { sub: string; roles: string[] }): { sub: string; roles: string[] } {
    return { sub, roles };
  }
}

class EmptyGuard {
  canActivate(): boolean {
    return true;
  }
}

@Controller('orders')
@UseGuards(EmptyGuard)
class EmptyGuardController {
  @Get('guarded')
  guarded(): typeof ANSWER {
    return ANSWER;
  }
}

const modules: Record<string, object> = {
  authfort: { imports: [ServiceAuthModule.forRoot(issuer.jwksUrl)], controllers: [GuardedController] },
  passport: { imports: [PassportModule], controllers: [PassportController], providers: [JwtStrategy] },
  empty: { controllers: [EmptyGuardController] },
};

@Module(modules[guard!]!)
class BenchModule {}

const app: INestApplication = await NestFactory.create(
  BenchModule,
  adapter === 'express' ? new ExpressAdapter() : new FastifyAdapter(),
  { logger: ['error', 'fatal'], abortOnError: false },
);
await app.listen(0, '127.0.0.1');
const { port } = app.getHttpServer().address() as { port: number };
serveBench({
  url: `http://127.0.0.1:${port}`,
  commands: {
    /** A token as the auth server's are. */
    sign: () => issuer.sign({ roles: ['member'], exp: Math.floor(Date.now() / 1000) + 3600 }),
  },
  close: async () => {
    await app.close();
    await issuer.stop();
  },
});
