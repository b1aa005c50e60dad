// Options, read once and passed on: what they may be is judged in the wasm, by the table of src/js/ask.rs.
import { absolute, has, isSignal, read, readHeaders } from '../src/js/foreign.js';
import { errorOf, lay, words } from './desk.js';

// The kinds of a value, by their numbers: a type, what the option asks for in particular, or anything else.
const TYPES = ['undefined', 'number', 'boolean', 'function', 'string'], FITTING = 5, OTHER = 6;

// The places of those that are looked at in particular.
const HEADERS = 0, ENVIRONMENT = 3, BASE_URL = 5, FETCH = 9, SIGNAL = 10, STORAGE = 11;

/** @type {string[] | undefined} */
let names;

/** How many of the names are a refresh's; the rest are a session's alone. */
const OF_REFRESH = 11;

/**
 * Reads the options of a refresh, or of a session. Whatever a getter does is done before anything is laid out.
 * @param {import('./desk.js').Core} core
 * @param {any} options
 * @param {boolean} [areOfSession]
 */
export function readOptions(core, options, areOfSession = false) {
  if (!names) {
    core.names();
    names = words(core, 15);
  }
  const count = areOfSession ? names.length : OF_REFRESH;
  /** @type {Record<string, any>} */
  const given = {};
  for (let at = 0; at < count; at++) given[names[at]] = options === undefined ? undefined : read(options, names[at]);
  const { environment, baseUrl, signal, storage, key, lock } = given, own = given.fetch;
  const { 0: headers, 1: sentWith } = readHeaders(given.headers) ?? [], href = absolute(baseUrl);
  const fetch = own === undefined ? read(globalThis, 'fetch') : own;
  const isOfSignal = isSignal(signal), isStore = areOfSession && ['get', 'set', 'delete'].every((name) => has(storage, name));
  const [environmentLength, hrefLength] = lay(core, environment, href), { numbers } = core;
  const put = (/** @type {number} */ at, /** @type {number} */ kind, /** @type {number} */ number) => {
    numbers[2 * at] = kind;
    numbers[2 * at + 1] = number;
  };
  for (let at = 0; at < count; at++) put(at, kindOf(given[names[at]]), numberOf(given[names[at]]));
  put(HEADERS, fitting(!!headers), headers?.has('authorization') ? 1 : 0);
  numbers[2 * ENVIRONMENT + 1] = environmentLength;
  put(BASE_URL, kindOf(baseUrl === undefined ? baseUrl : href), hrefLength);
  put(FETCH, fitting(typeof fetch === 'function'), 0);
  if (signal !== undefined) put(SIGNAL, fitting(isOfSignal), 0);
  if (storage !== undefined) put(STORAGE, fitting(isStore), 0);
  if (!core.judgeOptions(options === undefined || typeof options === 'object' && options !== null, areOfSession)) throw errorOf(core);
  const [base, path, hint] = words(core, 3);
  const { 1: refreshWindowMs, 2: clockToleranceMs, 6: timeoutMs, 7: totalTimeoutMs, 8: retries, 14: maxWaitMs, 15: judgingToleranceMs } = numbers;
  return {
    url: base + path, hint, headers: /** @type {Headers} */ (headers), sentWith: /** @type {string} */ (sentWith), fetch, signal, storage, key, lock,
    refreshWindowMs, clockToleranceMs, judgingToleranceMs, timeoutMs, totalTimeoutMs, retries, maxWaitMs,
  };
}

/** @typedef {ReturnType<typeof readOptions>} Ask */

function fitting(/** @type {boolean} */ fits) {
  return fits ? FITTING : OTHER;
}

function kindOf(/** @type {unknown} */ value) {
  const kind = TYPES.indexOf(typeof value);
  return kind < 0 ? OTHER : kind;
}

function numberOf(/** @type {any} */ value) {
  return typeof value === 'number' || typeof value === 'boolean' ? Number(value) : typeof value === 'string' ? value.length : 0;
}
