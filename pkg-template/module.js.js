// The wasm as plain JavaScript, for where there is no WebAssembly or a policy forbids it.
import { instantiate } from '#wasm-as-js';

export { rest } from './instance.js';

/** Makes the whole of it. */
export const first = instantiate;
