// How the wasm comes: inlined as text, a letter for each byte below 72 and two for any other. Brotli sees through
// that better than through hex, and not at all through base64. It comes in halves: what a check needs is a small part.
import { data, first as firstText, rest as restText } from '#wasm-text';

/** @import { First } from '#module' */

export { isCurrent } from './instance.js';

/** @type {WebAssembly.Module | undefined} */
let firstModule;
/** @type {WebAssembly.Module | undefined} */
let restModule;

/**
 * Makes the first half, which needs nothing.
 * @param {unknown} imports
 * @param {Pick<TextEncoder, 'encodeInto'>} encoder
 */
export function first(imports, encoder) {
  firstModule ??= compiled(firstText);
  const exports = /** @type {First} */ (new WebAssembly.Instance(firstModule).exports);
  for (const [at, text] of data) encoder.encodeInto(text, new Uint8Array(exports.memory.buffer, at));
  return exports;
}

/**
 * Makes the other half around it.
 * @param {First} first
 * @param {WebAssembly.Imports} imports
 */
export function rest(first, imports) {
  restModule ??= compiled(restText);
  return new WebAssembly.Instance(restModule, { ...imports, '': first }).exports;
}

/** Compiles a half, which no file has to be found or fetched for. */
function compiled(/** @type {string} */ text) {
  const bytes = new Uint8Array(text.length);
  let length = 0;
  for (let i = 0; i < text.length; i++) {
    const letter = text.charCodeAt(i) - 35;
    bytes[length++] = letter < 72 ? letter : letter - 71 << 6 | text.charCodeAt(++i) - 35;
  }
  return new WebAssembly.Module(bytes.subarray(0, length));
}
