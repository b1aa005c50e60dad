// What the variants with WebAssembly have in common.

/**
 * Tells whether a view of the memory is still good: one that grew has let go of its old buffer.
 * @param {ArrayBufferView} view
 */
export function isCurrent(view) {
  return view.byteLength > 0;
}

/** There is no more to make where the wasm comes as a whole. */
export function rest(/** @type {WebAssembly.Exports} */ first) {
  return first;
}
