// A session and its store: one that is shared, fails, lies or hangs. Several sessions in this process share a store, as tabs do.
import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { describe, test } from 'node:test'
import Keyv from 'keyv'
import { TokenSession, webStorage } from 'transak-user-token'
import { clock } from './session.clock.mjs'
import { DAY, HOUR, MINUTE, SECOND, memory, next, turn, unique, world } from './session.world.mjs'

const until = async (holds) => {
  for (const end = Date.now() + 10_000; !holds();) {
    assert.ok(Date.now() < end, `in time: ${holds}`)
    await turn()
  }
}
const told = (session, type) => session.heard.filter((heard) => heard === type).length

describe('a shared store', { concurrency: true }, () => {
  test('eight sessions with one stored token make one request, and all end on the new token', async (t) => {
    const { reopen, expiring, gateway } = await world(t)
    const key = unique(), storage = memory([[key, expiring]])
    const sessions = await Promise.all(Array.from({ length: 8 }, () => reopen({ storage, key })))
    const tokens = new Set(await Promise.all(sessions.map((session) => session.accessToken())))
    assert.equal(tokens.size, 1)
    assert.equal(storage.map.get(key), [...tokens][0])
    assert.equal(gateway.refreshes(), 1)
    for (const session of sessions) assert.deepEqual(session.heard, ['refreshed'])
  })

  test('eight sessions with the same constructor token, each with its own store client, make one request', async (t) => {
    const { open, expiring, gateway } = await world(t)
    const key = unique(), { map } = memory()
    const sessions = Array.from({ length: 8 }, () => open(expiring, { key, storage: Object.assign(memory(), {
      get: async (key) => (await turn(), map.get(key)), set: async (key, token) => (await turn(), void map.set(key, token)),
    }) }))
    const tokens = new Set(await Promise.all(sessions.map((session) => session.accessToken())))
    assert.equal(tokens.size, 1)
    assert.equal(gateway.refreshes(), 1)
  })

  test('a session without a call gets the message of another refresh, and reads the store again', async (t) => {
    const { open, fresh, gateway } = await world(t)
    const key = unique(), storage = memory(), one = open(fresh, { storage, key }), other = open(fresh, { storage, key })
    await Promise.all([one.accessToken(), other.accessToken()])
    const heard = next(other, 'refreshed')
    const { accessToken, ...times } = await one.refresh()
    assert.deepEqual(await heard, times)
    assert.equal(await other.accessToken(), accessToken)
    assert.equal(gateway.refreshes(), 1)
  })

  test('a message to other tabs says what happened, and never holds the token', async (t) => {
    const { open, fresh, aged } = await world(t)
    const key = unique(), session = open(fresh, { storage: memory(), key }), messages = []
    const channel = new BroadcastChannel('transak-user-token')
    t.after(() => channel.close())
    channel.onmessage = ({ data }) => data.name === `transak-user-token:${key}` && messages.push(data)
    await session.refresh()
    await session.replace(await aged(1))
    await session.clear()
    await until(() => messages.length >= 5)
    assert.deepEqual(messages.map(({ what }) => what), ['refreshed', 'refreshed', 'login', 'replaced', 'cleared'])
    for (const message of messages) assert.deepEqual(Object.keys(message), ['name', 'what', 'at'])
  })

  test('a token that the session has replaced once is adopted like any other after another login', async (t) => {
    const { open, fresh, aged } = await world(t)
    const key = unique(), storage = memory(), { map } = storage, session = open(fresh, { storage, key })
    await session.refresh()
    const channel = new BroadcastChannel('transak-user-token')
    t.after(() => channel.close())
    // Other processes store these tokens: one of a login, and one that a restored store has.
    for (const token of [await aged(5, { sub: 'ann@example.com' }), fresh]) {
      const heard = next(session, 'replaced')
      map.set(key, token)
      channel.postMessage({ name: `transak-user-token:${key}`, what: 'refreshed' })
      await heard
      assert.equal(await session.accessToken(), token)
    }
  })

  test('another user\'s login in one tab is adopted by the others as replaced', async (t) => {
    const { open, fresh, aged } = await world(t)
    const key = unique(), storage = memory(), ann = await aged(5, { sub: 'ann@example.com' })
    const one = open(fresh, { storage, key }), other = open(fresh, { storage, key })
    await Promise.all([one.accessToken(), other.accessToken()])
    const heard = next(other, 'replaced')
    await one.replace(ann)
    await heard
    assert.equal(await other.accessToken(), ann)
    // A constructor does the same.
    const eve = await aged(9, { sub: 'eve@example.com' })
    const both = [next(one, 'replaced'), next(other, 'replaced')]
    assert.equal(await open(eve, { storage, key }).accessToken(), eve)
    await Promise.all(both)
    assert.equal(storage.map.get(key), eve)
    assert.deepEqual([await one.accessToken(), await other.accessToken()], [eve, eve])
  })

  test('clear() in one tab clears the others, and the store', async (t) => {
    const { open, fresh, reopen } = await world(t)
    const key = unique(), storage = memory(), one = open(fresh, { storage, key }), other = open(fresh, { storage, key })
    await Promise.all([one.accessToken(), other.accessToken()])
    await until(() => storage.map.has(key))
    const heard = next(other, 'cleared')
    await one.clear()
    await heard
    await assert.rejects(other.accessToken(), { code: 'ERR_INVALID_TOKEN' })
    await turn()
    assert.equal(storage.map.size, 0)
    assert.equal((await reopen({ storage, key })).status().state, 'invalid')
  })

  test('clear() in one tab while another stores an answer: the store ends up empty', async (t) => {
    const { open, fresh, gateway } = await world(t)
    const key = unique(), storage = memory(), { set } = storage
    const one = open(fresh, { storage, key }), other = open(fresh, { storage, key })
    await Promise.all([one.accessToken(), other.accessToken()])
    await until(() => storage.map.has(key))
    let store
    storage.set = (...given) => new Promise((resolve) => { store = () => resolve(set(...given)) })
    one.refresh().catch(() => {})
    await until(() => store)
    const heard = next(one, 'cleared')
    await other.clear()
    store()
    await heard
    await until(() => storage.calls.filter(([method]) => method === 'delete').length === 2 && storage.map.size === 0)
    assert.equal(gateway.refreshes(), 1)
  })

  test('replace() in one tab while another\'s refresh is in flight: the new login stays in the store', async (t) => {
    const { open, fresh, aged, gateway } = await world(t)
    const key = unique(), storage = memory(), one = open(fresh, { storage, key }), other = open(fresh, { storage, key })
    await Promise.all([one.accessToken(), other.accessToken()])
    gateway.fail({ kind: 'latency', ms: 150 })
    const refresh = one.refresh()
    await until(() => gateway.refreshes() === 1)
    const login = await aged(7), heard = next(one, 'replaced')
    await other.replace(login)
    await Promise.all([heard, refresh])
    assert.equal(storage.map.get(key), login)
    assert.deepEqual([await one.accessToken(), await other.accessToken()], [login, login])
  })

  test('a token that is stored late does not overwrite its successor', async (t) => {
    const { open, expiring, gateway } = await world(t)
    const key = unique(), quick = memory()
    let late
    const slow = { ...quick, set: (...given) => late ? quick.set(...given) : new Promise((resolve) => { late = () => resolve(quick.set(...given)) }) }
    const other = open(expiring, { storage: slow, key }), one = open(expiring, { storage: quick, key })
    const calls = [other.accessToken(), one.accessToken()]
    await until(() => late)
    // This is long enough for the other session, if nothing delays it.
    await Promise.race([calls[1], new Promise((resolve) => setTimeout(resolve, 300))])
    late()
    const [token] = await Promise.all(calls)
    assert.equal(await other.accessToken(), token)
    assert.equal(quick.map.get(key), token)
    assert.equal(gateway.refreshes(), 1)
  })

  test('of two tokens of one user the later iat wins (clerk), whichever of them is stored', async (t) => {
    const { open, aged } = await world(t)
    const older = await aged(3), later = await aged(2)
    for (const [given, stored] of [[older, later], [later, older]]) {
      const key = unique(), storage = memory([[key, stored]]), session = open(given, { storage, key })
      assert.equal(await session.accessToken(), later)
      await turn()
      assert.equal(storage.map.get(key), later)
    }
  })

  test('a refusal is followed by another look: another tab may hold the successor', async (t) => {
    const { open, aged, gateway } = await world(t)
    const key = unique(), old = await aged(2), newer = await aged(1)
    const storage = memory(), session = open(old, { storage, key, fetch: async (...given) => {
      storage.map.set(key, newer)
      return fetch(...given)
    } })
    await session.accessToken()
    gateway.fail({ kind: 'error', status: 401, errorCode: 1002 })
    assert.equal((await session.refresh()).accessToken, newer)
    assert.deepEqual([session.status().refused, session.heard], [false, ['refreshed']])
  })

  test('the store gets the bare token and its remaining life', async (t) => {
    const { open, fresh } = await world(t)
    const key = unique(), storage = memory()
    await open(` ${fresh} `, { storage, key }).accessToken()
    await until(() => storage.map.has(key))
    const [[, stored, ttlMs]] = storage.calls.filter(([method]) => method === 'set')
    assert.deepEqual([stored, storage.map.get(key)], [key, fresh])
    assert.ok(Number.isInteger(ttlMs) && ttlMs <= 30 * DAY && ttlMs > 30 * DAY - MINUTE, ttlMs)
  })

  test('the ttl is a whole number, and at most 30 days and the token\'s own life, whatever the clock says', async (t) => {
    const { open, gateway } = await world(t)
    const now = Math.floor(Date.now() / 1000), month = 30 * DAY / 1000
    for (const [claims, options, most] of [
      [{ iat: now + 2, exp: now + 2 + month }, {}, 30 * DAY], [{ iat: now + 60, exp: now + 660 }, {}, 600 * SECOND],
      [{ iat: now, exp: now + 400 * DAY / 1000 }, {}, 30 * DAY], [{ iat: undefined, exp: now + 400 * DAY / 1000 }, {}, 30 * DAY],
      [{ iat: now, exp: now + month }, { clockToleranceMs: 30_000.5 }, 30 * DAY],
    ]) {
      const storage = memory()
      await open(await gateway.issue(claims), { storage, key: unique(), ...options }).accessToken()
      const [[,, ttlMs]] = storage.calls.filter(([method]) => method === 'set')
      assert.ok(Number.isInteger(ttlMs) && ttlMs <= most && ttlMs > most - MINUTE, `${ttlMs} of ${most}`)
    }
  })

  test('an expired token is not stored', async (t) => {
    const { open, fresh, expired } = await world(t)
    const key = unique(), storage = memory(), session = open(fresh, { storage, key })
    await session.accessToken()
    await session.replace(expired)
    assert.equal(storage.map.size, 0)
    await assert.rejects(session.accessToken(), { code: 'ERR_TOKEN_EXPIRED' })
  })
})

describe('open', { concurrency: true }, () => {
  test('holds the stored token', async (t) => {
    const { reopen, fresh } = await world(t)
    const key = unique(), session = await reopen({ storage: memory([[key, fresh]]), key })
    assert.ok(session instanceof TokenSession)
    assert.equal(await session.accessToken(), fresh)
    assert.deepEqual(session.heard, [])
  })

  test('is empty if nothing usable is stored', async (t) => {
    const { reopen } = await world(t)
    for (const stored of [undefined, null, '', 'rubbish', 5, {}, [], 'Bearer a.b.c', 'a.b.c', 'e30.e30.e30']) {
      const key = unique()
      assert.equal((await reopen({ storage: memory([[key, stored]]), key })).status().reason, 'not_a_string', String(stored))
    }
  })

  test('an expired token gives a session that is expired', async (t) => {
    const { reopen, expired } = await world(t)
    const key = unique(), session = await reopen({ storage: memory([[key, expired]]), key })
    assert.equal(session.status().state, 'expired')
    await assert.rejects(session.accessToken(), { code: 'ERR_TOKEN_EXPIRED' })
    assert.deepEqual(session.heard, ['expired'])
  })

  test('rejects with ERR_STORAGE if the store fails', async (t) => {
    const { reopen } = await world(t)
    for (const fault of [() => { throw new Error('no') }, () => Promise.reject(new Error('no')), () => new Promise(() => {})]) {
      await assert.rejects(reopen({ storage: Object.assign(memory(), { fault }), key: unique() }), { code: 'ERR_STORAGE', action: 'retry' })
    }
  })

  test('rejects if the options are invalid', async () => {
    for (const options of [undefined, {}, { environment: 'staging' }, { environment: 'staging', key: 'a' }, { environment: 'staging', storage: memory() }]) {
      await assert.rejects(TokenSession.open(options), { code: 'ERR_INVALID_OPTION' })
    }
  })
})

describe('a store that fails', { concurrency: true }, () => {
  test('and one that returns something else than was set are told apart', async (t) => {
    const { open, fresh } = await world(t)
    const down = Object.assign(memory(), { fault: () => { throw new Error('down') } }), bytes = memory()
    for (const [storage, said] of [[down, /failed or did not answer/], [{ ...bytes, get: (key) => Buffer.from(bytes.map.get(key) ?? '') }, /returns something else/]]) {
      const session = open(fresh, { storage, key: unique() }), [{ error }] = await Promise.all([next(session, 'storageerror'), session.accessToken()])
      assert.deepEqual([error.code, error.action], ['ERR_STORAGE', 'retry'])
      assert.match(error.message, said)
    }
  })

  const faults = {
    throws: () => { throw new Error('quota exceeded') }, rejects: () => Promise.reject(new Error('gone')),
    'hangs': () => new Promise(() => {}), 'answers false to set': (method) => method === 'set' ? false : undefined,
  }
  for (const [name, fault] of Object.entries(faults)) {
    test(`one that ${name}: one storageerror, and the session goes on in memory`, async (t) => {
      const { open, expiring, fresh, gateway } = await world(t)
      const storage = Object.assign(memory(), { fault }), session = open(expiring, { storage, key: unique() })
      const first = next(session, 'storageerror')
      const token = await session.accessToken()
      assert.notEqual(token, expiring)
      const { error } = await first
      assert.deepEqual([error.code, error.action], ['ERR_STORAGE', 'retry'])
      for (let left = 3; left > 0; left--) await session.refresh()
      await session.replace(fresh)
      assert.equal(await session.accessToken(), fresh)
      assert.equal(told(session, 'storageerror'), 1)
      assert.equal(gateway.refreshes(), 4)
    })
  }

  test('one that emits error, as Keyv does, counts as failed', async (t) => {
    const { open, fresh } = await world(t)
    const storage = Object.assign(new EventEmitter(), { get() { this.emit('error', new Error('down')) }, set() { return true }, delete() {} })
    const session = open(fresh, { storage, key: unique() })
    assert.equal(await session.accessToken(), fresh)
    assert.equal(told(session, 'storageerror'), 1)
    assert.equal(storage.listenerCount('error'), 1)
    for (let left = 20; left > 0; left--) await open(fresh, { storage, key: unique() }).accessToken()
    assert.equal(storage.listenerCount('error'), 1, 'however many share it')
  })

  test('one that holds rubbish gets the token', async (t) => {
    const { open, fresh } = await world(t)
    for (const rubbish of ['rubbish', 5, {}, '\u0000', 'x'.repeat(20_000)]) {
      const key = unique(), storage = memory([[key, rubbish]]), session = open(fresh, { storage, key })
      assert.equal(await session.accessToken(), fresh)
      await turn()
      assert.equal(storage.map.get(key), fresh)
      assert.deepEqual(session.heard, [])
    }
  })

  test('one that lies, with another token each time, leads to no loop', async (t) => {
    const { open, aged, gateway } = await world(t)
    let day = 10
    const lies = await Promise.all(Array.from({ length: 10 }, (_, index) => aged(index + 1)))
    const session = open(await aged(11), { storage: { get: () => lies[--day], set() {}, delete() {} }, key: unique() })
    for (let left = 30; left > 0; left--) assert.ok(await session.accessToken())
    assert.equal(gateway.refreshes(), 0)
  })

  test('one that answers again is used again, and the later token wins', async (t) => {
    const { open, aged } = await world(t)
    const key = unique(), storage = memory(), session = open(await aged(2), { storage, key })
    await session.accessToken()
    storage.fault = () => { throw new Error('down') }
    const { accessToken } = await session.refresh()
    assert.notEqual(storage.map.get(key), accessToken)
    storage.fault = null
    const { accessToken: latest } = await session.refresh()
    await until(() => storage.map.get(key) === latest)
    assert.equal(await session.accessToken(), latest)
    storage.fault = () => { throw new Error('down again') }
    await session.refresh()
    assert.equal(told(session, 'storageerror'), 2)
  })

  test('a token that was exchanged twice in an outage is not adopted again, even if all its tokens are of one second', async (t) => {
    const { open, gateway } = await world(t, { now: () => 1_000 * Math.floor(Date.now() / 60_000) * 60 })
    const key = unique(), storage = memory(), token = await gateway.issue(), session = open(token, { storage, key })
    await session.accessToken()
    storage.fault = () => { throw new Error('down') }
    await session.refresh()
    storage.fault = null
    const { accessToken } = await session.refresh()
    assert.deepEqual([await session.accessToken(), storage.map.get(key), gateway.refreshes(token)], [accessToken, accessToken, 1])
    // The next refresh exchanges the token that the session holds.
    assert.notEqual((await session.refresh()).accessToken, accessToken)
  })

  test('a dead Keyv backend: its errors are swallowed, and the session goes on', async (t) => {
    const { open, expiring } = await world(t)
    const down = () => Promise.reject(new Error('ECONNREFUSED'))
    const keyv = new Keyv({ store: { get: down, set: down, delete: down, clear: down, opts: {} } })
    const session = open(expiring, { storage: keyv, key: unique() })
    assert.notEqual(await session.accessToken(), expiring)
    assert.equal(told(session, 'storageerror'), 1)
  })

  test('a Keyv backend whose calls stay pending: 2 s, and the session goes on', async (t) => {
    const { open, expiring } = await world(t)
    const pending = () => new Promise(() => {})
    const keyv = new Keyv({ store: { get: pending, set: pending, delete: pending, clear: pending, opts: {} } })
    const session = open(expiring, { storage: keyv, key: unique() })
    assert.notEqual(await session.accessToken(), expiring)
    assert.equal(told(session, 'storageerror'), 1)
  })

  test('a Keyv that works fits as it is', async (t) => {
    const { open, reopen, expiring, gateway } = await world(t)
    const keyv = new Keyv(), key = unique(), session = open(expiring, { storage: keyv, key })
    const token = await session.accessToken()
    await until(() => session.status().state === 'fresh')
    await turn()
    assert.equal(await keyv.get(key), token)
    const other = await reopen({ storage: keyv, key })
    assert.equal(await other.accessToken(), token)
    await other.clear()
    // By default a Keyv swallows failures. So it counts as a store that may forget, and a mark stays.
    assert.equal(await keyv.get(key), 'cleared')
    assert.equal(gateway.refreshes(), 1)
    assert.ok(!session.heard.includes('storageerror'))
  })

  test('webStorage keeps the bare token in a page\'s area', async (t) => {
    const { open, reopen, aged, expiring, expired } = await world(t)
    const map = new Map(), key = unique()
    const area = { getItem: (key) => map.get(key) ?? null, setItem: (key, value) => void map.set(key, String(value)), removeItem: (key) => void map.delete(key) }
    const storage = webStorage(area), session = open(expiring, { storage, key })
    const token = await session.accessToken()
    await turn()
    assert.equal(map.get(key), token)
    assert.equal(await (await reopen({ storage, key })).accessToken(), token)
    await session.clear()
    assert.equal(map.size, 0)
    map.set(key, expired)
    assert.equal((await reopen({ storage, key })).status().state, 'expired')
    area.setItem = () => { throw new DOMException('full', 'QuotaExceededError') }
    const last = await aged(28), full = open(last, { storage, key: unique() })
    assert.notEqual(await full.accessToken(), last)
    await until(() => told(full, 'storageerror') === 1)
    for (const none of [undefined, null, 5, {}, new Map()]) assert.throws(() => webStorage(none), { code: 'ERR_INVALID_OPTION' })
  })
})

describe('a lock', { concurrency: true }, () => {
  test('is the option `lock` if there is one, with a name from the key', async (t) => {
    const { open, expiring } = await world(t)
    const key = unique(), given = []
    const lock = async (name, { timeoutMs, signal }, fn) => {
      given.push(name, timeoutMs, signal.aborted)
      await fn()
    }
    const session = open(expiring, { storage: memory(), key, lock })
    assert.notEqual(await session.accessToken(), expiring)
    assert.deepEqual(given, [`transak-user-token:${key}`, 10_000, false])
  })

  for (const [name, lock] of [['throws', () => { throw new Error('no') }], ['rejects', () => Promise.reject(new Error('no'))], ['calls nobody', async () => {}]]) {
    test(`one that ${name} is an outage, reported once: the refresh goes on without it, and the next one requests it again`, async (t) => {
      const { open, expiring, gateway } = await world(t)
      let asked = 0
      const session = open(expiring, { storage: memory(), key: unique(), lock: (...given) => {
        asked++
        return lock(...given)
      } })
      assert.notEqual(await session.accessToken(), expiring)
      await session.refresh()
      assert.deepEqual([told(session, 'storageerror'), told(session, 'refreshed'), gateway.refreshes(), asked], [1, 2, 2, 2])
    })
  }

  test('one that fails together with its store is one outage, reported once; if it still fails without the store, that is another', async (t) => {
    const { open, aged, gateway } = await world(t)
    const down = () => Promise.reject(new Error('ECONNREFUSED'))
    let lock = (name, options, fn) => fn()
    const key = unique(), storage = memory(), session = open(await aged(1), { storage, key, lock: (...given) => lock(...given) })
    await session.accessToken()
    storage.fault = lock = down
    await session.refresh()
    assert.deepEqual([told(session, 'storageerror'), gateway.refreshes()], [1, 1])
    storage.fault = null
    // The first call finds that the store answers again.
    for (let times = 2; times > 0; times--) await session.refresh()
    assert.deepEqual([told(session, 'storageerror'), gateway.refreshes()], [2, 3])
    lock = (name, options, fn) => fn()
    await session.refresh()
    storage.fault = lock = down
    await session.refresh()
    assert.equal(told(session, 'storageerror'), 3)
  })

  for (const name of ['AbortError', 'TimeoutError']) {
    test(`one that rejects with ${name} is busy: the old token, one refreshfailed, no request`, async (t) => {
      const { open, expiring, gateway } = await world(t)
      const session = open(expiring, { storage: memory(), key: unique(), lock: () => Promise.reject(new DOMException('', name)) })
      assert.equal(await session.accessToken(), expiring)
      await assert.rejects(session.refresh(), { code: 'ERR_TIMEOUT', attempts: 0, outcomeUnknown: false })
      assert.deepEqual([session.heard, gateway.refreshes()], [['refreshfailed'], 0])
    })
  }

  test('one that rejects after the work: the result of the work counts', async (t) => {
    const { open, expiring, gateway } = await world(t)
    const session = open(expiring, { storage: memory(), key: unique(), lock: async (name, options, fn) => {
      await fn()
      throw new Error('the lease was lost')
    } })
    assert.notEqual(await session.accessToken(), expiring)
    assert.deepEqual([session.heard, gateway.refreshes()], [['refreshed'], 1])
  })
})

test('a lock that never comes: 10 s at most, the old token meanwhile, and a new request later', async (t) => {
  const time = clock(t)
  const { open, gateway, aged } = await world(t, { listen: false, now: () => Date.now() })
  let asked = 0, late, aborted = 0
  const lock = (name, { signal }, fn) => {
    asked++
    late = fn
    signal.addEventListener('abort', () => { aborted++ })
    return asked > 1 ? fn() : new Promise(() => {})
  }
  const expiring = await aged(29), session = open(expiring, { storage: memory(), key: unique(), lock, fetch: (url, init) => gateway.fetch(new Request(url, { headers: init.headers })) })
  const call = session.accessToken(), refresh = session.refresh()
  refresh.catch(() => {})
  await time.advance(5 * SECOND)
  assert.equal(await call, expiring)
  await time.advance(5 * SECOND)
  await assert.rejects(refresh, { code: 'ERR_TIMEOUT' })
  assert.equal(aborted, 1)
  // The lock comes too late, so nothing is done under it.
  await late()
  assert.deepEqual([gateway.refreshes(), session.heard], [0, ['refreshfailed']])
  await time.advance(HOUR)
  const again = session.accessToken()
  await time.settle()
  assert.notEqual(await again, expiring)
  assert.deepEqual([asked, gateway.refreshes()], [2, 1])
})

test('a page\'s store that shows another\'s write a moment later, as localStorage does between processes', async (t) => {
  const time = clock(t)
  const { open, expiring, aged, gateway } = await world(t, { listen: false, now: () => Date.now() })
  const key = unique(), written = [{ by: -1, at: 0, token: expiring }]
  const [one, other] = [0, 1].map((me) => open(expiring, { key, fetch: (url, init) => gateway.fetch(new Request(url, { headers: init.headers })), storage: webStorage({
    getItem: () => written.findLast(({ by, at }) => by === me || at <= Date.now() - 60).token,
    setItem: (key, token) => void written.push({ by: me, at: Date.now(), token }),
    removeItem() {},
  }) }))
  const outcome = async (promise) => {
    let isOver = false
    promise.finally(() => { isOver = true }).catch(() => {})
    for (let left = 100; !isOver && left > 0; left--) await time.advance(50)
    assert.ok(isOver, 'within 5 s')
    return promise
  }
  const tokens = await outcome(Promise.all([one.accessToken(), other.accessToken()]))
  assert.equal(new Set(tokens).size, 1)
  assert.equal(gateway.refreshes(), 1)
  const login = await aged(3), replaced = next(other, 'replaced')
  await outcome(Promise.all([one.replace(login), replaced]))
  assert.equal(await other.accessToken(), login)
})
