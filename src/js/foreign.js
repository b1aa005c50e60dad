// Foreign values, which may be another realm's, a polyfill's, or made to throw: read and called with every step
// caught. What throws inside the wasm's imports would end its instance.

/**
 * Returns what a function returns, or null if it throws.
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

const { getPrototypeOf, prototype: { hasOwnProperty } } = Object;

/** The longest prototype chain that is followed: a Proxy may have one without an end. */
const LONGEST_CHAIN = 100;

/**
 * Tells whether an object has a field from the root of its prototype chain alone. Any script can set a field on
 * `Object.prototype`, of this realm or another, for every object: nobody asked for it here. A class is another thing.
 * @param {any} value
 * @param {string | symbol} name
 */
function isOfRoot(value, name) {
  for (let at = value, length = 0; length < LONGEST_CHAIN; length++) {
    const above = getPrototypeOf(at);
    if (hasOwnProperty.call(at, name)) return above === null && at !== value;
    if (above === null) return false;
    at = above;
  }
  return false;
}

/**
 * Reads a field. It is undefined if the value is nothing or has the field from the root of its prototype chain, and null
 * if reading throws.
 * @param {any} value
 * @param {string | symbol} name
 */
export function read(value, name) {
  // Not by `caught`, which takes a function for each field: options alone have fifteen.
  try {
    return value === undefined || value === null || isOfRoot(value, name) ? undefined : value[name];
  } catch {
    return null;
  }
}

/**
 * Tells whether an object has a field, even if that is undefined, and not from the root of its prototype chain.
 * @param {object} value
 * @param {string} name
 */
export function isGiven(value, name) {
  return caught(() => name in value && !isOfRoot(value, name)) ?? true;
}

/**
 * Defines a field that its owner may change. The descriptor has no prototype: what anyone puts on `Object.prototype`, such as
 * `get`, would make it another one.
 * @param {object} target
 * @param {PropertyKey} name
 * @param {unknown} value
 * @param {boolean} enumerable
 */
export function define(target, name, value, enumerable) {
  Object.defineProperty(target, name, Object.assign(Object.create(null), { value, enumerable, writable: true, configurable: true }));
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

/** Returns the platform's own fetch, as it is now: a page or a test may have replaced it. */
export function platformFetch() {
  return caught(() => globalThis.fetch);
}

/** Returns the platform's class `Headers`. */
export function platformHeaders() {
  return caught(() => globalThis.Headers);
}

/**
 * Returns headers as the platform judges and orders them, and the same as one text; null if it refuses them.
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
 * @param {string} [elsewhere] what it is relative to if there is no location
 */
export function absolute(url, elsewhere) {
  return caught(() => {
    // By another name: what bundlers look for is the one that the platform gives it.
    const { URL: Parser, location } = globalThis;
    const text = typeof url === 'object' ? read(url, 'href') : url;
    return typeof text === 'string' ? new Parser(text, location?.href ?? elsewhere).href : null;
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
