// Foreign values, which may be another realm's, a polyfill's, or made to throw: read and called with every step
// caught. What throws inside the wasm's imports would end its instance.

/**
 * Returns what a function does, or null where it throws.
 * @template T
 * @param {() => T} attempt
 */
export function caught(attempt) {
  try {
    return attempt();
  } catch {
    return null;
  }
}

/**
 * Reads a field; of nothing it is undefined, and null where its getter throws.
 * @param {any} value
 * @param {string | symbol} name
 */
export function read(value, name) {
  // Not by `caught`, which takes a function for each field: options alone have fifteen.
  try {
    return value?.[name];
  } catch {
    return null;
  }
}

/**
 * Tells whether a field is a function.
 * @param {any} value
 * @param {string | symbol} name
 */
export function has(value, name) {
  return typeof read(value, name) === 'function';
}

/**
 * Tells whether a value can be listened to as an `AbortSignal` can.
 * @param {any} value
 */
export function isSignal(value) {
  return typeof read(value, 'aborted') === 'boolean' && has(value, 'addEventListener');
}

/**
 * Returns headers as the platform judges and orders them, and the same as one text; null where it refuses them.
 * @param {any} init
 * @returns {[Headers, string] | null}
 */
export function readHeaders(init) {
  return caught(() => {
    const headers = new Headers(init);
    // Most calls have none, and to list those takes longer than to make them.
    return [headers, init ? JSON.stringify([...headers]) : '[]'];
  });
}

/**
 * Returns an absolute URL as the platform writes it; null for what is none.
 * @param {any} url
 */
export function absolute(url) {
  return caught(() => {
    // By another name: what bundlers look for is the one that the platform gives it.
    const { URL: Parser, location } = globalThis;
    const text = typeof url === 'object' ? url.href : url;
    return typeof text === 'string' ? new Parser(text, location?.href).href : null;
  });
}

/**
 * Tells whether a value can be iterated as a list is; a string is none, though it iterates.
 * @param {any} value
 * @param {'iterator' | 'asyncIterator'} symbol
 */
export function iterates(value, symbol) {
  return typeof value !== 'string' && has(value, Symbol[symbol]);
}

/**
 * Returns a list as an array; null for what is none.
 * @param {any} value
 * @returns {unknown[] | null}
 */
export function arrayOf(value) {
  return iterates(value, 'iterator') ? caught(() => Array.from(value)) : null;
}
