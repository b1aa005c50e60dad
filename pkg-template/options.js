// Options, read once and passed on: what they may be is judged in the wasm, by the table of src/js/ask.rs.
import { absolute, has, isSignal, read, readHeaders } from '../src/js/foreign.js';
import { errorOf, lay, words } from './desk.js';

// The kinds of a value, by their numbers: a type, what the option asks for in particular, or anything else.
const TYPES = ['undefined', 'number', 'boolean', 'function', 'string'], FITTING = 5, OTHER = 6;

// The places of those that are looked at in particular.
const FETCH = 0, ENVIRONMENT = 3, BASE_URL = 5, HEADERS = 9, SIGNAL = 10, STORAGE = 11, KEY = 12, LOCK = 13;

/** Where the numbers begin that are told beside the kinds. */
const COUNTS = 16;

/** @type {string[] | undefined} */
let names;

/** How many of the names are a refresh's; the rest are a session's alone. */
const OF_REFRESH = 11;

/**
 * What a refresh asked for last, and how that was judged: the same again need not be judged again.
 * @type {{ asked: unknown[], judged: ReturnType<typeof judge> } | undefined}
 */
let last;

/**
 * Tells whether the same is asked for: an object may have changed by then, and is like nothing, but for what fetches.
 * @param {unknown[]} asked
 * @param {unknown[]} before
 */
function isSame(asked, before) {
  return asked.every((value, at) => value === before[at] && (at === FETCH || typeof value !== 'object' && typeof value !== 'function'));
}

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
  const areOptions = options === undefined || typeof options === 'object' && options !== null, location = read(read(globalThis, 'location'), 'href');
  /** @type {any[]} */
  const given = [];
  // Not by `map`, whose result is of another kind each time to V8: it would compile this over and over.
  for (const name of names.slice(0, areOfSession ? names.length : OF_REFRESH)) given.push(read(options, name));
  const { [FETCH]: own, [HEADERS]: init, [SIGNAL]: signal, [STORAGE]: storage, [KEY]: key, [LOCK]: lock } = given;
  const { 0: headers, 1: sentWith } = readHeaders(init) ?? [], fetch = given[FETCH] = own === undefined ? read(globalThis, 'fetch') : own;
  const asked = [...given, areOptions, areOfSession, !headers, location];
  // One will do as well as another, or none.
  if (isSignal(signal)) asked[SIGNAL] = undefined;
  if (!last || !isSame(asked, last.asked)) last = { asked, judged: judge(core, given, headers, areOptions, areOfSession) };
  return { judged: last.judged, headers: /** @type {Headers} */ (headers), sentWith: /** @type {string} */ (sentWith), fetch, signal, storage, key, lock };
}

/** @typedef {ReturnType<typeof readOptions>} Ask */

/**
 * Has options judged. Throws where they make no sense, and returns what they come to where they do.
 * @param {import('./desk.js').Core} core
 * @param {any[]} given
 * @param {Headers | undefined} headers
 * @param {boolean} areOptions
 * @param {boolean} areOfSession
 */
function judge(core, given, headers, areOptions, areOfSession) {
  const { [ENVIRONMENT]: environment, [BASE_URL]: baseUrl, [FETCH]: fetch, [SIGNAL]: signal, [STORAGE]: storage } = given;
  const href = absolute(baseUrl), kinds = given.map(kindOf), counts = given.map(countOf);
  kinds[HEADERS] = fitting(!!headers);
  counts[HEADERS] = headers?.has('authorization') ? 1 : 0;
  if (baseUrl !== undefined) kinds[BASE_URL] = kindOf(href);
  kinds[FETCH] = fitting(typeof fetch === 'function');
  if (signal !== undefined) kinds[SIGNAL] = fitting(isSignal(signal));
  if (storage !== undefined) kinds[STORAGE] = fitting(['get', 'set', 'delete'].every((name) => has(storage, name)));
  [counts[ENVIRONMENT], counts[BASE_URL]] = lay(core, environment, href);
  const { numbers } = core;
  numbers.set(kinds);
  numbers.set(counts, COUNTS);
  if (!core.judgeOptions(areOptions, areOfSession)) throw errorOf(core);
  const [base, path, ...hints] = words(core, 4);
  const { 1: windowMs, 2: toleranceMs, 6: attemptMs, 7: totalMs, 8: repeats, 14: patienceMs, 15: judgingToleranceMs } = numbers;
  return { endpoint: base + path, hints, windowMs, toleranceMs, attemptMs, totalMs, repeats, patienceMs, judgingToleranceMs };
}

function fitting(/** @type {boolean} */ fits) {
  return fits ? FITTING : OTHER;
}

function kindOf(/** @type {unknown} */ value) {
  const kind = TYPES.indexOf(typeof value);
  return kind < 0 ? OTHER : kind;
}

/** Returns what counts of a value: the number that it is, the length of a text, 1 or 0. */
function countOf(/** @type {any} */ value) {
  return typeof value === 'number' || typeof value === 'boolean' ? Number(value) : typeof value === 'string' ? value.length : 0;
}
