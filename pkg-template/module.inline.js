// How the wasm comes: inlined as text, a letter for each byte below 72 and two for any other. Brotli sees through
// that better than through hex, and not at all through base64.
import text from '#wasm-text';

export { instantiate, isCurrent } from './instance.js';

/** Compiles the module, which no file has to be found or fetched for. */
export function compile() {
  const bytes = new Uint8Array(text.length);
  let length = 0;
  for (let i = 0; i < text.length; i++) {
    const letter = text.charCodeAt(i) - 35;
    bytes[length++] = letter < 72 ? letter : letter - 71 << 6 | text.charCodeAt(++i) - 35;
  }
  return new WebAssembly.Module(bytes.subarray(0, length));
}
