// The wasm as plain JavaScript, for where there is no WebAssembly or a policy forbids it.
import { instantiate as start } from '#wasm-as-js';

/** There is nothing to compile. */
export function compile() {
  return /** @type {WebAssembly.Module} */ ({});
}

/**
 * @param {WebAssembly.Module} module
 * @param {WebAssembly.Imports} imports
 */
export function instantiate(module, imports) {
  return start(imports);
}

/**
 * Tells whether a view of the memory is still good: one that grew has another buffer.
 * @param {ArrayBufferView} view
 * @param {WebAssembly.Memory} memory
 */
export function isCurrent(view, memory) {
  return view.buffer === memory.buffer;
}
