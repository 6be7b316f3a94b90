import type { ModulesContainer } from '@nestjs/core';
import { isDecorated } from '../guards/access-requirement.js';
import { handlersOf, type NestModule } from './handler-scan.js';

/** The token of the options of @nestjs/graphql, which is not imported here. */
const GRAPHQL_OPTIONS = 'GqlModuleOptions';

interface GraphqlOptions {
  readonly fieldResolverEnhancers?: readonly string[];
  /** The modules whose resolvers are served; empty: all. */
  readonly include?: readonly unknown[];
}

/**
 * The fields that ask for roles, permissions, introspection or the user, and whose guard Nest would not run: it runs guards on
 * `@ResolveField()` only with `fieldResolverEnhancers: ['guards']` in the options of the GraphQLModule.
 */
export function unguardedFields(modules: ModulesContainer): string[] {
  const servers = graphqlServers(modules);
  const names = [...modules.values()].flatMap((module) => {
    const ignoring = servers.some((options) => serves(options, module) && !runsGuards(options));
    if (!ignoring) return [];
    return handlersOf(module)
      .filter(({ kind, host, callback }) => kind === 'FIELD' && isDecorated(host, callback))
      .map(({ names: [field], host, methodName }) => `${field} (${host.name}.${methodName})`);
  });
  return [...new Set(names)].sort();
}

/** Whether the guard runs on the fields of a module: every GraphQL server of the app that serves it runs guards on fields. */
export function guardsFields(modules: ModulesContainer, module: NestModule): boolean {
  return graphqlServers(modules)
    .filter((options) => serves(options, module))
    .every((options) => runsGuards(options));
}

/** The options of every GraphQLModule; `{}` for one whose options are not found. */
function graphqlServers(modules: ModulesContainer): GraphqlOptions[] {
  return [...modules.values()].flatMap((module) => {
    const wrapper = module.providers.get(GRAPHQL_OPTIONS);
    if (wrapper) return [(wrapper.instance ?? {}) as GraphqlOptions];
    return module.metatype?.name === 'GraphQLModule' ? [{}] : [];
  });
}

function serves({ include = [] }: GraphqlOptions, { metatype }: NestModule): boolean {
  return include.length === 0 || include.includes(metatype);
}

function runsGuards({ fieldResolverEnhancers = [] }: GraphqlOptions): boolean {
  return fieldResolverEnhancers.includes('guards');
}
