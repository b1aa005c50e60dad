// The adapters take what people have: Keyv by its own types, and shapes that are not quite the declared ones.
import Keyv from 'keyv'
import { TokenSession, type TokenStorage } from 'transak-user-token'
import { asyncStorage, extensionStorage, keyv, secureStorage, unstorage } from 'transak-user-token/storage'

const stores: TokenStorage[] = [
  new Keyv(),
  keyv(new Keyv({ throwOnErrors: true })),
  keyv(new Keyv<string>()),
  extensionStorage({ get: async (_key: null | string | string[]) => ({}), set: async (_items: Record<string, unknown>) => {}, remove: async (_key: string | string[]) => {} }),
  asyncStorage({ getItem: async <T,>(_key: string) => null as T | null, setItem: async <T,>(_key: string, value: T) => value, removeItem: async (_key: string) => {} }),
  unstorage({ getItem: async () => null, setItem: async () => {}, removeItem: async () => {}, getKeys: async () => [] }),
]
for (const storage of stores) new TokenSession(null, { environment: 'staging', storage, key: 'user' })

const store = { getItemAsync: async () => null, setItemAsync: async () => {}, deleteItemAsync: async () => {} }
secureStorage(store)
secureStorage(store, { keychainService: 'tokens' })
// @ts-expect-error a Map has no `on`
keyv(new Map<string, string>())
// @ts-expect-error a store of another kind
asyncStorage(new Keyv())
