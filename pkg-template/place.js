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
  // A UTF-16 code unit takes at most three bytes. What may not fit is trimmed here, and not even copied if it still may not.
  const most = core.token.length / 3;
  let start = 0, end = token.length;
  if (end > most) {
    const isSpace = (/** @type {number} */ at) => tried(() => core.isSpace(/** @type {string} */ (token).charCodeAt(at)));
    while (start < end && isSpace(start)) start++;
    while (start < end && isSpace(end - 1)) end--;
    if (end - start > most) return TOO_LONG;
    token = token.slice(start, end);
  }
  return core.encoder.encodeInto(/** @type {string} */ (token), core.token).written;
}
