// What came of a request, on its way to where the wasm judges it: src/js/outcome.rs has the numbers.
import { NONE, lay } from './desk.js';
import { place } from './place.js';

/** @typedef {import('./desk.js').Core} Core */

// What is said in place of a body's length, and in place of a status.
const TOO_LONG = -2, LATE = -3, TIMED_OUT = 1_000, UNREADABLE = 1_001, THROWN = 1_002;

/**
 * Lays out what `exchange` of `http.js` has come to, the token that was sent, and all that was sent with it as one text.
 * Returns what the wasm says of it: the length of the new token, or 0.
 * @param {Core} core
 * @param {string} token
 * @param {string} sentWith
 * @param {any} exchanged
 * @param {number} toleranceMs
 * @param {number} now
 */
export function judgeOutcome(core, token, sentWith, exchanged, toleranceMs, now) {
  const lacking = exchanged === null ? TIMED_OUT : exchanged === undefined ? UNREADABLE : exchanged.cause ? THROWN : 0;
  const { cause, status = lacking, redirected = false, retryAfter = cause?.name, traceId = cause?.code, body = null } = exchanged ?? {};
  const laid = lay(core, retryAfter, traceId, sentWith), date = typeof retryAfter === 'string' ? Date.parse(retryAfter) : NaN;
  return core.judge(place(core, token), laid[2], status, redirected, laid[0], date, laid[1], layBody(core, body), toleranceMs, now);
}

/**
 * @param {Core} core
 * @param {Uint8Array | string | boolean | null} given
 */
function layBody({ encoder, bodyRoom }, given) {
  if (given === null) return LATE;
  if (typeof given === 'boolean') return given ? TOO_LONG : NONE;
  if (typeof given !== 'string') {
    bodyRoom.set(given);
    return given.length;
  }
  const { read, written } = encoder.encodeInto(given, bodyRoom);
  return read < given.length ? TOO_LONG : written;
}
