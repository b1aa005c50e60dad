// The refresh: what is waited for, and who waits for the same. What an answer means, and whether to ask again, is judged in
// the wasm.
import { exchange } from '../src/js/http.js';
import { abortReason, latch, timer, unlessAborted } from '../src/js/wait.js';
import { desk, errorOf, times, words } from './desk.js';
import { readOptions } from './options.js';
import { judgeOutcome } from './outcome.js';
import { place } from './place.js';

/**
 * @import { RefreshedToken, TransakTokenError } from './index.js'
 * @import { Core } from './desk.js'
 * @import { Ask } from './options.js'
 *
 * What an exchange comes to: a new token, or a failure, as the bytes that the wasm knows it by. A fault is of our own.
 * @typedef {{ accessToken?: string, attempts: number, failure?: Uint8Array, fault?: unknown }} Outcome
 *
 * One exchange under way, and how many wait for it.
 * @typedef {{
 *   token: string, expiresAt: number, ask: Ask, repeats: number, toleranceMs: number, waiting: number,
 *   deserted: import('../src/js/wait.js').Latch, landed: Promise<Outcome>,
 * }} Flight
 */

/** @type {Set<Flight>} */
const flights = new Set();

/**
 * @param {unknown} token
 * @param {unknown} [options]
 * @returns {Promise<RefreshedToken>}
 */
export function refreshAccessToken(token, options) {
  return call(token, options, false);
}

/**
 * @param {unknown} token
 * @param {unknown} [options]
 * @returns {Promise<RefreshedToken & { refreshed: boolean, error?: TransakTokenError }>}
 */
export function ensureFreshToken(token, options) {
  return call(token, options, true);
}

// What the wasm says of a token that needs no refresh.
const FRESH = 1;

/**
 * @param {unknown} token
 * @param {unknown} options
 * @param {boolean} onlyIfNeeded
 * @returns {Promise<any>}
 */
async function call(token, options, onlyIfNeeded) {
  const core = desk(), ask = readOptions(core, options), { signal, judged: { windowMs, toleranceMs } } = ask;
  const reason = abortReason(signal);
  if (reason !== undefined) throw reason;
  // Here and below the clock is read before anything is laid out: a test's may call.
  const now = Date.now(), state = core.enter(place(core, token), now, windowMs, toleranceMs);
  if (!state) throw errorOf(core);
  const old = dated(core, /** @type {string} */ (token).trim());
  if (onlyIfNeeded && state === FRESH) return { ...old, refreshed: false };
  const flight = join(old.accessToken, old.expiresAt, ask);
  let outcome;
  try {
    outcome = await unlessAborted(flight.landed, signal);
  } finally {
    leave(flight);
  }
  if (outcome.fault) throw outcome.fault;
  return concluded(desk(), outcome, ask, old, onlyIfNeeded);
}

/**
 * Returns a token with the times that a check has left.
 * @param {Core} core
 * @param {string} accessToken
 * @returns {RefreshedToken}
 */
function dated(core, accessToken) {
  const { issuedAt, refreshAt, expiresAt } = times(core);
  return { accessToken, issuedAt, refreshAt, expiresAt };
}

/**
 * Returns what an outcome is to a caller, who may tolerate less than another who waited, or more.
 * @param {Core} core
 * @param {Outcome} outcome
 * @param {Ask} ask
 * @param {RefreshedToken} old
 * @param {boolean} onlyIfNeeded
 */
function concluded(core, { accessToken, attempts, failure }, { judged: asked }, old, onlyIfNeeded) {
  const now = Date.now(), { windowMs, toleranceMs } = asked;
  if (accessToken) {
    if (!core.settle(place(core, accessToken), attempts, now, windowMs, toleranceMs)) throw errorOf(core, asked);
    const fresh = dated(core, accessToken);
    return onlyIfNeeded ? { ...fresh, refreshed: true } : fresh;
  }
  core.failure.set(/** @type {Uint8Array} */ (failure));
  const willDo = core.excuse(place(core, old.accessToken), now, windowMs, toleranceMs), error = errorOf(core, asked);
  if (!onlyIfNeeded || !willDo) throw error;
  return { ...old, refreshed: false, error };
}

/**
 * Joins the exchange that does what is asked, or begins it.
 * @param {string} token
 * @param {number} expiresAt
 * @param {Ask} ask
 * @returns {Flight}
 */
export function join(token, expiresAt, ask) {
  const { judged: { endpoint, attemptMs, totalMs, repeats, judgingToleranceMs }, sentWith, fetch } = ask;
  const does = (/** @type {Flight} */ { token: its, ask: other }) =>
    its === token && other.judged.endpoint === endpoint && other.sentWith === sentWith && other.fetch === fetch
    && other.judged.attemptMs === attemptMs && other.judged.totalMs === totalMs;
  let flight = Array.from(flights).find(does);
  if (!flight) {
    // Three parts of the base64url alphabet are a header's value, whatever else they are.
    ask.headers.set('authorization', token);
    flight = { token, expiresAt, ask, repeats, toleranceMs: judgingToleranceMs, waiting: 0, deserted: latch(), landed: /** @type {any} */ (undefined) };
    flights.add(flight);
    flight.landed = fly(flight);
  }
  flight.waiting++;
  flight.repeats = Math.max(flight.repeats, repeats);
  flight.toleranceMs = Math.max(flight.toleranceMs, judgingToleranceMs);
  return flight;
}

/** Gives up a place. When the last one is given up, so is the exchange: whoever asks from then on begins anew. */
function leave(/** @type {Flight} */ flight) {
  if (--flight.waiting) return;
  flights.delete(flight);
  flight.deserted.open();
}

/**
 * Asks until there is an answer, or no sense in asking again. It is never rejected.
 * @param {Flight} flight
 * @returns {Promise<Outcome>}
 */
async function fly(flight) {
  const { ask: { judged: { endpoint, attemptMs, totalMs }, headers, fetch }, deserted } = flight;
  const deadline = Date.now() + totalMs;
  let isUnknown = false;
  try {
    for (let attempts = 1; ; attempts++) {
      const exchanged = await exchange(fetch, endpoint, headers, desk().bodyRoom.length, Math.min(attemptMs, deadline - Date.now()), deserted);
      const answered = Date.now(), random = Math.random(), core = desk(), accessToken = judged(core, flight, exchanged, answered);
      if (accessToken) return { accessToken, attempts };
      const expiresAt = flight.expiresAt + flight.toleranceMs;
      const pauseMs = core.pause(attempts, isUnknown, flight.repeats, deadline, expiresAt, random, answered);
      isUnknown = !!core.numbers[0];
      const failure = core.failure.slice();
      if (Number.isNaN(pauseMs)) return { failure, attempts };
      await timer(pauseMs, deserted);
      const now = Date.now();
      if (now >= deadline || now >= expiresAt || !flight.waiting) return { failure, attempts };
    }
  } catch (fault) {
    return { fault, attempts: 0 };
  } finally {
    flights.delete(flight);
  }
}

/**
 * Judges what an exchange has come to: returns the new token, or leaves a failure.
 * @param {Core} core
 * @param {Flight} flight
 * @param {unknown} exchanged
 * @param {number} now
 */
function judged(core, { token, toleranceMs, ask: { sentWith } }, exchanged, now) {
  return judgeOutcome(core, token, sentWith, exchanged, toleranceMs, now) ? words(core, 1)[0] : undefined;
}
