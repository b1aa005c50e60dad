// What the variants with WebAssembly have in common.

/**
 * @param {WebAssembly.Module} module
 * @param {WebAssembly.Imports} imports
 */
export function instantiate(module, imports) {
  return new WebAssembly.Instance(module, imports).exports;
}

/**
 * Tells whether a view of the memory is still good: one that grew has let go of its old buffer.
 * @param {ArrayBufferView} view
 */
export function isCurrent(view) {
  return view.byteLength > 0;
}
