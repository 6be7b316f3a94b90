// Packs the libraries as they would be published and uses them outside this repository: in blank NestJS apps the types resolve, an auth
// app runs on `authfort`, a service on `authfort-service` accepts its tokens, and the command runs; a blank Vite app builds on
// `authfort-client`.
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'authfort-packages-'));
const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
const version = (name) => lock.packages[`node_modules/${name}`].version;
const children = [];

const run = (command, args, cwd) =>
  execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
const step = (text) => console.log(`- ${text}`);

function pack(lib) {
  const directory = join(root, 'libs', lib);
  rmSync(join(directory, 'dist'), { recursive: true, force: true });
  run(
    process.execPath,
    [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.lib.json'],
    directory,
  );
  const [{ filename, files, size }] = JSON.parse(
    run('npm', ['pack', '--json', '--pack-destination', folder], directory),
  );
  step(`packed ${filename}: ${files.length} files, ${Math.round(size / 1024)} kB`);
  return join(folder, filename);
}

function makeApp(name, dependencies, source) {
  const directory = join(folder, name);
  mkdirSync(directory);
  const nest = ['common', 'core', 'platform-fastify'].map((part) => `@nestjs/${part}`);
  const own = Object.fromEntries(
    [...nest, 'reflect-metadata', 'rxjs', 'typescript', '@types/node'].map((p) => [p, version(p)]),
  );
  const manifest = { name, private: true, type: 'module', dependencies: { ...own, ...dependencies } };
  writeFileSync(join(directory, 'package.json'), JSON.stringify(manifest));
  const compilerOptions = {
    target: 'es2023',
    module: 'nodenext',
    strict: true,
    experimentalDecorators: true,
    emitDecoratorMetadata: true,
    outDir: 'dist',
    types: ['node'],
    // As `nest new` has it: the declarations of PGlite and others do not stand on their own.
    skipLibCheck: true,
  };
  writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['main.ts'] }));
  writeFileSync(join(directory, 'main.ts'), source);
  run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'], directory);
  run(process.execPath, ['node_modules/typescript/bin/tsc'], directory);
  step(`${name}: installed and compiled, with types`);
  return directory;
}

async function start(directory, env) {
  const child = spawn(process.execPath, ['dist/main.js'], {
    cwd: directory,
    env: { ...process.env, NODE_ENV: 'development', ...env },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  children.push(child);
  const url = `http://127.0.0.1:${env.PORT}`;
  const deadline = Date.now() + 40_000;
  while (Date.now() < deadline && child.exitCode === null) {
    const answer = await fetch(url).catch(() => undefined);
    if (answer) return url;
    await new Promise((wait) => setTimeout(wait, 100));
  }
  throw new Error(`${directory} did not start`);
}

async function freePort() {
  const probe = createServer();
  await new Promise((listening) => probe.listen(0, '127.0.0.1', listening));
  const { port } = probe.address();
  await new Promise((closed) => probe.close(closed));
  return String(port);
}

function expectStatus(what, answer, status) {
  if (answer.status !== status) throw new Error(`${what}: ${answer.status} instead of ${status}`);
  step(`${what}: ${status}`);
}

const AUTH_APP = `
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AuthFort, AuthFortModule } from 'authfort';
import { embeddedPostgres } from 'authfort/embedded';

@Module({
  imports: [
    TypeOrmModule.forRoot({ ...embeddedPostgres({ production: false }), autoLoadEntities: true }),
    AuthFortModule.forRoot(),
  ],
})
class AppModule {}

const app = await NestFactory.create(AppModule, new FastifyAdapter(), { logger: ['error'] });
const user = await app.init().then(() => app.get(AuthFort).createUser({ email: 'admin@example.com', password: 'correct horse' }));
await app.get(AuthFort).addRole(user.id, 'admin');
await app.listen(Number(process.env.PORT), '127.0.0.1');
`;

const SERVICE_APP = `
import 'reflect-metadata';
import { Controller, Delete, Get, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { type AuthUser, CurrentUser, Roles, ServiceAuthModule } from 'authfort-service';
import { createTestIssuer } from 'authfort-service/testing';

@Controller('orders')
class OrdersController {
  @Get() list(@CurrentUser() user: AuthUser): { sub: string } { return { sub: user.sub }; }
  @Delete() @Roles('admin') remove(): string { return 'removed'; }
}

@Module({ imports: [ServiceAuthModule.forRoot(process.env.JWKS_URL!)], controllers: [OrdersController] })
class AppModule {}

if (typeof createTestIssuer !== 'function') throw new Error('no test issuer');
const app = await NestFactory.create(AppModule, new FastifyAdapter(), { logger: ['error'] });
await app.listen(Number(process.env.PORT), '127.0.0.1');
`;

const VITE_APP = `
import { type AuthUser, createAuthClient } from 'authfort-client';
import { createAuthStore } from 'authfort-client/svelte';

const auth = createAuthClient({ baseUrl: '/auth' });
const { user } = createAuthStore(auth);
user.subscribe((who: AuthUser | null) => (document.title = who?.email ?? 'Nobody'));
await auth.initialize();
`;

function buildWithVite(client) {
  const directory = join(folder, 'blank-vite');
  mkdirSync(directory);
  const dependencies = {
    'authfort-client': `file:${client}`,
    svelte: version('svelte'),
    typescript: version('typescript'),
    vite: '^8.3.4',
  };
  const manifest = { name: 'blank-vite', private: true, type: 'module', dependencies };
  writeFileSync(join(directory, 'package.json'), JSON.stringify(manifest));
  const compilerOptions = {
    target: 'es2022',
    module: 'esnext',
    moduleResolution: 'bundler',
    strict: true,
    noEmit: true,
  };
  writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['main.ts'] }));
  writeFileSync(join(directory, 'index.html'), '<script type="module" src="main.ts"></script>');
  writeFileSync(join(directory, 'main.ts'), VITE_APP);
  run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'], directory);
  run(process.execPath, ['node_modules/typescript/bin/tsc'], directory);
  run(process.execPath, ['node_modules/vite/bin/vite.js', 'build', '--logLevel', 'error'], directory);
  // Without a page: as a server renders.
  const inNode = `import { createAuthClient } from 'authfort-client'; createAuthClient({ baseUrl: '/auth' });`;
  run(process.execPath, ['--input-type=module', '-e', inNode], directory);
  step('blank-vite: installed, compiled with types, built; imported in Node');
}

try {
  buildWithVite(pack('authfort-client'));
  const service = pack('authfort-service');
  const authfort = pack('authfort');
  const orders = makeApp('blank-service', { 'authfort-service': `file:${service}` }, SERVICE_APP);
  const typeorm = Object.fromEntries(
    ['@nestjs/typeorm', 'typeorm', 'pg'].map((name) => [name, version(name)]),
  );
  const auth = makeApp(
    'blank-auth',
    { ...typeorm, 'authfort-service': `file:${service}`, authfort: `file:${authfort}` },
    AUTH_APP,
  );

  const authUrl = await start(auth, { PORT: await freePort() });
  const ordersUrl = await start(orders, {
    PORT: await freePort(),
    JWKS_URL: `${authUrl}/.well-known/jwks.json`,
  });
  const login = await fetch(`${authUrl}/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: 'admin@example.com', password: 'correct horse' }),
  });
  expectStatus('login at blank-auth', login, 200);
  const headers = { authorization: `Bearer ${(await login.json()).tokens.access_token}` };
  expectStatus('blank-service without a token', await fetch(`${ordersUrl}/orders`), 401);
  expectStatus('blank-service with the token', await fetch(`${ordersUrl}/orders`, { headers }), 200);
  expectStatus(
    'blank-service as admin',
    await fetch(`${ordersUrl}/orders`, { method: 'DELETE', headers }),
    200,
  );
  run('npx', ['--no-install', 'authfort', 'migrate', '--status'], auth);
  step('npx authfort runs from the package');
} finally {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
  for (const lib of ['authfort', 'authfort-client', 'authfort-service'])
    rmSync(join(root, 'libs', lib, 'dist'), { recursive: true, force: true });
}
console.log('The packages work.');
