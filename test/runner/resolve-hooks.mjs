const globals = new URL('globals.mjs', import.meta.url).href;

/** A hook of Node's module loader. */
export function resolve(specifier, context, next) {
  return specifier === '@jest/globals'
    ? { url: globals, format: 'module', shortCircuit: true }
    : next(specifier, context);
}
