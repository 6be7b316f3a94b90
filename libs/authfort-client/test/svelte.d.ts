declare module '*.svelte' {
  import type { Component } from 'svelte';

  const component: Component<{ client: import('authfort-client').AuthClient }>;
  export default component;
}
