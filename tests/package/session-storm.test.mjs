// Many sessions get Retry-After from their server, in simulated time. They do not all return in one second, and they do return.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { TokenSession } from 'transak-user-token'
import { clock } from './session.clock.mjs'
import { DAY, HOUR, MINUTE, SECOND } from './session.world.mjs'

/** Random numbers that are the same each time. */
function seed(t) {
  const { random } = Math
  let state = 42
  t.after(() => { Math.random = random })
  Math.random = () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32
    return state / 2 ** 32
  }
}

/** Returns how many of these instants are within one second at most. */
function peak(instants) {
  let most = 0, from = 0
  instants.forEach((at, to) => {
    while (at - instants[from] >= SECOND) from++
    most = Math.max(most, to - from + 1)
  })
  return most
}

const base64 = (value) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** Sessions of different users. Their server gives this answer until it works again. */
function storm(t, count, retryAfter, status) {
  seed(t)
  const time = clock(t), asked = [], server = { isDown: true }
  const token = (sub, ageMs) => {
    const iat = Math.floor((Date.now() - ageMs) / SECOND)
    return `${base64({ alg: 'none' })}.${base64({ sub, iat, exp: iat + 30 * DAY / SECOND })}.signature`
  }
  const sessions = Array.from({ length: count }, (_, i) => new TokenSession(token(`user-${i}`, 28 * DAY), { environment: 'staging', fetch: async () => {
    asked.push(Date.now())
    if (server.isDown) return new Response('{}', { status, headers: { 'retry-after': `${retryAfter}` } })
    return Response.json({ data: { accessToken: token(`user-${i}`, 0) } })
  } }))
  t.after(() => sessions.forEach((session) => session.stop()))
  const use = {
    'in the background'() { for (const session of sessions) session.start() },
    'by calls each second'() {
      for (const session of sessions) session.accessToken()
      setTimeout(use['by calls each second'], SECOND)
    },
  }
  return { time, asked, server, sessions, use }
}

describe('Retry-After: 60 for a thousand sessions', () => {
  for (const [how, status, downMs] of [['in the background', 429, 10 * MINUTE], ['by calls each second', 503, 150 * SECOND]]) {
    test(`is followed by at most 250 requests in any second, ${how}`, async (t) => {
      const { time, asked, server, sessions, use } = storm(t, 1_000, 60, status)
      use[how]()
      await time.advance(59 * SECOND)
      assert.equal(asked.splice(0).length, 1_000, 'all at once, and nobody again before the 60 s are over')
      await time.advance(downMs - 59 * SECOND)
      server.isDown = false
      // After many failures a session backs off for up to ten minutes.
      for (let waited = 0; waited < 11 && sessions.some((session) => session.status().state !== 'fresh'); waited++) await time.advance(MINUTE)
      assert.ok(peak(asked) <= 250, `${peak(asked)} in one second`)
      for (const session of sessions) assert.equal(session.status().state, 'fresh')
    })
  }
})

describe('Retry-After of a year', () => {
  for (const how of ['in the background', 'by calls each second']) {
    for (const [hours, status] of [[0.5, 503], [5.5, 429]]) {
      test(`does not keep a session away for two hours after its server was down for ${hours} h, ${how}`, async (t) => {
        const { time, asked, server, sessions: [session], use } = storm(t, 1, 31_536_000, status)
        use[how]()
        await time.advance(hours * HOUR)
        assert.ok(asked.length <= hours + 1, `${asked.length} requests`)
        server.isDown = false
        await time.advance(2 * HOUR)
        assert.equal(session.status().state, 'fresh')
      })
    }
  }
})
