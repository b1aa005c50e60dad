// A session in simulated time: thirty days, sleep, wrong clocks, outages, and a process that has to end.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { describe, test } from 'node:test'
import { promisify } from 'node:util'
import { DAY, HOUR, MINUTE, SECOND, simulated } from './session.world.mjs'

/** The window and the document of a page, which Node lacks. They emit events after which time may have passed. */
function page(t) {
  const window = new EventTarget(), document = new EventTarget(), counts = { listeners: 0 }
  const counting = (target, name, by) => (...given) => {
    counts.listeners += by
    target[name](...given)
  }
  Object.assign(globalThis, {
    document: { addEventListener: counting(document, 'addEventListener', 1), removeEventListener: counting(document, 'removeEventListener', -1) },
    addEventListener: counting(window, 'addEventListener', 1), removeEventListener: counting(window, 'removeEventListener', -1),
  })
  t.after(() => {
    for (const name of ['document', 'addEventListener', 'removeEventListener']) delete globalThis[name]
  })
  return { counts, hint: (type) => (type === 'visibilitychange' ? document : window).dispatchEvent(new Event(type)) }
}

describe('thirty days', () => {
  test('of a documented token are one refresh, at most 750 wake-ups, and no early refresh', async (t) => {
    const { time, open, documented, gateway } = await simulated(t)
    const session = open(await documented())
    session.start()
    await time.advance(27 * DAY - SECOND)
    assert.equal(gateway.refreshes(), 0)
    await time.advance(3 * HOUR + 37 * MINUTE)
    assert.equal(gateway.refreshes(), 1, 'at refreshAt and a twentieth of the window at the latest')
    await time.advance(3 * DAY - 4 * HOUR)
    assert.equal(gateway.refreshes(), 1)
    assert.ok(time.wakes <= 750, `${time.wakes} wake-ups`)
    assert.deepEqual(session.heard, ['refreshed'])
    assert.equal(session.status().state, 'fresh')
  })

  test('no timer is longer than an hour (setTimeout overflows at 24.8 days: keycloak-js sent 208 refreshes in 300 ms)', async (t) => {
    const { time, open, gateway, aged } = await simulated(t)
    const session = open(await aged(0, { exp: Date.now() / 1000 + 400 * 86_400 }))
    session.start()
    await time.advance(2 * DAY)
    assert.ok(Math.max(...time.delays) <= HOUR)
    assert.equal(gateway.refreshes(), 0)
    assert.ok(time.wakes <= 50)
  })

  test('renewals are spread over a twentieth of the window, one moment for each token', async (t) => {
    const { time, open, aged, gateway } = await simulated(t)
    for (let user = 0; user < 20; user++) open(await aged(0, { sub: `user-${user}` })).start()
    await time.advance(27 * DAY)
    const before = gateway.refreshes()
    assert.ok(before < 5, `${before} at the first moment`)
    await time.advance(1.8 * HOUR)
    const half = gateway.refreshes()
    assert.ok(half > 2 && half < 18, `${half} half-way`)
    await time.advance(1.8 * HOUR)
    assert.equal(gateway.refreshes(), 20)
  })

  test('without start() nothing happens by itself', async (t) => {
    const { time, open, documented, gateway } = await simulated(t)
    const session = open(await documented())
    await time.advance(31 * DAY)
    assert.deepEqual([time.wakes, gateway.refreshes(), session.heard], [0, 0, []])
    session.start()
    await time.advance(SECOND)
    assert.deepEqual(session.heard, ['expired'])
  })

  test('the instant of expiry is expired, and the one before it is not', async (t) => {
    const { time, open, documented, gateway } = await simulated(t)
    const token = await documented(), session = open(token, { maxWaitMs: 0 })
    gateway.fail({ kind: 'error', status: 503 }, { times: Infinity })
    await time.advance(session.status().expiresInMs - 1)
    const last = session.accessToken()
    await time.settle()
    assert.equal(await last, token)
    await time.advance(1)
    assert.equal(session.status().expiresInMs, 0)
    await assert.rejects(session.accessToken(), { code: 'ERR_TOKEN_EXPIRED' })
  })
})

describe('a laptop asleep', () => {
  for (const hint of [null, 'visibilitychange', 'pageshow', 'focus', 'online']) {
    test(`from day 20 to day 28 refreshes on waking, ${hint ? `at the first ${hint}` : 'within the hour'}`, async (t) => {
      const { hint: tell } = page(t)
      const { time, open, documented, gateway } = await simulated(t)
      const session = open(await documented())
      session.start()
      await time.advance(20 * DAY)
      time.sleep(8 * DAY)
      if (hint) tell(hint)
      else await time.advance(HOUR)
      await time.settle()
      assert.equal(gateway.refreshes(), 1)
      assert.deepEqual(session.heard, ['refreshed'])
    })
  }

  test('past expiry: expired once, and no request', async (t) => {
    const { hint } = page(t)
    const { time, open, documented, gateway } = await simulated(t)
    const session = open(await documented())
    session.start()
    await time.advance(20 * DAY)
    time.sleep(11 * DAY)
    for (const type of ['pageshow', 'visibilitychange', 'focus', 'online']) hint(type)
    await time.advance(DAY)
    await assert.rejects(session.accessToken(), { code: 'ERR_TOKEN_EXPIRED' })
    assert.deepEqual(session.heard, ['expired'])
    assert.equal(gateway.refreshes(), 0)
    assert.equal(time.timers.size, 0)
  })
})

describe('offline', () => {
  test('the renewal pauses, and goes on with the network', async (t) => {
    const { hint } = page(t)
    const { time, open, documented, gateway } = await simulated(t)
    const session = open(await documented())
    session.start()
    hint('offline')
    await time.advance(28 * DAY)
    assert.equal(gateway.refreshes(), 0)
    hint('online')
    await time.settle()
    assert.equal(gateway.refreshes(), 1)
  })

  test('a token that expires meanwhile emits expired once', async (t) => {
    const { hint } = page(t)
    const { time, open, documented } = await simulated(t)
    const session = open(await documented())
    session.start()
    hint('offline')
    await time.advance(31 * DAY)
    assert.deepEqual(session.heard, ['expired'])
  })
})

describe('stop() and dispose', () => {
  for (const end of ['stop', 'dispose']) {
    test(`${end} leaves no timer and no listener behind`, async (t) => {
      const { counts } = page(t)
      const { time, open, documented, gateway } = await simulated(t)
      const session = open(await documented())
      const dispose = Symbol.dispose ? () => session[Symbol.dispose]() : () => session.stop()
      for (let again = 0; again < 3; again++) {
        session.start()
        session.start()
        assert.equal(counts.listeners, 5)
        await time.settle()
        assert.equal(time.timers.size, 1)
        end === 'stop' ? session.stop() : dispose()
        assert.deepEqual([counts.listeners, time.timers.size], [0, 0])
      }
      await time.advance(28 * DAY)
      assert.equal(gateway.refreshes(), 0)
    })

    test(`${end} while a refresh is in flight: it is finished, without an event`, async (t) => {
      const { time, documented, gateway, open } = await simulated(t)
      let answer
      const session = open(await documented(), { timeoutMs: DAY, totalTimeoutMs: DAY, fetch: (url, init) => new Promise((resolve) => {
        assert.ok(!init.signal?.aborted)
        answer = async () => resolve(await gateway.fetch(new Request(url, { headers: init.headers })))
      }) })
      session.start()
      await time.advance(27 * DAY)
      while (!answer) await time.advance(MINUTE)
      end === 'stop' || !Symbol.dispose ? session.stop() : session[Symbol.dispose]()
      await answer()
      await time.settle()
      assert.equal(session.status().state, 'fresh')
      assert.deepEqual(session.heard, [])
      assert.equal(gateway.refreshes(), 1)
    })
  }
})

describe('clocks that are wrong', () => {
  for (const wrongBy of [DAY, -DAY, 47 * HOUR, -47 * HOUR]) {
    test(`by ${wrongBy / HOUR} hours: it neither loops nor signs out`, async (t) => {
      const { time, open, documented, gateway } = await simulated(t, { wrongBy })
      const session = open(await documented())
      session.start()
      for (let day = 0; day < 90; day++) {
        await time.advance(DAY)
        const call = session.accessToken()
        await time.settle()
        assert.ok(await gateway.verify(await call))
      }
      assert.ok(gateway.refreshes() >= 3 && gateway.refreshes() <= 5, `${gateway.refreshes()} requests in 90 days`)
      assert.ok(!session.heard.includes('expired') && !session.heard.includes('refreshfailed'))
      // The skew is server minus local: it is positive if the local clock is slow.
      assert.ok(Math.abs(session.status().clockSkewMs + wrongBy) < 2 * SECOND, `${session.status().clockSkewMs}`)
    })
  }

  for (const [wrongBy, measured] of [[6 * SECOND, 0], [-6 * SECOND, 0], [20 * SECOND, -20], [-20 * SECOND, 20], [49 * HOUR, null]]) {
    test(`by ${wrongBy / SECOND} s: clockSkewMs is ${measured === null ? 'not believed' : `about ${measured} s`}`, async (t) => {
      const { time, open, documented } = await simulated(t, { wrongBy })
      const session = open(await documented())
      assert.equal(session.status().clockSkewMs, null)
      await time.advance(MINUTE)
      const refreshed = session.refresh()
      await time.settle()
      await refreshed
      const { clockSkewMs } = session.status()
      if (!measured) return assert.equal(clockSkewMs, measured)
      assert.ok(Math.abs(clockSkewMs - measured * SECOND) < SECOND, `${clockSkewMs}`)
      const { expiresAt } = session.status()
      time.set(HOUR)
      assert.equal(session.status().clockSkewMs, null, 'forgotten when the clock is set')
      assert.equal(session.status().expiresInMs, expiresAt - Date.now())
    })
  }

  test('a window that is longer than the life does not loop', async (t) => {
    const { time, open, documented, gateway } = await simulated(t)
    const session = open(await documented(), { refreshWindowMs: 400 * DAY })
    session.start()
    for (let hour = 0; hour < 24 * 30; hour++) {
      await time.advance(HOUR)
      const call = session.accessToken()
      await time.settle()
      await call
    }
    assert.ok(gateway.refreshes() <= 3, `${gateway.refreshes()} requests in 30 days`)
  })

  test('new tokens with a short life do not loop', async (t) => {
    const { time, open, documented, gateway } = await simulated(t, { lifetimeMs: 40 * DAY })
    const session = open(await documented())
    gateway.lifetimeMs = MINUTE
    await time.advance(27.5 * DAY)
    session.start()
    await time.advance(2 * DAY)
    assert.ok(gateway.refreshes() <= 12, `${gateway.refreshes()} requests in two days`)
  })
})

describe('an outage', () => {
  test('of six hours backs off to ten minutes, and ends in a refresh', async (t) => {
    const { time, open, documented, gateway } = await simulated(t)
    const session = open(await documented())
    session.start()
    gateway.fail({ kind: 'error', status: 503 }, { times: Infinity })
    await time.advance(27 * DAY + 6 * HOUR)
    const failed = gateway.refreshes()
    assert.ok(failed >= 15 && failed <= 150, `${failed} requests`)
    assert.equal(session.heard.length, failed)
    gateway.heal()
    await time.advance(10 * MINUTE + SECOND)
    assert.equal(gateway.refreshes(), failed + 1)
    assert.equal(session.status().state, 'fresh')
    assert.equal(session.heard.at(-1), 'refreshed')
  })

  test('Retry-After is honoured for an hour at a time, and a little longer', async (t) => {
    const { time, open, documented, gateway } = await simulated(t)
    const session = open(await documented())
    session.start()
    gateway.fail({ kind: 'rate-limit', retryAfter: 36_000 })
    await time.advance(27 * DAY)
    for (let minutes = 0; gateway.refreshes() < 1 && minutes < 240; minutes++) await time.advance(MINUTE)
    await time.advance(58 * MINUTE)
    assert.equal(gateway.refreshes(), 1)
    await time.advance(3 * MINUTE)
    assert.equal(gateway.refreshes(), 2)
    assert.deepEqual(session.heard, ['refreshfailed', 'refreshed'])
  })

  test('until the expiry emits expired once, without a loop', async (t) => {
    const { time, open, documented, gateway } = await simulated(t)
    const session = open(await documented())
    session.start()
    gateway.fail({ kind: 'error', status: 503 }, { times: Infinity })
    await time.advance(31 * DAY)
    const requests = gateway.refreshes()
    assert.equal(session.heard.filter((type) => type === 'expired').length, 1)
    await time.advance(10 * DAY)
    await assert.rejects(session.accessToken(), { code: 'ERR_TOKEN_EXPIRED' })
    assert.equal(gateway.refreshes(), requests)
  })

  test('a call to a hanging server gets the old token after maxWaitMs, and a time-out after timeoutMs', async (t) => {
    const { time, open, expiring } = await simulated(t)
    const session = open(expiring, { fetch: () => new Promise(() => {}) })
    const call = session.accessToken(), refresh = session.refresh()
    refresh.catch(() => {})
    await time.advance(5 * SECOND)
    assert.equal(await call, expiring)
    await time.advance(5 * SECOND)
    await assert.rejects(refresh, { code: 'ERR_TIMEOUT', attempts: 1, outcomeUnknown: true })
    assert.equal(time.timers.size, 0)
  })
})

test('a session does not keep the process alive, not even a started one with a store', async () => {
  const script = `import { TokenSession } from 'transak-user-token'; import { createGateway } from 'transak-user-token/gateway';
    const token = await createGateway().issue(), options = { environment: 'staging' }
    const sessions = [new TokenSession(token, options), new TokenSession(token, { ...options, key: 'a', storage: new Map() })]
    for (const session of sessions) { session.start(); await session.accessToken() }
    console.log('done')`
  const begun = Date.now()
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { cwd: import.meta.dirname, timeout: 20_000 })
  assert.equal(stdout, 'done\n')
  assert.ok(Date.now() - begun < 20_000)
})
