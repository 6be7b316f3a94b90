import { compile, compileModule } from 'svelte/compiler';

/** Lets Jest read Svelte components, and the modules with runes of Svelte's test library. */
export default {
  canInstrument: false,
  processAsync(source, filename) {
    const build = filename.endsWith('.svelte') ? compile : compileModule;
    const { js } = build(source, { filename, generate: 'client', dev: false });
    return { code: js.code };
  },
};
