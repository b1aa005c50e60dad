// A session's login is in its store before the page navigates, and the session reports a store that loses it.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { TokenSession } from 'transak-user-token'
import { memory, next, turn, unique, world } from './session.world.mjs'

const until = async (holds) => {
  for (const end = Date.now() + 30_000; !holds();) {
    assert.ok(Date.now() < end, `in time: ${holds}`)
    await turn()
  }
}
const down = () => { throw new Error('ECONNREFUSED') }

/** A store that needs many turns of the event loop for each operation. */
function slow(storage = memory()) {
  const late = (method) => async (...given) => {
    for (let left = 20; left > 0; left--) await turn()
    return storage[method](...given)
  }
  return { ...storage, get: late('get'), set: late('set'), delete: late('delete') }
}

/** A store whose `set` ends when the test says so. */
function held(storage = memory()) {
  const { set } = storage, waiting = []
  return Object.assign(storage, {
    set: (...given) => new Promise((resolve) => waiting.push(() => resolve(set(...given)))),
    waiting, release() { for (const go of waiting.splice(0)) go() },
  })
}

describe('a login', { concurrency: true }, () => {
  test('is stored before accessToken() resolves', async (t) => {
    const { open, fresh } = await world(t)
    const key = unique(), storage = slow(), session = open(fresh, { storage, key })
    assert.equal(await session.accessToken(), fresh)
    assert.equal(storage.map.get(key), fresh)
  })

  test('is stored by the constructor, without a call', async (t) => {
    const { open, fresh } = await world(t)
    const key = unique(), storage = memory()
    open(fresh, { storage, key })
    await until(() => storage.map.get(key) === fresh)
  })

  test('is stored before replace() resolves', async (t) => {
    const { open, fresh, aged } = await world(t)
    const key = unique(), storage = slow(), login = await aged(1), session = open(fresh, { storage, key })
    await session.replace(login)
    assert.equal(storage.map.get(key), login)
    // If nobody awaits replace(), the token is stored before the next accessToken() resolves.
    session.replace(fresh)
    assert.equal(await session.accessToken(), fresh)
    assert.equal(storage.map.get(key), fresh)
  })

  test('is stored without a wait for the lock', async (t) => {
    const { open, fresh } = await world(t)
    const key = unique(), storage = memory(), session = open(fresh, { storage, key, lock: () => new Promise(() => {}) })
    assert.equal(await session.accessToken(), fresh)
    assert.equal(storage.map.get(key), fresh)
  })

  test('the token of a refresh is stored before refresh() and accessToken() resolve', async (t) => {
    const { open, expiring } = await world(t)
    const key = unique(), storage = slow(), session = open(expiring, { storage, key })
    const stored = []
    const [token, { accessToken }] = await Promise.all([session.accessToken(), session.refresh()].map((call) => call.finally(() => stored.push(storage.map.get(key)))))
    assert.notEqual(token, expiring)
    assert.deepEqual([accessToken, ...stored], [token, token, token])
  })

  test('accessToken() and refresh() wait for a slow store at most maxWaitMs', async (t) => {
    const { open, fresh } = await world(t)
    const key = unique(), storage = held(), session = open(fresh, { storage, key, maxWaitMs: 10 })
    assert.equal(await session.accessToken(), fresh)
    assert.equal(storage.waiting.length, 1)
    assert.equal(storage.map.size, 0)
    storage.release()
    await until(() => storage.map.has(key))
    const { accessToken } = await session.refresh()
    assert.equal(storage.map.get(key), fresh)
    storage.release()
    await until(() => storage.map.get(key) === accessToken)
  })

  test('a caller who aborts does not wait for the store', async (t) => {
    const { open, fresh } = await world(t)
    const storage = held(), session = open(fresh, { storage, key: unique() }), controller = new AbortController()
    const call = session.accessToken({ signal: controller.signal })
    await until(() => storage.waiting.length)
    controller.abort('left')
    await assert.rejects(call, (thrown) => thrown === 'left')
    storage.release()
  })

  test('a store that fails delays no call: one storageerror, and the call gets the token', async (t) => {
    const { open, fresh } = await world(t)
    const session = open(fresh, { storage: Object.assign(memory(), { fault: down, only: 'set' }), key: unique(), maxWaitMs: 60_000 })
    assert.equal(await session.accessToken(), fresh)
    assert.deepEqual(session.heard, ['storageerror'])
  })

  test('by login() whose store fails is told to a listener that is added afterwards, once', async (t) => {
    const { adopt, baseUrl, fresh } = await world(t)
    for (const fault of [down, () => Promise.reject(new Error('gone'))]) {
      const storage = Object.assign(memory(), { fault }), key = unique()
      // The lock is slow to end, so the store fails long before login() resolves.
      const lock = async (name, options, fn) => (await fn(), new Promise((resolve) => setTimeout(resolve, 20)))
      const session = adopt(await TokenSession.login(fresh, { baseUrl, storage, key, lock }))
      assert.equal(session.snapshot().stored, false)
      await next(session, 'storageerror')
      assert.equal(await session.accessToken(), fresh)
      assert.deepEqual(session.heard, ['storageerror'])
    }
  })

  for (const name of ['login() twice', 'replace() twice', 'new, and login()']) {
    test(`of one token in two sessions, by ${name}, loses no refresh: one request, and both go on with the new token`, async (t) => {
      for (const age of [0, 29]) {
        const { open, adopt, aged, baseUrl, gateway } = await world(t), token = await aged(age)
        const options = { baseUrl, storage: memory(), key: unique(), maxWaitMs: 60_000 }
        const login = async () => adopt(await TokenSession.login(token, options))
        const replaced = async () => {
          const session = open(null, options)
          await session.replace(token)
          return session
        }
        const [one, other] = await Promise.all(name[0] === 'l' ? [login(), login()] : name[0] === 'r' ? [replaced(), replaced()] : [open(token, options), login()])
        const { accessToken } = await other.refresh()
        assert.notEqual(accessToken, token)
        await until(() => options.storage.map.get(options.key) === accessToken)
        // A session looks at most once a second because of messages.
        for (const end = Date.now() + 30_000; Date.now() < end && await one.accessToken() !== accessToken;) await turn()
        assert.ok(await one.accessToken() === accessToken && await other.accessToken() === accessToken)
        assert.equal(gateway.refreshes(), 1)
      }
    })
  }

  test('by replace() is stored only with the lock, so an earlier answer does not overwrite it', async (t) => {
    const { open, fresh, aged } = await world(t)
    const key = unique(), storage = memory(), login = await aged(7)
    let release
    const session = open(fresh, { storage, key, lock: (name, options, fn) => new Promise((resolve) => { release = () => resolve(fn()) }) })
    await session.accessToken()
    const replaced = session.replace(login), { length } = storage.calls
    await until(() => release)
    const channel = new BroadcastChannel('transak-user-token')
    t.after(() => channel.close())
    channel.postMessage({ name: `transak-user-token:${key}`, what: 'refreshed' })
    await until(() => storage.calls.length > length)
    await turn()
    assert.equal(storage.map.get(key), fresh)
    release()
    await replaced
    assert.equal(storage.map.get(key), login)
  })

  test('that another tab reports is not overwritten by an answer that comes before the look', async (t) => {
    const { open, fresh, aged, gateway } = await world(t)
    const key = unique(), storage = memory(), login = await aged(7), channel = new BroadcastChannel('transak-user-token')
    t.after(() => channel.close())
    const tell = (what) => channel.postMessage({ name: `transak-user-token:${key}`, what })
    let answer
    const session = open(fresh, { storage, key, fetch: async (...given) => {
      await new Promise((resolve) => { answer = resolve })
      return fetch(...given)
    } })
    await session.accessToken()
    const refreshed = session.refresh()
    await until(() => answer)
    // There was a look just now. So the next look because of a message is a second later.
    const { length } = storage.calls
    tell('refreshed')
    await until(() => storage.calls.length > length)
    storage.map.set(key, login)
    tell('replaced')
    const heard = new Promise((resolve) => {
      const own = new BroadcastChannel('transak-user-token')
      own.onmessage = ({ data }) => data.what === 'last' && (own.close(), resolve())
    })
    tell('last')
    await heard
    answer()
    assert.equal((await refreshed).accessToken, login)
    assert.deepEqual([storage.map.get(key), gateway.refreshes()], [login, 1])
  })

  test('of another tab stays if a refresh in flight is answered after it', async (t) => {
    const { open, aged, gateway } = await world(t)
    const key = unique(), storage = memory(), old = await aged(2), login = await aged(-1)
    const session = open(old, { storage, key, fetch: async (...given) => {
      const response = await fetch(...given)
      storage.map.set(key, login)
      return response
    } })
    assert.equal((await session.refresh()).accessToken, login)
    assert.equal(storage.map.get(key), login)
    assert.equal(gateway.refreshes(), 1)
  })
})

describe('a store that loses what is set', { concurrency: true }, () => {
  for (const [name, get] of [['is always empty', () => undefined], ['always holds another user\'s token', (stale) => stale]]) {
    test(`and ${name}: one storageerror, the call gets the token, and the tabs do not answer each other`, async (t) => {
      const { open, fresh, aged } = await world(t)
      const key = unique(), stale = await aged(3, { sub: 'ann@example.com' }), storage = memory()
      storage.get = (...given) => {
        storage.calls.push(['get', ...given])
        return get(stale)
      }
      const sessions = [0, 1, 2].map(() => open(fresh, { storage, key }))
      for (const session of sessions) {
        assert.equal(await session.accessToken(), fresh)
        assert.deepEqual(session.heard, ['storageerror'])
      }
      const before = storage.calls.length
      // A message would have come by now, because a message that was sent later has come.
      const channel = new BroadcastChannel('transak-user-token'), other = new BroadcastChannel('transak-user-token')
      t.after(() => { channel.close(), other.close() })
      const heard = new Promise((resolve) => { channel.onmessage = resolve })
      other.postMessage({ name: `transak-user-token:${key}`, what: 'nothing' })
      await heard
      for (const session of sessions) assert.equal(await session.accessToken(), fresh)
      assert.ok(storage.calls.length - before < 20, `${storage.calls.length - before} calls`)
      for (const session of sessions) assert.deepEqual(session.heard, ['storageerror'])
    })
  }
})
