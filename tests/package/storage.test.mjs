// The adapters of ./storage: with stand-ins for what needs a phone or an extension, and with a real Keyv.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import Keyv from 'keyv'
import { TokenSession, TransakTokenError } from 'transak-user-token'
import { createGateway } from 'transak-user-token/gateway'
import { asyncStorage, extensionStorage, keyv, secureStorage, unstorage, webStorage } from 'transak-user-token/storage'

const KEYS = ['user-1', 'user/1', 'user:1', 'user?1', 'user?2', 'user::1', ':user:1', 'user_1', 'user.1', 'Us\u00e9r 1', 'someone@example.com', '__proto__', 'constructor', 'toString']

/** A page's storage. */
function area(entries = new Map()) {
  return {
    get length() { return entries.size },
    key: (index) => [...entries.keys()][index] ?? null,
    getItem: (key) => entries.get(String(key)) ?? null,
    setItem: (key, value) => { entries.set(String(key), String(value)) },
    removeItem: (key) => { entries.delete(String(key)) },
  }
}

/** chrome.storage.local: it keeps a JSON copy of each of an object's own fields. */
function chromeArea() {
  const entries = new Map()
  return {
    onChanged: { addListener() {} },
    getBytesInUse: async () => 0,
    get: async (key) => (entries.has(key) ? Object.fromEntries([[key, JSON.parse(entries.get(key))]]) : {}),
    set: async (items) => { for (const [key, value] of Object.entries(items)) entries.set(key, JSON.stringify(value)) },
    remove: async (key) => { entries.delete(key) },
  }
}

/** AsyncStorage, or localForage, whose `length` is a function. */
function asyncArea() {
  const inner = area()
  return {
    length: async () => inner.length,
    getItem: async (key) => inner.getItem(key),
    setItem: async (key, value) => inner.setItem(key, value),
    removeItem: async (key) => inner.removeItem(key),
  }
}

/** expo-secure-store, with its alphabet. */
function secureStore(seen = []) {
  const entries = new Map()
  const checked = (key) => {
    if (!/^[\w.-]+$/.test(key)) throw new Error('Invalid key provided to SecureStore. Keys must not be empty and contain only alphanumeric characters, ".", "-", and "_".')
    return key
  }
  return {
    getItemAsync: async (key, options) => { seen.push(options); return entries.get(checked(key)) ?? null },
    setItemAsync: async (key, value, options) => { seen.push(options); entries.set(checked(key), value) },
    deleteItemAsync: async (key, options) => { seen.push(options); entries.delete(checked(key)) },
  }
}

/** unstorage, which changes keys and values in the same way as the real one. */
function driver(seen = []) {
  const entries = new Map()
  const normal = (key) => key.split('?')[0].replace(/[/\\]/g, ':').replace(/:+/g, ':').replace(/^:|:$/g, '')
  return {
    mount() {},
    getKeys: async () => [...entries.keys()],
    getItem: async (key) => entries.get(normal(key)) ?? null,
    setItem: async (key, value, options) => { seen.push(options); entries.set(normal(key), value) },
    removeItem: async (key) => { entries.delete(normal(key)) },
  }
}

const STORES = {
  webStorage: () => webStorage(area()),
  extensionStorage: () => extensionStorage(chromeArea()),
  asyncStorage: () => asyncStorage(asyncArea()),
  secureStorage: () => secureStorage(secureStore()),
  unstorage: () => unstorage(driver()),
  keyv: () => keyv(new Keyv({ throwOnErrors: true })),
}

async function world(t) {
  const gateway = createGateway(), { url, close } = await gateway.listen()
  t.after(close)
  const now = Math.floor(Date.now() / 1000)
  return { gateway, url, expiring: await gateway.issue({ sub: 'user', iat: now - 29 * 86_400, exp: now + 86_400 }), fresh: await gateway.issue({ sub: 'user' }) }
}

for (const [name, make] of Object.entries(STORES)) {
  describe(name, () => {
    test('keeps what is set under each key, apart from every other key', async () => {
      const store = make()
      for (const key of KEYS) assert.equal((await store.get(key)) ?? null, null, key)
      for (const key of KEYS) await store.set(key, `token of ${key}`, 60_000)
      for (const key of KEYS) assert.equal(await store.get(key), `token of ${key}`)
      await store.delete(KEYS[0])
      assert.equal((await store.get(KEYS[0])) ?? null, null)
      for (const key of KEYS.slice(1)) assert.equal(await store.get(key), `token of ${key}`)
    })

    test('carries a session from its login to its logout', async (t) => {
      const { url: baseUrl, expiring } = await world(t)
      const options = { baseUrl, storage: make(), key: 'someone@example.com' }
      const opened = async () => {
        const session = await TokenSession.open(options)
        t.after(() => session.dispose())
        session.addEventListener('storageerror', ({ detail }) => assert.fail(detail.error))
        return session
      }
      const session = await TokenSession.login(expiring, options)
      t.after(() => session.dispose())
      session.addEventListener('storageerror', ({ detail }) => assert.fail(detail.error))
      const renewed = await session.accessToken()
      assert.notEqual(renewed, expiring)
      assert.equal(await (await opened()).accessToken(), renewed)
      await session.clear()
      assert.equal((await opened()).snapshot().state, 'invalid')
    })

    test('refuses any other store', () => {
      const adapter = { webStorage, extensionStorage, asyncStorage, secureStorage, unstorage, keyv }[name]
      for (const wrong of [undefined, null, 5, 'x', {}, new Map()]) {
        assert.throws(() => adapter(wrong), (error) => error instanceof TransakTokenError && error.code === 'ERR_INVALID_OPTION')
      }
    })
  })
}

describe('what an adapter adds', () => {
  test("secureStorage hands its options to each call, and keeps to the store's alphabet", async () => {
    const seen = [], options = { keychainService: 'tokens' }, store = secureStorage(secureStore(seen), options)
    await store.set('a b', 'token', 1)
    await store.get('a b')
    await store.delete('a b')
    assert.deepEqual(seen, [options, options, options])
  })

  test('unstorage gets the ttl in whole seconds, rounded up', async () => {
    const seen = [], store = unstorage(driver(seen))
    await store.set('key', 'token', 1_001)
    assert.deepEqual(seen, [{ ttl: 2 }])
  })

  test('keyv refuses a Keyv that hides failures', () => {
    assert.throws(() => keyv(new Keyv()), { code: 'ERR_INVALID_OPTION', message: /throwOnErrors: true/ })
  })

  test('a Keyv gets one listener, however many adapters and sessions there are', async (t) => {
    const { url: baseUrl, fresh } = await world(t), store = new Keyv({ throwOnErrors: true })
    let added = 0
    const on = store.on.bind(store)
    store.on = (...given) => (added++, on(...given))
    for (let times = 0; times < 20; times++) {
      const session = await TokenSession.login(fresh, { baseUrl, storage: keyv(store), key: `user-${times}` })
      session.dispose()
    }
    assert.deepEqual([added, keyv(store) === keyv(store)], [1, true])
  })

  test('a failure of a Keyv backend is one storageerror, and no logout', async (t) => {
    const { url: baseUrl, fresh } = await world(t)
    let away = false
    const backend = new Map(), store = Object.assign(new Map(), {
      get: (key) => { if (away) throw new Error('away'); return backend.get(key) },
      set: (key, value) => { if (away) throw new Error('away'); backend.set(key, value) },
      delete: (key) => { if (away) throw new Error('away'); return backend.delete(key) },
    })
    const session = await TokenSession.login(fresh, { baseUrl, storage: keyv(new Keyv({ store, throwOnErrors: true })), key: 'user' })
    t.after(() => session.dispose())
    const events = []
    for (const type of ['storageerror', 'cleared']) session.addEventListener(type, () => events.push(type))
    away = true
    const renewed = await session.refresh()
    assert.equal(await session.accessToken(), renewed.accessToken)
    assert.deepEqual(events, ['storageerror'])
  })
})

describe('another kind of store is refused with what to write', () => {
  const fits = () => {}
  const OTHERS = {
    'webStorage(localStorage)': area(),
    'unstorage(storage)': driver(),
    'secureStorage(SecureStore)': secureStore(),
    'asyncStorage(store)': asyncArea(),
    'extensionStorage(chrome.storage.local)': chromeArea(),
    '{ get: (key) => cache.get(key), set: (key, token, ttlMs) => cache.set(key, token, { ttl: ttlMs }), delete: (key) => cache.delete(key) }': { get: fits, set: fits, delete: fits, purgeStale: fits },
    '{ get: (key) => get(key), set: (key, token, ttlMs) => set(key, token), delete: (key) => del(key) }': { get: fits, set: fits, del: fits, createStore: fits },
    "redis.set(key, token, 'PX', ttlMs)": { get: fits, set: fits, del: fits, connect: fits, pipeline: fits, defineCommand: fits, on: fits },
    'redis.set(key, token, { px: ttlMs })': { get: fits, set: fits, del: fits, pipeline: fits },
    "client.set(key, token, { expiration: { type: 'PX', value: ttlMs } })": { get: fits, set: fits, del: fits, connect: fits, on: fits },
  }
  for (const [advice, store] of Object.entries(OTHERS)) {
    test(advice, () => {
      for (const [name, adapter] of Object.entries({ extensionStorage, asyncStorage, secureStorage, unstorage, keyv })) {
        if (advice.startsWith(name)) adapter(store)
        else assert.throws(() => adapter(store), (error) => error.code === 'ERR_INVALID_OPTION' && error.message.includes(`write ${advice}`) || error.message.includes(advice), name)
      }
    })
  }
})

// A session of the main entry must recognise a store of this entry whose area is missing.
test('a webStorage of this entry whose area is missing counts as no storage', async (t) => {
  const { url: baseUrl } = await world(t)
  const session = await TokenSession.open({ baseUrl, storage: webStorage(() => undefined), key: 'user' })
  t.after(() => session.dispose())
  assert.equal(session.snapshot().state, 'invalid')
})
