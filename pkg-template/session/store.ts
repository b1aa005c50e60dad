// Calls to a store, with a time limit, and `webStorage`.
import { caught, has } from '../../src/js/foreign.js';
import { shared } from '../../src/js/shared.js';
import { failure } from '../failure.js';
import type { TokenStorage } from '../types/index.js';

/** How long a store may take, in milliseconds. */
const LIMIT_MS = 2_000;

/** The text that `clear()` leaves in a store that may forget: src/session/storage.rs knows it. */
export const LOGGED_OUT = 'cleared';

/** The methods of a store. */
export type Operation = ['get'] | ['set', token: string, ttlMs: number] | ['delete'];

/**
 * How often each store has emitted `error`. Keyv hides its backend's failures and only emits this event. There is one listener for each
 * store, and it keeps no session alive.
 */
const watched = new WeakMap<object, { errors: number }>();

function watch(storage: TokenStorage & { on?: unknown }) {
  const known = watched.get(storage);
  if (known) return known;
  const watching = { errors: 0 };
  watched.set(storage, watching);
  if (typeof storage.on === 'function') storage.on('error', () => { watching.errors++; });
  return watching;
}

/** Calls a store. Rejects if it throws, takes too long, answers `false` to `set`, or emits `error` meanwhile. */
export function call(storage: TokenStorage, key: string, [method, ...given]: Operation): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(reject, LIMIT_MS);
    const answered = async () => {
      const watching = watch(storage), { errors } = watching;
      const answer = await (storage[method] as (...given: unknown[]) => unknown)(key, ...given);
      if (watching.errors > errors || method === 'set' && answer === false) throw answer;
      return answer;
    };
    answered().then(resolve, reject).then(() => clearTimeout(timer));
  });
}

/**
 * The stores that `webStorage` made, and whether the area of each is missing. All copies of this package share this map, because the
 * entry `./storage` is a copy of its own.
 */
const ofPage = () => shared('webStorage', () => new WeakMap<object, { isMissing: boolean }>());

/** Tells whether `webStorage` made a store. Another tab sees a write to such a store a moment later. */
export function isOfPage(storage: TokenStorage): boolean {
  return ofPage().has(storage);
}

/** Tells whether `webStorage` made a store, and its area is missing. */
export function isMissing(storage: TokenStorage): boolean {
  return ofPage().get(storage)?.isMissing === true;
}

export function webStorage(given: Storage | (() => Storage | null | undefined)): TokenStorage {
  if (typeof given !== 'function' && !isArea(given)) {
    throw failure('ERR_INVALID_OPTION', 'fix', 'area must be a Storage, such as localStorage, or a function that returns one');
  }
  const known = { isMissing: false };
  let area: Storage | null | undefined;
  // The area is read at its first use. So a server can make a session at module level, and so can a page whose policy refuses storage.
  const found = () => {
    area ??= caught(() => typeof given === 'function' ? given() : given);
    if (isArea(area)) return area;
    known.isMissing = true;
    throw new Error('there is no storage area');
  };
  const storage: TokenStorage = {
    get: (key) => found().getItem(key),
    set: (key, token) => found().setItem(key, token),
    delete: (key) => found().removeItem(key),
  };
  ofPage().set(storage, known);
  return storage;
}

function isArea(area: unknown): area is Storage {
  return ['getItem', 'setItem', 'removeItem'].every((name) => has(area, name));
}
