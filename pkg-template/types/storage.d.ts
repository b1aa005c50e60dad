/**
 * Ready-made stores for a session. Each takes an object of another package by its shape, so this package depends on none. Any
 * other store needs three lines: `{ get(key), set(key, token, ttlMs), delete(key) }`, as {@link TokenStorage} says.
 *
 * They throw `ERR_INVALID_OPTION` for an object of another kind. The message says what to write.
 */
import type { TokenStorage } from './index.js'

export { type TokenStorage, type WebStorageArea, webStorage } from './index.js'

/**
 * An area of an extension's storage: `chrome.storage.local`, `browser.storage.session`. It answers with promises, as Manifest
 * V3 does.
 *
 * @example
 * import { extensionStorage, type ExtensionStorageArea } from 'transak-user-token/storage'
 *
 * declare const chrome: { storage: { local: ExtensionStorageArea } }   // every extension has it
 * const storage = extensionStorage(chrome.storage.local)
 */
export interface ExtensionStorageArea {
  get(key: string): Promise<{ [key: string]: any }>
  set(items: { [key: string]: any }): Promise<void>
  remove(key: string): Promise<void>
}

/**
 * Makes a session's store of an extension's storage area. The worker, the popup and the pages of the extension share it. A
 * content script can read `chrome.storage.local`, but not `chrome.storage.session`.
 *
 * @example
 * import { TokenSession } from 'transak-user-token'
 * import { extensionStorage, type ExtensionStorageArea } from 'transak-user-token/storage'
 *
 * declare const chrome: { storage: { session: ExtensionStorageArea } }
 * const session = await TokenSession.open({ baseUrl: 'https://api.example.com/transak', storage: extensionStorage(chrome.storage.session), key: 'user' })
 */
export function extensionStorage(area: ExtensionStorageArea): TokenStorage

/**
 * A store with the methods of a page's storage, but each returns a promise: React Native's AsyncStorage, localForage.
 *
 * @example
 * import { asyncStorage, type AsyncStorageLike } from 'transak-user-token/storage'
 *
 * const entries = new Map<string, string>()
 * const store: AsyncStorageLike = {
 *   getItem: async (key) => entries.get(key) ?? null,
 *   setItem: async (key, value) => { entries.set(key, value) },
 *   removeItem: async (key) => { entries.delete(key) },
 * }
 * const storage = asyncStorage(store)
 */
export interface AsyncStorageLike {
  getItem(key: string): Promise<unknown>
  setItem(key: string, value: string): Promise<unknown>
  removeItem(key: string): Promise<unknown>
}

/**
 * Makes a session's store of AsyncStorage, localForage or any other such store. It keeps the token in plain text. On a
 * phone prefer {@link secureStorage}, which does not.
 *
 * @example
 * import { TokenSession } from 'transak-user-token'
 * import { asyncStorage, type AsyncStorageLike } from 'transak-user-token/storage'
 *
 * declare const AsyncStorage: AsyncStorageLike   // import AsyncStorage from '@react-native-async-storage/async-storage'
 * const session = await TokenSession.open({ baseUrl: 'https://api.example.com/transak', storage: asyncStorage(AsyncStorage), key: 'user' })
 */
export function asyncStorage(store: AsyncStorageLike): TokenStorage

/**
 * The module `expo-secure-store`.
 *
 * @example
 * import { secureStorage, type SecureStoreLike } from 'transak-user-token/storage'
 *
 * declare const SecureStore: SecureStoreLike<{ keychainService?: string }>   // import * as SecureStore from 'expo-secure-store'
 * const storage = secureStorage(SecureStore, { keychainService: 'transak' })
 */
export interface SecureStoreLike<Options extends object> {
  getItemAsync(key: string, options?: Options): Promise<string | null>
  setItemAsync(key: string, value: string, options?: Options): Promise<void>
  deleteItemAsync(key: string, options?: Options): Promise<void>
}

/**
 * Makes a session's store of `expo-secure-store`, which keeps entries in the phone's key store. It allows few characters in a key.
 * So each character other than letters, digits and `-` is written as `_`, its code in hexadecimal, and `_`. Each call gets
 * `options`.
 *
 * @example
 * import { TokenSession } from 'transak-user-token'
 * import { secureStorage, type SecureStoreLike } from 'transak-user-token/storage'
 *
 * declare const SecureStore: SecureStoreLike<object>   // import * as SecureStore from 'expo-secure-store'
 * const session = await TokenSession.open({ baseUrl: 'https://api.example.com/transak', storage: secureStorage(SecureStore), key: 'user' })
 */
export function secureStorage<Options extends object>(store: SecureStoreLike<Options>, options?: Options): TokenStorage

/**
 * What `createStorage` and `prefixStorage` of `unstorage` return.
 *
 * @example
 * import { unstorage, type UnstorageLike } from 'transak-user-token/storage'
 *
 * declare const useStorage: (base: string) => UnstorageLike   // Nitro's and Nuxt's
 * const storage = unstorage(useStorage('tokens'))
 */
export interface UnstorageLike {
  getItem(key: string): Promise<unknown>
  setItem(key: string, value: string, options?: { ttl?: number }): Promise<void>
  removeItem(key: string): Promise<void>
  getKeys(base?: string): Promise<string[]>
}

/**
 * Makes a session's store of an `unstorage`. If entries of the driver can expire, it gets their `ttl` in seconds, rounded up.
 * `unstorage` treats `a/b` and `a:b` as one key, and cuts a key at `?`. So each character other than letters, digits and `-` is
 * written as `_`, its code in hexadecimal, and `_`. If the driver forgets entries by itself, as the one in memory does, set
 * `storageMayForget: true`.
 *
 * @example
 * import { TokenSession } from 'transak-user-token'
 * import { unstorage, type UnstorageLike } from 'transak-user-token/storage'
 *
 * declare const storage: UnstorageLike   // createStorage({ driver: redisDriver({ url }) })
 * const session = await TokenSession.open({ environment: 'production', storage: unstorage(storage), key: 'user-1' })
 */
export function unstorage(storage: UnstorageLike): TokenStorage

/**
 * An instance of Keyv, version 5 or 6.
 *
 * @example
 * import { keyv, type KeyvLike } from 'transak-user-token/storage'
 *
 * declare const store: KeyvLike   // new Keyv({ store: new KeyvRedis(url), throwOnErrors: true })
 * const storage = keyv(store)
 */
export interface KeyvLike {
  readonly throwOnErrors?: boolean
  get(key: string): Promise<unknown>
  set(key: string, value: string, ttl?: number): Promise<boolean>
  delete(key: string): Promise<boolean>
  on(event: 'error', listener: (error: unknown) => void): unknown
}

/**
 * Makes a session's store of a Keyv that has `throwOnErrors: true`. Without that, a Keyv hides the failures of its backend, and
 * a store that cannot be reached looks like a logout. An instance of Keyv also fits a session without this adapter. Then, if it has
 * no `throwOnErrors: true`, the session treats it as `storageMayForget`.
 *
 * Throws `ERR_INVALID_OPTION` for `throwOnErrors: false`, the default of Keyv 5.
 *
 * @example
 * import { TokenSession } from 'transak-user-token'
 * import { keyv, type KeyvLike } from 'transak-user-token/storage'
 *
 * declare const store: KeyvLike   // new Keyv({ store: new KeyvRedis(url), throwOnErrors: true })
 * const session = await TokenSession.open({ environment: 'production', storage: keyv(store), key: 'user-1' })
 */
export function keyv(store: KeyvLike): TokenStorage
