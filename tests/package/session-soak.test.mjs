// Sessions in real time, for a minute or as long as SOAK_MS says: tokens of 8 to 20 s, each revoked by its refresh, and a
// gateway on a socket that drops one connection in five.
//
// `make soak FASTER=10000` is the same by libfaketime's clock, which does that many seconds in one: tokens of 11 to 28 hours. A
// socket is too slow for such a clock, so the gateway is called directly.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { tokenStatus } from 'transak-user-token'
import { MINUTE, SECOND as REAL_SECOND, memory, unique, world } from './session.world.mjs'

const FASTER = Number(process.env.FASTER ?? 1), SECOND = REAL_SECOND * FASTER
/** What a token's life is counted in. In real time a busy machine may stop the process for two seconds. */
const UNIT = FASTER > 1 ? SECOND : 2 * SECOND
const SOAK_MS = Number(process.env.SOAK_MS ?? 60_000) * FASTER
/** The time-out of a test. A fast clock would pass it at once. */
const within = (ms) => FASTER > 1 ? Infinity : ms

/** Drops four of twenty connections, two of them one after the other. */
const DROPPED = [3, 8, 9, 17]

/** A gateway that drops one connection in five, and a `fetch` that sends to it. */
async function rough(t) {
  const made = await world(t, { lifetimeMs: 4 * UNIT, listen: FASTER === 1 })
  let sent = 0
  const send = (url, init) => {
    if (DROPPED.includes(sent++ % 20)) made.gateway.fail({ kind: 'drop', when: 'before' })
    made.gateway.lifetimeMs = (4 + 2 * (sent % 4)) * UNIT
    return FASTER === 1 ? fetch(url, init) : made.gateway.fetch(new Request(url, init))
  }
  return { ...made, sent: () => sent, options: { refreshWindowMs: 2 * UNIT, fetch: send } }
}

describe('in real time', { concurrency: true }, () => {
  for (const [name, tabs] of [['one session', 1], ['four that share a store', 4]]) {
    test(`${name}: no gap, and no expired token, while one connection in five is dropped`, { timeout: within(SOAK_MS + MINUTE) }, async (t) => {
      const { gateway, open, options, sent } = await rough(t)
      const token = await gateway.issue(), shared = tabs > 1 ? { storage: memory(), key: unique() } : {}
      const sessions = Array.from({ length: tabs }, () => open(token, { ...options, ...shared }))
      for (const session of sessions) session.start()
      let given = 0
      const tokens = new Set()
      for (const end = Date.now() + SOAK_MS; Date.now() < end; await pause(5 * FASTER)) {
        for (const session of sessions) {
          const token = await session.accessToken()
          assert.notEqual(tokenStatus(token).state, 'expired')
          tokens.add(token)
          given++
        }
      }
      const failed = sessions[0].heard.filter((type) => type === 'refreshfailed').length
      for (const { heard } of sessions) assert.ok(!heard.includes('expired') && !heard.includes('replaced') && !heard.includes('storageerror'))
      t.diagnostic(`${given} calls, ${tokens.size} tokens, ${sent()} requests, ${failed} failures`)
      assert.ok(tokens.size > SOAK_MS / (8 * UNIT), 'it was renewed all the time')
      assert.ok(failed > 0)
      // Each token is exchanged once, and each drop is one more request.
      assert.ok(sent() <= (tokens.size + 1) * 1.4, `${sent()} requests for ${tokens.size} tokens`)
    })
  }

  test('a connection dropped after the refresh ends the session in one expired, without a loop', { timeout: within(MINUTE) }, async (t) => {
    const { gateway, open } = await world(t, { lifetimeMs: 4 * UNIT, listen: FASTER === 1 })
    const session = open(await gateway.issue(), { refreshWindowMs: 3 * UNIT })
    gateway.fail({ kind: 'drop', when: 'after' })
    session.start()
    const codes = new Set()
    for (const end = Date.now() + 12 * UNIT; Date.now() < end; await pause(20 * FASTER)) {
      await session.accessToken().then((token) => assert.notEqual(tokenStatus(token).state, 'expired'), ({ code }) => codes.add(code))
    }
    assert.deepEqual([session.heard, gateway.refreshes()], [['refreshfailed', 'expired'], 2])
    assert.deepEqual([...codes], ['ERR_UNAUTHORIZED'])
  })
})
