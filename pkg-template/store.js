// Where a session keeps its token: any store, called with a limit on its time; and the ready-made one of a page.
import { failure } from './failure.js';

/** @import { TokenStorage } from './index.js' */

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
 * @param {Storage} area
 * @returns {TokenStorage}
 */
export function webStorage(area) {
  for (const name of ['getItem', 'setItem', 'removeItem']) {
    if (typeof area?.[name] !== 'function') throw failure('ERR_INVALID_OPTION', 'fix', 'area must be a Storage, such as localStorage');
  }
  return {
    get: (key) => area.getItem(key),
    set: (key, value) => area.setItem(key, value),
    delete: (key) => area.removeItem(key),
  };
}
