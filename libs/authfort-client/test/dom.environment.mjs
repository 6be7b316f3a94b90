import HappyDom from '@happy-dom/jest-environment';

/** A document for the bindings' tests. What Node has of the web stays Node's own: the requests are real ones. */
export default class DomEnvironment extends HappyDom {
  async setup() {
    await super.setup();
    for (const name of [
      'MessageChannel',
      'fetch',
      'Request',
      'Response',
      'Headers',
      'AbortController',
      'AbortSignal',
      'BroadcastChannel',
    ])
      this.global[name] = globalThis[name];
  }

  exportConditions() {
    return ['browser'];
  }
}
