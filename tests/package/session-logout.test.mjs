// A session's logout: what is left in the store and in the other tabs after clear(), and after the store was emptied.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { describe, test } from 'node:test'
import { promisify } from 'node:util'
import Keyv from 'keyv'
import { clock } from './session.clock.mjs'
import { DAY, SECOND, memory, next, turn, unique, world } from './session.world.mjs'

const until = async (holds) => {
  for (const end = Date.now() + 30_000; !holds();) {
    assert.ok(Date.now() < end, `in time: ${holds}`)
    await turn()
  }
}
const counted = (storage, method) => storage.calls.filter(([called]) => called === method).length
const down = () => { throw new Error('ECONNREFUSED') }
const cleared = { code: 'ERR_INVALID_TOKEN', action: 'login', reason: 'not_a_string' }

describe('a logout in one tab', { concurrency: true }, () => {
  test('empties a session of another tab that was only opened', async (t) => {
    const { reopen, fresh, gateway } = await world(t)
    const key = unique(), storage = memory([[key, fresh]]), options = { storage, key }
    const [one, other] = [await reopen(options), await reopen(options)], heard = next(one, 'cleared')
    await other.clear()
    await heard
    await assert.rejects(one.accessToken(), cleared)
    assert.deepEqual([storage.map.size, counted(storage, 'set'), gateway.refreshes()], [0, 0, 0])
  })

  test('empties a session of another tab that was only constructed', async (t) => {
    const { open, fresh } = await world(t)
    const key = unique(), storage = memory([[key, fresh]]), one = open(fresh, { storage, key }), other = open(fresh, { storage, key })
    const heard = next(one, 'cleared')
    await other.clear()
    await heard
    await assert.rejects(one.accessToken(), cleared)
    assert.equal(storage.map.size, 0)
  })
})

describe('an empty store', { concurrency: true }, () => {
  for (const call of ['accessToken', 'refresh']) {
    test(`is a logout elsewhere for an opened session, even without a message: ${call}() gives no token and stores nothing`, async (t) => {
      const { reopen, fresh, gateway } = await world(t)
      const key = unique(), storage = memory([[key, fresh]]), session = await reopen({ storage, key })
      storage.map.clear()
      await assert.rejects(session[call](), cleared)
      assert.deepEqual([session.heard, storage.map.size, gateway.refreshes()], [['cleared'], 0, 0])
    })
  }

  test('is a logout elsewhere for a session that has stored its token', async (t) => {
    const { open, fresh, gateway } = await world(t)
    for (const empty of [undefined, null, '']) {
      const key = unique(), storage = memory(), session = open(fresh, { storage, key })
      await session.accessToken()
      storage.map.set(key, empty)
      await assert.rejects(session.refresh(), cleared)
      assert.equal(session.status().state, 'invalid')
      assert.deepEqual([session.heard, storage.map.get(key)], [['cleared'], empty])
    }
    assert.equal(gateway.refreshes(), 0)
  })

  test('is a logout while a refresh is in flight: no call gets its token, and it is not stored', async (t) => {
    const { open, expiring, gateway } = await world(t)
    const key = unique(), storage = memory(), session = open(expiring, { storage, key, fetch: async (...given) => {
      const response = await fetch(...given)
      storage.map.clear()
      return response
    } })
    await assert.rejects(session.accessToken(), cleared)
    assert.deepEqual([storage.map.size, gateway.refreshes()], [0, 1])
    assert.equal(session.heard.at(-1), 'cleared')
  })

  test('gets the login that follows a logout elsewhere', async (t) => {
    const { open, fresh, aged } = await world(t)
    const key = unique(), storage = memory(), login = await aged(1), session = open(fresh, { storage, key })
    await session.accessToken()
    storage.map.clear()
    await session.replace(login)
    assert.equal(storage.map.get(key), login)
    assert.equal(await session.accessToken(), login)
  })

  test('is no logout if a Keyv swallows its backend\'s failures, and is one if the Keyv throws them', async (t) => {
    const { open, fresh } = await world(t)
    for (const throwOnErrors of [false, true]) {
      const keyv = new Keyv({ throwOnErrors }), key = unique(), session = open(fresh, { storage: keyv, key })
      await session.accessToken()
      await keyv.delete(key)
      const refresh = session.refresh()
      if (throwOnErrors) await assert.rejects(refresh, cleared)
      else assert.equal((await refresh).accessToken, await keyv.get(key))
    }
  })
})

describe('a store that may forget', { concurrency: true }, () => {
  const kinds = [['by storageMayForget', { storageMayForget: true }, {}], ['by a Keyv that swallows failures', {}, { throwOnErrors: false }]]
  for (const [how, options, fields] of kinds) {
    test(`${how}: a token that it has forgotten is written again`, async (t) => {
      const { open, fresh } = await world(t)
      const key = unique(), storage = Object.assign(memory(), fields), session = open(fresh, { storage, key, ...options })
      await session.accessToken()
      storage.map.clear()
      const { accessToken } = await session.refresh()
      assert.equal(storage.map.get(key), accessToken)
      assert.deepEqual(session.heard, ['refreshed'])
    })

    test(`${how}: clear() leaves a mark for the rest of the token's life, and others take it for a logout`, async (t) => {
      const { open, fresh } = await world(t)
      const key = unique(), storage = Object.assign(memory(), fields), one = open(fresh, { storage, key, ...options })
      await one.accessToken()
      // This stands for another process, which shares no channel.
      const other = open(fresh, { storage: { ...storage }, key, ...options })
      await other.accessToken()
      const { length } = storage.calls
      await one.clear()
      const [, , ttlMs] = storage.calls.slice(length).find(([method]) => method === 'set')
      assert.equal(storage.map.get(key), 'cleared')
      assert.ok(Number.isInteger(ttlMs) && ttlMs > 29 * 86_400_000 && ttlMs <= 30 * 86_400_000, `${ttlMs}`)
      await assert.rejects(other.refresh(), cleared)
      assert.equal(storage.map.get(key), 'cleared')
    })

    test(`${how}: clear() of an empty session leaves a mark, too, because another process may hold a token`, async (t) => {
      const { open, fresh, reopen } = await world(t)
      const key = unique(), storage = Object.assign(memory(), fields), other = open(fresh, { storage, key, ...options })
      await other.accessToken()
      // This session stands for another process, which shares no channel. The store has forgotten the token by then.
      storage.map.clear()
      const elsewhere = { ...options, key: unique(), storage: { ...fields, ...Object.fromEntries(['get', 'set', 'delete'].map((name) => [name, (_, ...given) => storage[name](key, ...given)])) } }
      const session = await reopen(elsewhere)
      await session.clear()
      await assert.rejects(other.refresh(), cleared)
      await assert.rejects(session.accessToken(), cleared)
      const [, , ttlMs] = storage.calls.findLast(([method]) => method === 'set')
      assert.deepEqual([storage.map.get(key), ttlMs], ['cleared', 30 * DAY])
      assert.equal((await reopen(elsewhere)).status().state, 'invalid')
    })

    test(`${how}: a login is written over the mark`, async (t) => {
      const { open, fresh, reopen } = await world(t)
      const key = unique(), storage = Object.assign(memory([[key, 'cleared']]), fields)
      assert.equal((await reopen({ storage, key, ...options })).status().state, 'invalid')
      assert.equal(await open(fresh, { storage, key, ...options }).accessToken(), fresh)
      assert.equal(storage.map.get(key), fresh)
    })
  }
})

test('an empty session that hears of a logout during its look does not adopt what the look has read', async (t) => {
  const { open, reopen, fresh } = await world(t)
  const key = unique(), storage = memory([[key, fresh]]), holder = await reopen({ storage, key })
  let answer
  const answering = new Promise((resolve) => { answer = resolve })
  const get = async () => {
    const stored = storage.map.get(key)
    await answering
    return stored
  }
  const session = open(null, { storage: { get, set: () => {}, delete: () => {} }, key }), opening = reopen({ storage: { get, set: () => {}, delete: () => {} }, key })
  await holder.clear()
  await turn()
  answer()
  await assert.rejects(session.accessToken(), cleared)
  assert.equal((await opening).status().state, 'invalid')
})

test('a started session whose store was emptied elsewhere does not store its token again when the page gets the focus', async (t) => {
  const window = new EventTarget()
  for (const name of ['addEventListener', 'removeEventListener']) globalThis[name] = window[name].bind(window)
  t.after(() => {
    for (const name of ['addEventListener', 'removeEventListener']) delete globalThis[name]
  })
  const { open, fresh } = await world(t)
  const key = unique(), storage = memory(), session = open(fresh, { storage, key })
  session.start()
  await session.accessToken()
  storage.map.clear()
  const heard = next(session, 'cleared')
  window.dispatchEvent(new Event('focus'))
  await heard
  await assert.rejects(session.accessToken(), cleared)
  assert.equal(storage.map.size, 0)
})

describe('a delete that fails', { concurrency: true }, () => {
  for (const [name, fault] of [['throws', down], ['rejects', () => Promise.reject(new Error('gone'))], ['hangs', () => new Promise(() => {})]]) {
    test(`clear() rejects with ERR_STORAGE if the store ${name}, and the session is empty`, async (t) => {
      const { open, fresh } = await world(t)
      const key = unique(), storage = memory(), session = open(fresh, { storage, key })
      await session.accessToken()
      Object.assign(storage, { fault, only: 'delete' })
      await assert.rejects(session.clear(), { name: 'TransakTokenError', code: 'ERR_STORAGE', action: 'retry' })
      await assert.rejects(session.accessToken(), cleared)
      assert.deepEqual(session.heard, ['cleared', 'storageerror'])
      storage.fault = null
    })
  }

  test('a rejection of clear() that nobody handles ends no process', async () => {
    const script = `import { TokenSession } from 'transak-user-token'; import { createGateway } from 'transak-user-token/gateway';
      const down = () => { throw new Error('down') }, storage = { get: down, set: down, delete: down }
      const session = new TokenSession(await createGateway().issue(), { environment: 'staging', storage, key: 'a' })
      session.clear()
      await new Promise((resolve) => session.addEventListener('storageerror', resolve))
      await new Promise(setImmediate)
      console.log('done')`
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { cwd: import.meta.dirname })
    assert.equal(stdout, 'done\n')
  })

  test('is tried again by the next call once the store answers', async (t) => {
    const { open, reopen, fresh } = await world(t)
    const key = unique(), storage = memory(), session = open(fresh, { storage, key })
    await session.accessToken()
    storage.fault = down
    await assert.rejects(session.clear(), { code: 'ERR_STORAGE' })
    assert.equal(storage.map.get(key), fresh)
    storage.fault = null
    await assert.rejects(session.accessToken(), cleared)
    await until(() => storage.map.size === 0)
    assert.equal((await reopen({ storage, key })).status().state, 'invalid')
  })

  test('is tried again by the next clear()', async (t) => {
    const { open, fresh } = await world(t)
    const key = unique(), storage = memory(), session = open(fresh, { storage, key })
    await session.accessToken()
    storage.fault = down
    for (let times = 2; times > 0; times--) await assert.rejects(session.clear(), { code: 'ERR_STORAGE' })
    storage.fault = null
    await session.clear()
    assert.equal(storage.map.size, 0)
  })

  for (const [what, claims, isSpared, isAdopted] of [
    ['the user\'s token from before the logout, which another process has stored, is deleted', { iat: -60 }, false, false],
    ['a later login of the same user is spared, and adopted', { iat: 60 }, true, true],
    ['an earlier login of another user is spared', { iat: -60, sub: 'ann@example.com' }, true, false],
  ]) {
    test(`when it is tried again, ${what}`, async (t) => {
      const { open, fresh, gateway } = await world(t)
      const key = unique(), storage = memory(), session = open(fresh, { storage, key })
      await session.accessToken()
      storage.fault = down
      await assert.rejects(session.clear(), { code: 'ERR_STORAGE' })
      const now = Math.floor(Date.now() / 1000), stored = await gateway.issue({ ...claims, iat: now + claims.iat, exp: now + 86_400 })
      storage.map.set(key, stored)
      storage.fault = null
      const before = storage.calls.length
      await assert.rejects(session.accessToken(), cleared)
      await until(() => storage.calls.length > before)
      await turn()
      assert.equal(storage.map.get(key), isSpared ? stored : undefined)
      if (isAdopted) assert.equal(await session.accessToken(), stored)
      else await assert.rejects(session.accessToken(), cleared)
    })
  }

  test('when it is tried again, it also deletes a token whose successor was not stored in the outage', async (t) => {
    const { open, reopen, fresh } = await world(t)
    const key = unique(), storage = memory(), session = open(fresh, { storage, key })
    await session.accessToken()
    storage.fault = down
    assert.notEqual((await session.refresh()).accessToken, fresh)
    await assert.rejects(session.clear(), { code: 'ERR_STORAGE' })
    assert.equal(storage.map.get(key), fresh)
    storage.fault = null
    await assert.rejects(session.accessToken(), cleared)
    await until(() => storage.map.size === 0)
    assert.equal((await reopen({ storage, key })).status().state, 'invalid')
  })

  for (const [what, age, isLater] of [['deletes a token of any user from before the logout', 1, false], ['adopts a later login', -1, true]]) {
    test(`of an empty session is tried again, and then ${what}`, async (t) => {
      const { open, reopen, aged } = await world(t), token = await aged(age)
      const key = unique(), storage = memory([[key, token]]), session = open(null, { storage, key })
      storage.fault = down
      await assert.rejects(session.clear(), { code: 'ERR_STORAGE' })
      assert.equal(storage.map.get(key), token)
      storage.fault = null
      if (isLater) {
        await until(() => session.accessToken().then((held) => held === token, () => false))
        assert.equal(storage.map.get(key), token)
      } else {
        await assert.rejects(session.accessToken(), cleared)
        await until(() => storage.map.size === 0)
        assert.equal((await reopen({ storage, key })).status().state, 'invalid')
      }
    })
  }

  test('is forgotten with a new login, here or in another tab', async (t) => {
    const { open, fresh, aged } = await world(t)
    for (const isElsewhere of [false, true]) {
      const key = unique(), storage = memory(), session = open(fresh, { storage, key }), login = await aged(isElsewhere ? -1 : 3)
      await session.accessToken()
      Object.assign(storage, { fault: down, only: 'delete' })
      await assert.rejects(session.clear(), { code: 'ERR_STORAGE' })
      storage.fault = null
      const heard = next(session, 'replaced')
      if (isElsewhere) {
        storage.map.set(key, login)
        const channel = new BroadcastChannel('transak-user-token')
        t.after(() => channel.close())
        channel.postMessage({ name: `transak-user-token:${key}`, what: 'replaced' })
      } else {
        await session.replace(login)
      }
      await heard
      assert.equal(await session.accessToken(), login)
      assert.deepEqual([storage.map.get(key), counted(storage, 'delete')], [login, 1])
    }
  })

  test('leaves a token that is not adopted again, although another tab reports a login', async (t) => {
    const { open, fresh } = await world(t)
    const key = unique(), storage = memory(), session = open(fresh, { storage, key })
    await session.accessToken()
    storage.fault = down
    await assert.rejects(session.clear(), { code: 'ERR_STORAGE' })
    storage.fault = null
    const channel = new BroadcastChannel('transak-user-token')
    t.after(() => channel.close())
    channel.postMessage({ name: `transak-user-token:${key}`, what: 'replaced' })
    await until(() => storage.map.size === 0)
    await assert.rejects(session.accessToken(), cleared)
    assert.ok(!session.heard.includes('replaced'))
  })
})

test('a delete that fails is tried again by itself, with longer and longer waits, until the store answers', async (t) => {
  const time = clock(t)
  const { open, fresh } = await world(t, { listen: false, now: () => Date.now() })
  const key = unique(), storage = memory(), session = open(fresh, { storage, key })
  await session.accessToken()
  storage.fault = down
  await assert.rejects(session.clear(), { code: 'ERR_STORAGE' })
  const before = storage.calls.length
  await time.advance(DAY)
  const tries = storage.calls.length - before
  assert.ok(tries > 100 && tries < 200, `${tries} in a day`)
  storage.fault = null
  await time.advance(600 * SECOND)
  assert.equal(storage.map.size, 0)
  assert.deepEqual([session.heard, time.timers.size], [['cleared', 'storageerror'], 0])
})

test('a session that is disposed of leaves no attempt to delete behind', async (t) => {
  const time = clock(t)
  const { open, fresh } = await world(t, { listen: false, now: () => Date.now() })
  const session = open(fresh, { storage: Object.assign(memory(), { fault: down, only: 'delete' }), key: unique() })
  await session.accessToken()
  await assert.rejects(session.clear(), { code: 'ERR_STORAGE' })
  assert.equal(time.timers.size, 1)
  if (Symbol.dispose) session[Symbol.dispose]()
  assert.equal(time.timers.size, Symbol.dispose ? 0 : 1)
})
