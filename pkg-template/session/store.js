// Where a session keeps its token: any store, called with a limit on its time; and the ready-made one of a page.
import { caught, has } from '../../src/js/foreign.js';
import { failure } from '../failure.js';

/** @import { TokenStorage } from '../types/index.js' */

/** How long a store may take, in milliseconds. */
const LIMIT_MS = 2_000;

/**
 * How often a store has emitted `error`: Keyv swallows its backend's failures and tells of them so. There is one
 * listener for each store, whoever uses it, and it holds nothing but a number.
 * @type {WeakMap<object, { errors: number }>}
 */
const watched = new WeakMap();

/** @param {TokenStorage & { on?: unknown }} storage */
function watch(storage) {
  const known = watched.get(storage);
  if (known) return known;
  const watching = { errors: 0 };
  watched.set(storage, watching);
  if (typeof storage.on === 'function') storage.on('error', () => { watching.errors++; });
  return watching;
}

/**
 * Calls a store. Rejects where it throws, takes too long, answers `false` to `set`, or emits `error` meanwhile.
 * @param {TokenStorage} storage
 * @param {'get' | 'set' | 'delete'} method
 * @param {[string, ...any[]]} given
 */
export function ask(storage, method, given) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(reject, LIMIT_MS);
    const answered = async () => {
      const watching = watch(storage), { errors } = watching;
      const answer = await /** @type {Function} */ (storage[method])(...given);
      if (watching.errors > errors || method === 'set' && answer === false) throw answer;
      return answer;
    };
    answered().then(resolve, reject).then(() => clearTimeout(timer));
  });
}

/**
 * The stores of a page whose area is missing or refused.
 * @type {WeakSet<object>}
 */
const missing = new WeakSet();

/** Tells whether a store is one that has no area. */
export function isMissing(/** @type {unknown} */ storage) {
  return typeof storage === 'object' && storage !== null && missing.has(storage);
}

/**
 * @param {Storage | (() => Storage)} given
 * @returns {TokenStorage}
 */
export function webStorage(given) {
  if (typeof given !== 'function' && !isArea(given)) throw failure('ERR_INVALID_OPTION', 'fix', 'area must be a Storage, such as localStorage, or a function that returns one');
  /** @type {Storage | undefined} */
  let area;
  // At first use, so that a server can make a session at module level, and a page whose policy refuses storage can, too.
  const found = () => {
    area ??= caught(() => typeof given === 'function' ? given() : given) ?? undefined;
    if (isArea(area)) return area;
    missing.add(store);
    throw new Error('there is no storage area');
  };
  const store = {
    get: (/** @type {string} */ key) => found().getItem(key),
    set: (/** @type {string} */ key, /** @type {string} */ value) => found().setItem(key, value),
    delete: (/** @type {string} */ key) => found().removeItem(key),
  };
  return store;
}

/**
 * @param {any} area
 * @returns {area is Storage}
 */
function isArea(area) {
  return ['getItem', 'setItem', 'removeItem'].every((name) => has(area, name));
}
