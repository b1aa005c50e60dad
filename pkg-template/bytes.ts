/** `Uint8Array.fromHex`, which newer engines have: ECMAScript 2026. */
type Native = { fromHex?: (hex: string) => Uint8Array<ArrayBuffer> };

/** Returns the bytes of a hexadecimal text. The wasm is a text because bundlers and browsers need no configuration for that. */
export function bytesOf(hex: string): Uint8Array<ArrayBuffer> {
  return (Uint8Array as Native).fromHex?.(hex) ?? decoded(hex);
}

/** Decodes four bytes at a time. In the first call the code is not optimised yet, and a loop over each byte takes a millisecond more. */
function decoded(hex: string) {
  const length = hex.length / 2, bytes = new DataView(new ArrayBuffer(length + 3));
  for (let at = 0; at < length; at += 4) bytes.setUint32(at, parseInt(hex.slice(2 * at, 2 * at + 8).padEnd(8, '0'), 16));
  return new Uint8Array(bytes.buffer, 0, length);
}
