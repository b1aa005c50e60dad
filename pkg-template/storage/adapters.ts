// Adapters: each makes a session's store of another package's store. It only names methods and arguments; the session does the rest.
import { define, has } from '../../src/js/foreign.js';
import { failure } from '../failure.js';
import type { TokenStorage } from '../types/index.js';
import type * as types from '../types/storage.js';
import { kindOf, misfit } from './misfit.js';

export function extensionStorage(area: types.ExtensionStorageArea): TokenStorage {
  needs(area, 'extensionStorage', ['get', 'set', 'remove'], 'an area such as chrome.storage.local or browser.storage.local');
  return {
    async get(key) {
      const found = await area.get(key);
      // Only an own field counts, because a key may have the name of a field of Object.prototype.
      return Object.prototype.hasOwnProperty.call(found, key) ? found[key] : undefined;
    },
    set: (key, token) => area.set(entry(key, token)),
    delete: (key) => area.remove(key),
  };
}

export function asyncStorage(store: types.AsyncStorageLike): TokenStorage {
  needs(store, 'asyncStorage', ['getItem', 'setItem', 'removeItem'], 'a store such as AsyncStorage or localforage');
  return {
    get: (key) => store.getItem(key),
    set: (key, token) => store.setItem(key, token),
    delete: (key) => store.removeItem(key),
  };
}

export function secureStorage<Options extends object>(store: types.SecureStoreLike<Options>, options?: Options): TokenStorage {
  needs(store, 'secureStorage', ['getItemAsync', 'setItemAsync', 'deleteItemAsync'], 'the module expo-secure-store');
  return {
    get: (key) => store.getItemAsync(plainKey(key), options),
    set: (key, token) => store.setItemAsync(plainKey(key), token, options),
    delete: (key) => store.deleteItemAsync(plainKey(key), options),
  };
}

export function unstorage(storage: types.UnstorageLike): TokenStorage {
  needs(storage, 'unstorage', ['getItem', 'setItem', 'removeItem', 'getKeys'], 'what createStorage or prefixStorage of unstorage returns');
  return {
    get: (key) => storage.getItem(plainKey(key)),
    // Its drivers count in seconds. The time is rounded up, so that an entry does not end before its token.
    set: (key, token, ttlMs) => storage.setItem(plainKey(key), token, { ttl: Math.ceil(ttlMs / 1_000) }),
    delete: (key) => storage.removeItem(plainKey(key)),
  };
}

/** The adapter of each Keyv. A Keyv has one, because a session's listener for `error` stays with its adapter. */
const ofKeyv = new WeakMap<types.KeyvLike, TokenStorage>();

export function keyv(store: types.KeyvLike): TokenStorage {
  needs(store, 'keyv', ['get', 'set', 'delete', 'on'], 'an instance of Keyv');
  if (store.throwOnErrors === false) {
    throw wrong('keyv needs a Keyv that reports failures: write new Keyv({ store, throwOnErrors: true })');
  }
  const known = ofKeyv.get(store);
  if (known) return known;
  const storage: TokenStorage & Pick<types.KeyvLike, 'on'> = {
    get: (key) => store.get(key),
    set: (key, token, ttlMs) => store.set(key, token, ttlMs),
    delete: (key) => store.delete(key),
    // A session listens to `error`, because a backend may also fail between two calls.
    on: (event, listener) => store.on(event, listener),
  };
  ofKeyv.set(store, storage);
  return storage;
}

/** Returns an object with one field of its own, also for a key such as `__proto__`. */
function entry(key: string, value: string): { [key: string]: string } {
  const object = {};
  define(object, key, value, true);
  return object;
}

/**
 * Returns a key of letters, digits, `-` and `_` alone. Different keys stay different, even in a store that treats `a/b`
 * as `a:b`, or that cuts a key at `?`.
 */
function plainKey(key: string) {
  return key.replace(/[^A-Za-z0-9-]/g, (letter) => `_${letter.charCodeAt(0).toString(16)}_`);
}

function needs(store: unknown, adapter: string, methods: string[], wanted: string) {
  const kind = kindOf(store);
  if (methods.every((method) => has(store, method)) && (!kind || kind === adapter)) return;
  throw wrong(`${adapter} takes ${wanted}${misfit(store) ? `; ${misfit(store)}` : ''}`);
}

function wrong(message: string) {
  return failure('ERR_INVALID_OPTION', 'fix', message);
}
