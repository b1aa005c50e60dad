// How the wasm comes to Cloudflare's Workers, which may not compile bytes: as a module that is compiled already.
import module from '#wasm';

export { rest } from './instance.js';

/** Makes the whole of it. */
export function first(/** @type {WebAssembly.Imports} */ imports) {
  return new WebAssembly.Instance(module, imports).exports;
}
