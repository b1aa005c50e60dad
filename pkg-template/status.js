// The checker. Its rules are in the wasm: here a token goes in, numbers come out, an object is made of them.
import { fault, instance } from './loader.js';

/** @import { TokenStatus } from './index.js' */

/**
 * @param {unknown} token
 * @param {unknown} [options]
 * @returns {TokenStatus}
 */
export function tokenStatus(token, options) {
  const core = instance();
  if (options === undefined) return status(core, token, Date.now(), NaN, 0);
  const [now, refreshWindowMs, clockToleranceMs] = read(core, options);
  return status(core, token, now, refreshWindowMs, clockToleranceMs);
}

/**
 * @param {Iterable<unknown>} tokens
 * @param {unknown} [options]
 * @returns {TokenStatus[]}
 */
export function tokenStatuses(tokens, options) {
  const core = instance();
  const [now, refreshWindowMs, clockToleranceMs] = read(core, options);
  return core.readList(tokens).map((/** @type {unknown} */ token) =>
    status(core, token, now, refreshWindowMs, clockToleranceMs));
}

/**
 * @param {import('./loader.js').Core} core
 * @param {unknown} options
 */
function read(core, options) {
  core.readOptions(options);
  core.look();
  const { 0: now, 1: refreshWindowMs, 2: clockToleranceMs } = core.times;
  return [Number.isNaN(now) ? Date.now() : now, refreshWindowMs, clockToleranceMs];
}

/**
 * @param {import('./loader.js').Core} core
 * @param {unknown} token
 * @param {number} now
 * @param {number} refreshWindowMs
 * @param {number} clockToleranceMs
 * @returns {TokenStatus}
 */
function status(core, token, now, refreshWindowMs, clockToleranceMs) {
  core.look();
  // A UTF-16 code unit takes at most three bytes.
  const length = typeof token === 'string' && token.length * 3 <= core.token.length
    ? core.encoder.encodeInto(token, core.token).written
    : core.placeToken(token);
  /** @type {import('#glue').Verdict} */
  let verdict;
  try {
    verdict = core.verdicts[core.check(length, now, refreshWindowMs, clockToleranceMs)];
  } catch {
    throw fault();
  }
  // Written out, and read by index: a spread and an iterator take three times as long as all the rest.
  const { state, action, reason } = verdict;
  if (reason) return /** @type {TokenStatus} */ ({ state, action, reason });
  core.look();
  const { 0: issuedAt, 1: refreshAt, 2: expiresAt, 3: expiresInMs } = core.times;
  return /** @type {TokenStatus} */ ({
    state, action, issuedAt: Number.isNaN(issuedAt) ? null : issuedAt, refreshAt, expiresAt, expiresInMs,
  });
}
