// How the wasm comes: inlined as text, a letter for each byte below 72 and two for any other. Brotli sees through
// that better than through hex, and not at all through base64. It comes in halves: what a check needs is a small part.
import { data, decoder, first as firstText, rest as restText } from '#wasm-text';

/** @import { First } from '#module' */
/** @typedef {Pick<TextEncoder, 'encode' | 'encodeInto'>} Encoder */

/** @type {WebAssembly.Module | undefined} */
let firstModule;
/** @type {WebAssembly.Module | undefined} */
let restModule;

/**
 * Makes the first half, which needs nothing.
 * @param {unknown} imports
 * @param {Encoder} encoder
 */
export function first(imports, encoder) {
  firstModule ??= compiled(firstText(), encoder);
  const exports = /** @type {First} */ (new WebAssembly.Instance(firstModule).exports);
  for (const [at, text] of data) encoder.encodeInto(text, new Uint8Array(exports.memory.buffer, at));
  return exports;
}

/**
 * Makes the other half around it.
 * @param {First} first
 * @param {WebAssembly.Imports} imports
 * @param {Encoder} encoder
 */
export function rest(first, imports, encoder) {
  restModule ??= compiled(restText(), encoder);
  return new WebAssembly.Instance(restModule, { ...imports, '': first }).exports;
}

/**
 * Compiles a half, which no file has to be found or fetched for. The letters are read by a small wasm: in JavaScript an
 * engine is slow at it, until in vain it has compiled that.
 * @param {string} text
 * @param {Encoder} encoder
 */
function compiled(text, encoder) {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(encoder.encode(decoder)));
  const { memory, decode } = /** @type {{ memory: WebAssembly.Memory, decode(letters: number): number }} */ (/** @type {unknown} */ (exports));
  const bytes = new Uint8Array(memory.buffer);
  return new WebAssembly.Module(bytes.subarray(0, decode(encoder.encodeInto(text, bytes).written)));
}
