// How the wasm comes: inlined, as hex. Brotli sees through hex, not through base64.
import hex from '#wasm-hex';

/** Compiles the module, which no file has to be found or fetched for. */
export function compile() {
  const bytes = new Uint8Array(hex.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = parseInt(hex.substr(2 * i, 2), 16);
  return new WebAssembly.Module(bytes);
}
