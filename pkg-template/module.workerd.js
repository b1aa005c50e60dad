// How the wasm comes to Cloudflare's Workers, which may not compile bytes: as a module that is compiled already.
import module from '#wasm';

export { instantiate, isCurrent } from './instance.js';

/** Returns the module. */
export function compile() {
  return module;
}
