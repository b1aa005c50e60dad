// A session under a test's fake timers: every promise settles when the clock is advanced, and no test waits for the
// request of another test.
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, mock, test } from 'node:test'
import { TokenSession, refreshAccessToken } from 'transak-user-token'
import { clock, idle } from './session.clock.mjs'
import { memory, unique } from './session.world.mjs'

const NOW = Date.now(), SECONDS = Math.floor(NOW / 1000)
let count = 0, sent = 0
/** A token without a real signature, because a signature takes real time. */
const made = (claims) => `e30.${Buffer.from(JSON.stringify({ sub: 'jo', jti: ++count, ...claims })).toString('base64url')}.c2ln`
const expiring = () => made({ iat: SECONDS - 28 * 86_400, exp: SECONDS + 2 * 86_400 })
const options = { baseUrl: 'https://backend.test' }
/** One `fetch` for all tests, because a test tool replaces the global one once. */
const late = () => new Promise((resolve) => ++sent && setTimeout(() => {
  const iat = Math.floor(Date.now() / 1000), accessToken = made({ iat, exp: iat + 30 * 86_400 + count })
  resolve(Response.json({ data: { accessToken } }))
}, 300))

/** Advances the fake clock until a promise settles. */
async function advanced(promise, ms = 60_000) {
  let isSettled = false
  promise.then(() => { isSettled = true }, () => { isSettled = true })
  for (let passed = 0; !isSettled && passed < ms; passed += 50) {
    mock.timers.tick(50)
    await idle(4)
  }
  assert.ok(isSettled, `within ${ms} ms of fake time`)
  return promise
}

describe('under the fake timers of node:test', () => {
  beforeEach(() => mock.timers.enable({ apis: ['setTimeout', 'Date'], now: NOW }))
  afterEach(() => mock.timers.reset())

  for (const [name, more] of [['without a store', () => ({})], ['with a store', () => ({ storage: memory(), key: unique() })]]) {
    test(`refresh(), accessToken(), login(), replace() and clear() settle, ${name}`, async () => {
      const token = expiring(), session = new TokenSession(token, { ...options, fetch: late, ...more() })
      assert.notEqual(await advanced(session.accessToken()), token)
      assert.notEqual((await advanced(session.refresh())).accessToken, token)
      await advanced(session.replace(token))
      await advanced(session.clear())
      const other = await advanced(TokenSession.login(token, { ...options, ...more() }))
      assert.equal(other.status().state, 'expiring')
      session.dispose()
    })
  }

  test('a request that is never answered ends at its time-out', async () => {
    const session = new TokenSession(expiring(), { ...options, fetch: () => new Promise(() => {}) })
    await assert.rejects(advanced(session.refresh()), { code: 'ERR_TIMEOUT' })
  })

  test('a call under real timers does not join a request under fake ones', async () => {
    const token = expiring()
    new TokenSession(token, { ...options, fetch: late }).refresh().catch(() => {})
    await idle()
    mock.timers.reset()
    assert.notEqual((await new TokenSession(token, { ...options, fetch: late }).refresh()).accessToken, token)
  })
})

describe('under one fake clock after another, as Vitest and Jest make them', () => {
  const token = expiring()

  for (const [name, more] of [['without a store', () => ({})], ['with a store, and one key for all', () => ({ storage: memory(), key: 'user' })]]) {
    for (const which of ['a first', 'a second']) {
      test(`no other test joins the requests that ${which} test leaves unanswered, ${name}`, async (t) => {
        const time = clock(t, { start: NOW }), session = new TokenSession(token, { ...options, fetch: late, ...more() }), held = session.accessToken()
        await time.advance(300)
        assert.notEqual(await held, token)
        session.dispose()

        sent = 0
        // They share a request, and nobody advances the clock for it.
        new TokenSession(token, { ...options, fetch: late, ...more() }).refresh().catch(() => {})
        refreshAccessToken(token, { ...options, fetch: late }).catch(() => {})
        await idle()
        assert.ok(sent > 0)
      })
    }
  }
})
