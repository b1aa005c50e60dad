// Text between JavaScript and the wasm's memory. Some React Natives have no TextDecoder, or one that refuses options,
// and Jest's jsdom has neither class: then it goes by what every engine has.

class Encoder {
  /** @param {string} text */
  encode(text) {
    return Uint8Array.from(unescape(encodeURIComponent(text.replace(/[\uD800-\uDFFF]/gu, '\uFFFD'))), (char) => char.charCodeAt(0));
  }
  /**
   * @param {string} text
   * @param {Uint8Array} target
   */
  encodeInto(text, target) {
    const bytes = this.encode(text);
    // All or nothing, where the platform's own writes as much as there is room for.
    if (bytes.length > target.length) return { read: 0, written: 0 };
    target.set(bytes);
    return { read: text.length, written: bytes.length };
  }
}

class Decoder {
  /** @param {Uint8Array} [bytes] */
  decode(bytes = new Uint8Array(0)) {
    return decodeURIComponent(escape(Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')));
  }
}

/** Returns the platform's own class, or what does as well here. */
export function textEncoder() {
  return works(() => new TextEncoder().encodeInto('', new Uint8Array(0))) ? TextEncoder : Encoder;
}

/** Returns the platform's own class, or what does as well here. */
export function textDecoder() {
  return works(() => new TextDecoder('utf-8', { ignoreBOM: true })) ? TextDecoder : Decoder;
}

/** @param {() => unknown} attempt */
function works(attempt) {
  try {
    attempt();
    return true;
  } catch {
    return false;
  }
}
