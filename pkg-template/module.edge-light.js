// How the wasm comes to Vercel's edge runtime: compiled already, in another realm, whose Module is not this one's.
import module from '#wasm';

export { instantiate, isCurrent } from './instance.js';

/** Returns the module. */
export function compile() {
  return Object.setPrototypeOf(module, WebAssembly.Module.prototype);
}
