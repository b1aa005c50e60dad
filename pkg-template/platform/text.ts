// Text between JavaScript and the wasm's memory. Some versions of React Native have no TextDecoder, or one that refuses options. Jest's
// jsdom has neither TextEncoder nor TextDecoder. For those there are replacements that every engine can run.

class Encoder {
  encode(text: string): Uint8Array<ArrayBuffer> {
    return Uint8Array.from(unescape(encodeURIComponent(text.replace(/[\uD800-\uDFFF]/gu, '\uFFFD'))), (char) => char.charCodeAt(0));
  }
  encodeInto(text: string, target: Uint8Array) {
    const bytes = this.encode(text);
    // This writes all or nothing. The platform's own class writes as much as there is room for.
    if (bytes.length > target.length) return { read: 0, written: 0 };
    target.set(bytes);
    return { read: text.length, written: bytes.length };
  }
}

class Decoder {
  decode(bytes: Uint8Array = new Uint8Array(0)): string {
    return decodeURIComponent(escape(Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')));
  }
}

/** Returns the platform's own class, or the replacement. */
export function textEncoder(): new () => Pick<TextEncoder, 'encode' | 'encodeInto'> {
  return works(() => new TextEncoder().encodeInto('', new Uint8Array(0))) ? TextEncoder : Encoder;
}

/** Returns the platform's own class, or the replacement. */
export function textDecoder(): new (label?: string, options?: TextDecoderOptions) => { decode(bytes?: Uint8Array): string } {
  return works(() => new TextDecoder('utf-8', { ignoreBOM: true })) ? TextDecoder : Decoder;
}

function works(attempt: () => unknown): boolean {
  try {
    attempt();
    return true;
  } catch {
    return false;
  }
}
