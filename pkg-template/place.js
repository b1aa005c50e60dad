// A token on its way to where the wasm looks at it.
import { tried } from './loader.js';

// The lengths of what has none: src/js/check.rs knows the first, and takes any other for too long.
const NOT_A_STRING = -1, TOO_LONG = -2;

/**
 * Writes a token to where it is checked, and returns its length there.
 * @param {import('./loader.js').Checker} core
 * @param {unknown} token
 */
export function place(core, token) {
  if (typeof token !== 'string') return NOT_A_STRING;
  return token.length > core.most ? placeTrimmed(core, token) : core.encoder.encodeInto(token, core.tokenRoom).written;
}

/**
 * Does so for one that may not fit: it is trimmed here, and not even copied if it still may not. A function of its own, since a
 * closure in reach of a call costs it a context, used or not.
 * @param {import('./loader.js').Checker} core
 * @param {string} token
 */
function placeTrimmed(core, token) {
  let start = 0, end = token.length;
  const isSpace = (/** @type {number} */ at) => tried(() => core.isSpace(token.charCodeAt(at)));
  while (start < end && isSpace(start)) start++;
  while (start < end && isSpace(end - 1)) end--;
  return end - start > core.most ? TOO_LONG : core.encoder.encodeInto(token.slice(start, end), core.tokenRoom).written;
}
