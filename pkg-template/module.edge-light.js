// How the wasm comes to Vercel's edge runtime: compiled already, in another realm, whose Module is not this one's.
import module from '#wasm';

export { rest } from './instance.js';

/** Makes the whole of it. */
export function first(/** @type {WebAssembly.Imports} */ imports) {
  return new WebAssembly.Instance(Object.setPrototypeOf(module, WebAssembly.Module.prototype), imports).exports;
}
