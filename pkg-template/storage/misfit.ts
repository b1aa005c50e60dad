// Stores that need an adapter or three lines to fit a session. They are recognised by their methods and not by `instanceof`: a package
// may be installed twice, and a module has no class.
import { has, read } from '../../src/js/foreign.js';

/** The kinds of stores, in the order of the tests: the adapter or package, the test, and the advice. */
const kinds: [name: string, is: (store: unknown) => boolean, advice: string][] = [
  ['webStorage', (store) => has(store, 'getItem') && typeof read(store, 'length') === 'number', 'write webStorage(localStorage)'],
  ['unstorage', (store) => has(store, 'getItem') && has(store, 'getKeys'), 'write unstorage(storage)'],
  ['secureStorage', (store) => has(store, 'getItemAsync'), 'write secureStorage(SecureStore)'],
  ['asyncStorage', (store) => has(store, 'getItem') && has(store, 'setItem') && has(store, 'removeItem') && !has(store, 'getKeys'), 'write asyncStorage(store)'],
  ['extensionStorage', (store) => has(store, 'getBytesInUse') || has(read(store, 'onChanged'), 'addListener'), 'write extensionStorage(chrome.storage.local)'],
  ['LRUCache', (store) => has(store, 'purgeStale') && has(store, 'set'), three('cache.get(key)', 'cache.set(key, token, { ttl: ttlMs })', 'cache.delete(key)')],
  ['idb-keyval', (store) => has(store, 'createStore') && has(store, 'del'), three('get(key)', 'set(key, token)', 'del(key)')],
  ['ioredis', (store) => has(store, 'defineCommand') && has(store, 'del'), three('redis.get(key)', "redis.set(key, token, 'PX', ttlMs)", 'redis.del(key)')],
  ['@upstash/redis', (store) => has(store, 'pipeline') && has(store, 'del') && !has(store, 'connect'), three('redis.get(key)', 'redis.set(key, token, { px: ttlMs })', 'redis.del(key)')],
  ['redis', (store) => has(store, 'del') && has(store, 'connect') && has(store, 'set'), three('client.get(key)', "client.set(key, token, { expiration: { type: 'PX', value: ttlMs } })", 'client.del(key)')],
];

function three(get: string, set: string, remove: string) {
  return `write { get: (key) => ${get}, set: (key, token, ttlMs) => ${set}, delete: (key) => ${remove} }`;
}

/** Returns the adapter or the package that a store belongs to; undefined if it is none of these. */
export function kindOf(store: unknown): string | undefined {
  return kinds.find(([, is]) => is(store))?.[0];
}

/** Says what to write for a store that does not fit as it is; undefined if the store is of no known kind. */
export function misfit(store: unknown): string | undefined {
  return kinds.find(([, is]) => is(store))?.[2];
}
