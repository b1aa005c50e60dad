// How the wasm comes: inlined, two letters a byte, five bits in the first and three in the second. Brotli sees
// through that better than through hex, and not at all through base64.
import text from '#wasm-text';

export { instantiate, isCurrent } from './instance.js';

/** Compiles the module, which no file has to be found or fetched for. */
export function compile() {
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(2 * i) - 40 << 3 | text.charCodeAt(2 * i + 1) - 97;
  return new WebAssembly.Module(bytes);
}
