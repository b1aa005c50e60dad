// A Worker drops timers and promises with the request that made them. Another request that waits for the same refresh still gets an answer.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { refreshAccessToken } from 'transak-user-token'
import { clock } from './session.clock.mjs'
import { MINUTE, SECOND, memory, unique, world } from './session.world.mjs'

/** A world in simulated time, whose first request is never answered. `drop` removes all timers. */
async function dropping(t) {
  const time = clock(t), made = await world(t, { listen: false, now: () => Date.now() })
  let requests = 0
  const fetch = (url, init) => ++requests === 1 ? new Promise(() => {}) : made.gateway.fetch(new Request(url, { headers: init.headers }))
  const drop = async () => {
    await time.settle()
    time.timers.clear()
  }
  return { ...made, time, fetch, drop, requests: () => requests, open: (token, more) => made.open(token, { fetch, ...more }) }
}

describe('if the timers of the sender are dropped', () => {
  test('a refresh() that waits for the same answer rejects at its own time-out', async (t) => {
    const { open, expiring, time, drop, requests } = await dropping(t), session = open(expiring)
    session.accessToken()
    await drop()
    const call = session.refresh()
    call.catch(() => {})
    await time.advance(10 * SECOND)
    await assert.rejects(call, { code: 'ERR_TIMEOUT', outcomeUnknown: true })
    assert.equal(requests(), 1)
  })

  test('a refreshAccessToken() that waits for the same answer rejects a second after its own time', async (t) => {
    const { expiring, baseUrl, fetch, time, drop, requests } = await dropping(t), options = { baseUrl, fetch, totalTimeoutMs: 5 * SECOND, retries: 0 }
    refreshAccessToken(expiring, options)
    await drop()
    const call = refreshAccessToken(expiring, options)
    call.catch(() => {})
    await time.advance(6 * SECOND)
    await assert.rejects(call, { code: 'ERR_TIMEOUT', outcomeUnknown: true })
    assert.equal(requests(), 1)
  })

  test('an accessToken() later than the time-out waits for nothing', async (t) => {
    const { open, expiring, time, drop } = await dropping(t), session = open(expiring)
    session.accessToken()
    await drop()
    await time.advance(11 * SECOND)
    assert.equal(await session.accessToken(), expiring)
    assert.deepEqual(session.heard, ['refreshfailed'])
  })

  for (const [what, options] of [['a session', () => ({})], ['a session with a store', () => ({ storage: memory(), key: unique() })]]) {
    test(`${what} refreshes again three minutes later`, async (t) => {
      const { open, expiring, time, drop, requests } = await dropping(t), session = open(expiring, options())
      session.accessToken()
      await drop()
      await time.advance(11 * SECOND)
      assert.equal(await session.accessToken(), expiring)
      await time.advance(3 * MINUTE)
      const call = session.accessToken()
      await time.advance(SECOND)
      assert.notEqual(await call, expiring)
      assert.equal(requests(), 2)
    })
  }
})
