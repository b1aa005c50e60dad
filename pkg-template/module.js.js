// The wasm as plain JavaScript, for where there is no WebAssembly or a policy forbids it.
import { instantiate } from '#wasm-as-js';

export { rest } from './instance.js';

/** Makes the whole of it. */
export function first(/** @type {() => WebAssembly.Imports} */ imports) {
  return instantiate(imports());
}

/**
 * Tells whether a view of the memory is still good: one that grew has another buffer.
 * @param {ArrayBufferView} view
 * @param {WebAssembly.Memory} memory
 */
export function isCurrent(view, memory) {
  return view.buffer === memory.buffer;
}
