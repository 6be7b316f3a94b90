import type { Type } from '@nestjs/common';
import { GUARDS_METADATA } from '@nestjs/common/constants.js';
import type { ModulesContainer } from '@nestjs/core';
import { STRATEGY_NAME } from '../token/access-token.strategy.js';

/** A variable: bundlers would resolve a literal, and an app may not have the package. */
const PACKAGE: string = '@nestjs/passport';

/** `AuthGuard('authfort')`: @nestjs/passport makes one class for each name. */
let passportGuard: Type | undefined;

/** Loads @nestjs/passport for {@link hasPassportGuard} if a guard of the app looks like one of its guards. */
export async function findPassportGuard(modules: ModulesContainer): Promise<void> {
  if (passportGuard || !guardsIn(modules).some(looksLikePassport)) return;
  const loaded = (await import(PACKAGE).catch(() => undefined)) as
    { AuthGuard?: (strategy: string) => Type } | undefined;
  passportGuard = loaded?.AuthGuard?.(STRATEGY_NAME);
}

/** Whether `AuthGuard('authfort')`, or a class that extends it, guards a handler, its class or the whole app. */
export function hasPassportGuard(modules: ModulesContainer, host: Type, handler: object): boolean {
  if (!passportGuard) return false;
  return [...guardsOn(handler), ...guardsOn(host), ...globalGuards(modules)].some(isPassportGuard);
}

function isPassportGuard(guard: unknown): boolean {
  if (guard === passportGuard) return true;
  const prototype = typeof guard === 'function' ? (guard.prototype as unknown) : guard;
  return prototype instanceof passportGuard!;
}

function guardsIn(modules: ModulesContainer): unknown[] {
  return [...modules.values()].flatMap((module) => [...module.injectables.keys(), ...guardsOf(module)]);
}

function globalGuards(modules: ModulesContainer): unknown[] {
  return [...modules.values()].flatMap(guardsOf);
}

/** Providers of `APP_GUARD`. */
function guardsOf({ providers }: ModulesContainer extends Map<string, infer M> ? M : never): unknown[] {
  return [...providers.values()].filter(({ subtype }) => subtype === 'guard').map(({ metatype }) => metatype);
}

function guardsOn(target: object): unknown[] {
  return (Reflect.getMetadata(GUARDS_METADATA, target) ?? []) as unknown[];
}

function looksLikePassport(guard: unknown): boolean {
  const prototype = (typeof guard === 'function' ? guard.prototype : undefined) as
    Record<string, unknown> | undefined;
  return ['getAuthenticateOptions', 'handleRequest', 'logIn'].every(
    (name) => typeof prototype?.[name] === 'function',
  );
}
