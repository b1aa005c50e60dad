// What a user interface does with a session: it makes one without a token, opens one, logs in, subscribes, and unsubscribes.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { TokenSession, webStorage } from 'transak-user-token'
import { clock } from './session.clock.mjs'
import { DAY, HOUR, MINUTE, SECOND, memory, next, simulated, turn, unique, world } from './session.world.mjs'

const EMPTY = { state: 'invalid', action: 'login', reason: 'not_a_string', issuedAt: null, refreshAt: null, expiresAt: null, refused: false, stored: false }
const none = { code: 'ERR_INVALID_TOKEN', action: 'login', reason: 'not_a_string' }

describe('an empty session', { concurrency: true }, () => {
  test('has a status, gives no token, and sends nothing', async (t) => {
    const { open, gateway } = await world(t)
    for (const token of [null, undefined]) {
      const session = open(token)
      assert.equal(session.status().reason, 'not_a_string')
      await assert.rejects(session.accessToken(), none)
      await assert.rejects(session.refresh(), none)
    }
    assert.equal(gateway.refreshes(), 0)
  })

  test('adopts the login of another tab', async (t) => {
    const { open, fresh } = await world(t)
    const key = unique(), storage = memory(), early = open(null, { storage, key }), heard = next(early, 'replaced')
    await TokenSession.login(fresh, { environment: 'staging', storage, key })
    await heard
    assert.equal(await early.accessToken(), fresh)
  })

  test('looks at the store at most once a second before it rejects', async (t) => {
    const { open } = await world(t)
    const storage = memory(), session = open(null, { storage, key: unique() })
    await assert.rejects(session.accessToken(), none)
    const { length } = storage.calls
    for (let calls = 0; calls < 20; calls++) await assert.rejects(session.accessToken(), none)
    assert.ok(storage.calls.length <= length + 1, `${storage.calls.length - length} looks`)
  })

  test('accepts a relative baseUrl without a location, and the first call that sends rejects', async (t) => {
    const { aged } = await world(t), fresh = await aged(0)
    const session = new TokenSession(null, { baseUrl: '/transak' })
    await session.replace(fresh)
    assert.equal(await session.accessToken(), fresh)
    await assert.rejects(session.refresh(), { code: 'ERR_INVALID_OPTION', action: 'fix' })
    const expiring = await aged(29)
    await session.replace(expiring)
    assert.equal(await session.accessToken(), expiring)
    assert.throws(() => new TokenSession(null, { baseUrl: 'https://' }), { code: 'ERR_INVALID_OPTION' })
    assert.throws(() => new TokenSession(null, { baseUrl: '/transak?a' }), { code: 'ERR_INVALID_OPTION' })
  })

  test('holds the token of a login of its own', async (t) => {
    const { open, fresh } = await world(t)
    const session = open(null)
    await session.replace(fresh)
    assert.equal(await session.accessToken(), fresh)
    assert.deepEqual(session.heard, ['replaced'])
  })
})

test('an empty session finds the login of another process before it rejects', async (t) => {
  const time = clock(t)
  const { open, fresh } = await world(t, { listen: false, now: () => Date.now() })
  const key = unique(), storage = memory(), session = open(null, { storage, key })
  await assert.rejects(session.accessToken(), none)
  // This stands for a process that shares no channel.
  storage.map.set(key, fresh)
  await time.advance(1_100)
  assert.equal(await session.accessToken(), fresh)
  assert.deepEqual(session.heard, ['replaced'])
})

test('a call whose last look is 30 s old notices what another process has stored', async (t) => {
  const time = clock(t)
  const { open, aged } = await world(t, { listen: false, now: () => Date.now() })
  const key = unique(), storage = memory(), session = open(await aged(2), { storage, key })
  await session.accessToken()
  const later = await aged(1)
  storage.map.set(key, later)
  await time.advance(29_000)
  assert.notEqual(await session.accessToken(), later)
  await time.advance(2_000)
  assert.equal(await session.accessToken(), later)
})

describe('login()', () => {
  test('resolves once the token is stored', async (t) => {
    const { fresh, adopt, baseUrl } = await world(t)
    const key = unique(), storage = memory(), session = adopt(await TokenSession.login(fresh, { baseUrl, storage, key }))
    assert.equal(storage.map.get(key), fresh)
    assert.equal(session.snapshot().stored, true)
  })

  test('overwrites a stored token of another user', async (t) => {
    const { fresh, aged, adopt, baseUrl } = await world(t)
    const key = unique(), storage = memory([[key, await aged(1, { sub: 'ann@example.com' })]])
    adopt(await TokenSession.login(fresh, { baseUrl, storage, key }))
    assert.equal(storage.map.get(key), fresh)
  })

  test('resolves if the store fails', async (t) => {
    const { fresh, adopt, baseUrl } = await world(t)
    const storage = Object.assign(memory(), { fault: () => { throw new Error('down') } })
    const session = adopt(await TokenSession.login(fresh, { baseUrl, storage, key: unique() }))
    assert.equal(await session.accessToken(), fresh)
  })

  test('rejects if the token or an option is invalid', async () => {
    await assert.rejects(TokenSession.login('no token', { environment: 'staging' }), { code: 'ERR_INVALID_TOKEN' })
    await assert.rejects(TokenSession.login(null, { environment: 'staging' }), { code: 'ERR_INVALID_TOKEN' })
    await assert.rejects(TokenSession.login('no token', {}), { code: 'ERR_INVALID_OPTION' })
  })
})

test('open() ends with the reason of a signal that aborts', async () => {
  const caller = new AbortController(), storage = { ...memory(), get: () => new Promise(() => {}) }
  const opening = TokenSession.open({ environment: 'staging', storage, key: unique(), signal: caller.signal })
  caller.abort('left')
  await assert.rejects(opening, (reason) => reason === 'left')
})

test('open() with a signal that has aborted already does not wait for the store', async (t) => {
  const { baseUrl } = await world(t, { listen: false })
  const storage = { ...memory(), get: () => new Promise(() => {}) }, begun = performance.now()
  await assert.rejects(TokenSession.open({ baseUrl, storage, key: unique(), signal: AbortSignal.abort('left') }), (reason) => reason === 'left')
  assert.ok(performance.now() - begun < 1_900)
})

describe('snapshot() and subscribe()', { concurrency: true }, () => {
  test('a snapshot is frozen, and the same object until a field changes', async (t) => {
    const { open, fresh } = await world(t)
    const session = open(fresh), { snapshot } = session, first = snapshot()
    assert.ok(Object.isFrozen(first))
    assert.equal(snapshot(), first)
    const { state, action, issuedAt, refreshAt, expiresAt } = session.status()
    assert.deepEqual(first, { state, action, issuedAt, refreshAt, expiresAt, refused: false, stored: false })
    await session.clear()
    assert.notEqual(snapshot(), first)
    assert.deepEqual(snapshot(), EMPTY)
    assert.equal(snapshot(), snapshot())
  })

  test('a refresh calls the listener once, after the token is stored', async (t) => {
    const { open, aged } = await world(t)
    const key = unique(), storage = memory(), session = open(await aged(1), { storage, key }), told = []
    await session.accessToken()
    session.subscribe(() => told.push([session.snapshot().stored, storage.map.get(key)]))
    const { accessToken } = await session.refresh()
    await turn()
    assert.deepEqual(told, [[true, accessToken]])
  })

  test('a login and a logout call the listener, until it is unsubscribed', async (t) => {
    const { open, fresh, aged } = await world(t)
    const session = open(null), states = [], unsubscribe = session.subscribe(() => states.push(session.snapshot().state))
    await session.replace(fresh)
    await session.clear()
    assert.deepEqual(states, ['fresh', 'invalid'])
    unsubscribe()
    await session.replace(await aged(1))
    assert.equal(states.length, 2)
  })

  test('a logout calls the listener at once, even while the token is still being stored', async (t) => {
    const { open, aged } = await world(t)
    const storage = memory(), session = open(await aged(1), { storage, key: unique() }), states = []
    await session.accessToken()
    session.subscribe(() => states.push(session.snapshot().state))
    storage.set = () => new Promise(() => {})
    session.refresh().catch(() => {})
    await next(session, 'refreshed')
    session.clear()
    assert.deepEqual(states, ['invalid'])
  })

  test('a listener that is no function is refused', async (t) => {
    const { open, fresh } = await world(t), session = open(fresh)
    for (const listener of [undefined, null, 5, {}]) assert.throws(() => session.subscribe(listener), { code: 'ERR_INVALID_OPTION', action: 'fix' })
  })

  test('a listener that subscribes twice is called twice, and unsubscribed once', async (t) => {
    const { open, fresh } = await world(t)
    const session = open(null)
    let calls = 0
    const listener = () => { calls++ }, unsubscribe = session.subscribe(listener)
    session.subscribe(listener)
    await session.replace(fresh)
    assert.equal(calls, 2)
    unsubscribe()
    await session.clear()
    assert.equal(calls, 3)
  })

  test('a listener that unsubscribes and subscribes again is called once for a change', async (t) => {
    const { open, fresh } = await world(t)
    const session = open(null)
    let calls = 0, unsubscribe = () => {}
    const subscribe = () => {
      unsubscribe()
      unsubscribe = session.subscribe(() => ++calls < 100 && subscribe())
    }
    subscribe()
    await session.replace(fresh)
    assert.equal(calls, 1)
  })

  test('a listener that another one unsubscribes is not called', async (t) => {
    const { open, fresh } = await world(t)
    const session = open(null)
    let calls = 0
    session.subscribe(() => unsubscribe())
    const unsubscribe = session.subscribe(() => { calls++ })
    await session.replace(fresh)
    assert.equal(calls, 0)
  })

  test('dispose() removes the listeners', async (t) => {
    const { open, fresh } = await world(t)
    const session = open(fresh)
    let calls = 0
    session.subscribe(() => { calls++ })
    session.dispose()
    await session.clear()
    assert.equal(calls, 0)
  })
})

test('a listener is called if only time changes the state', async (t) => {
  const time = clock(t)
  const { open, aged } = await world(t, { listen: false, now: () => Date.now() })
  const session = open(await aged(0)), states = []
  session.subscribe(() => states.push(session.snapshot().state))
  await time.advance(26 * DAY)
  assert.deepEqual(states, [])
  await time.advance(2 * DAY)
  assert.deepEqual(states, ['expiring'])
  await time.advance(3 * DAY)
  assert.deepEqual(states, ['expiring', 'expired'])
  assert.deepEqual(session.heard, ['expired'], 'the timer has noticed it')
})

for (const [how, wrongBy] of [['fast', HOUR / 2], ['slow', -HOUR / 2]]) {
  test(`with a clock that is ${how}, a listener is called when the state changes, and the timer does not fire again and again`, async (t) => {
    const { time, open, aged } = await simulated(t, { wrongBy })
    const session = open(await aged(1)), refreshed = session.refresh()
    await time.settle()
    await refreshed
    assert.ok(Math.abs(session.status().clockSkewMs + wrongBy) < MINUTE)
    const told = []
    session.subscribe(() => told.push(Date.now() + session.status().clockSkewMs))
    const { refreshAt } = session.snapshot(), { wakes } = time
    await time.advance(28 * DAY)
    assert.equal(told.length, 1)
    assert.ok(Math.abs(told[0] - refreshAt) < SECOND, `${told[0] - refreshAt} ms late`)
    assert.ok(time.wakes - wakes < 1_000, `${time.wakes - wakes} wake-ups in 28 days`)
  })
}

describe('webStorage by a function', () => {
  test('is called at the first use of the area', async (t) => {
    const { open, fresh } = await world(t)
    const map = new Map(), area = { getItem: (key) => map.get(key) ?? null, setItem: (key, value) => void map.set(key, value), removeItem: (key) => void map.delete(key) }
    let asked = 0
    const storage = webStorage(() => {
      asked++
      return area
    }), key = unique()
    assert.equal(asked, 0)
    await open(fresh, { storage, key }).accessToken()
    assert.equal(map.get(key), fresh)
    assert.equal(asked, 1)
  })

  for (const [what, area] of [['throws', () => { throw new DOMException('denied', 'SecurityError') }], ['is missing', () => undefined]]) {
    test(`clear() resolves as without a store if the area ${what}`, async (t) => {
      const { open, fresh } = await world(t)
      const session = open(fresh, { storage: webStorage(area), key: unique() })
      await session.clear()
      await session.replace(fresh)
      await session.clear()
    })

    test(`an area that ${what} counts as no storage: open() is empty, and one storageerror comes later`, async (t) => {
      const { reopen, fresh } = await world(t)
      const session = await reopen({ storage: webStorage(area), key: unique() }), told = next(session, 'storageerror')
      assert.equal(session.status().state, 'invalid')
      const { error } = await told
      assert.equal(error.code, 'ERR_STORAGE')
      await session.replace(fresh)
      assert.equal(await session.accessToken(), fresh)
      await session.refresh()
      await session.clear()
      assert.deepEqual(session.heard, ['storageerror', 'replaced', 'refreshed', 'cleared'])
    })
  }
})
