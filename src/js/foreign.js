// Foreign values. A value may be from another realm or from a polyfill, or reading it may throw. Each step catches errors, because an
// error that passes through the wasm's imports would end the instance.

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

/** The longest prototype chain that is followed: the chain of a Proxy may be endless. */
const LONGEST_CHAIN = 100;

/**
 * Tells whether an object has a field only from the root of its prototype chain. Any script can set a field of `Object.prototype`, of
 * this realm or another one. Such a field is in every object, so it is no option of the caller. But a field from a class is an option.
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
 * Reads a field. The result is undefined if the value is undefined or null, or if only the root of its prototype chain has the field.
 * It is null if reading throws.
 * @param {any} value
 * @param {string | symbol} name
 */
export function read(value, name) {
  // This does not use `caught`, which needs a function for each field. Options alone have fifteen fields.
  try {
    return value === undefined || value === null || isOfRoot(value, name) ? undefined : value[name];
  } catch {
    return null;
  }
}

/**
 * Tells whether an object has a field, even if its value is undefined. The root of the prototype chain does not count.
 * @param {object} value
 * @param {string} name
 */
export function isGiven(value, name) {
  return caught(() => name in value && !isOfRoot(value, name)) ?? true;
}

/**
 * Defines a field that can be changed. The descriptor has no prototype: otherwise a field of `Object.prototype`, such as `get`, would
 * become a part of it.
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

/** The first `fetch` in Firefox's content scripts. There each read of the global gives another function. @type {typeof fetch | undefined} */
let first;

/** Returns the global `fetch` of this moment: a page or a test may have replaced it. */
export function platformFetch() {
  return caught(() => globalThis.fetch === globalThis.fetch ? globalThis.fetch : first ??= globalThis.fetch);
}

/** Returns the platform's class `Headers`. */
export function platformHeaders() {
  return caught(() => globalThis.Headers);
}

/**
 * Returns headers as the platform checks and sorts them, and as one text; null if the platform refuses them. It would take a promise
 * or a function for an object without headers.
 * @param {any} init
 * @returns {[Headers, string] | null}
 */
export function readHeaders(init) {
  return has(init, 'then') || typeof init === 'function' ? null : caught(() => {
    const headers = new Headers(init);
    // Most calls have no headers, and listing an empty object takes longer than making it.
    return [headers, init ? JSON.stringify([...headers]) : '[]'];
  });
}

/**
 * Returns an absolute URL as the platform writes it; null if the value is no URL.
 * @param {any} url
 * @param {string} [elsewhere] what it is relative to if there is no location
 */
export function absolute(url, elsewhere) {
  return caught(() => {
    // `URL` by another name, because bundlers look for the text `new URL`.
    const { URL: Parser, location } = globalThis;
    const text = typeof url === 'object' ? read(url, 'href') : url;
    return typeof text === 'string' ? new Parser(text, location?.href ?? elsewhere).href : null;
  });
}

/**
 * Tells whether a value can be iterated as a list. A string counts as no list, although it can be iterated.
 * @param {any} value
 * @param {'iterator' | 'asyncIterator'} symbol
 */
export function iterates(value, symbol) {
  return typeof value !== 'string' && has(value, Symbol[symbol]);
}

/**
 * Returns a list as an array; null for any other value.
 * @param {any} value
 * @returns {unknown[] | null}
 */
export function arrayOf(value) {
  return iterates(value, 'iterator') ? caught(() => Array.from(value)) : null;
}
