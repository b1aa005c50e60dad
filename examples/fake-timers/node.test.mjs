// The fake timers of Node: node --test
import assert from 'node:assert/strict'
import { afterEach, beforeEach, mock, test } from 'node:test'
import { TokenSession } from 'transak-user-token'
import { createGateway } from 'transak-user-token/gateway'

/** Moves the clock once all promises that can settle have settled: `tick` does not wait for them. */
async function advance(ms) {
  await new Promise(setImmediate)
  mock.timers.tick(ms)
  await new Promise(setImmediate)
}

const DAY_MS = 86_400_000, baseUrl = 'https://api.example.com'
let token, next, requests, session

/** Answers after a second of fake time, and counts. */
async function fetch() {
  requests++
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  return Response.json({ data: { accessToken: next } })
}

beforeEach(async () => {
  // The tokens are made before the clock is faked, because a signature takes real time.
  const gateway = createGateway(), iat = Math.floor(Date.now() / 1000) + 27 * 86_400
  token = await gateway.issue({ sub: 'jo' })
  next = await gateway.issue({ sub: 'jo', iat, exp: iat + 30 * 86_400 })
  requests = 0
  mock.timers.enable({ apis: ['setTimeout', 'Date'], now: Date.now() })
  session = new TokenSession(token, { baseUrl, fetch })
})
afterEach(() => {
  session.dispose()
  mock.timers.reset()
})

test('two callers share one request', async () => {
  await advance(28 * DAY_MS)
  const tokens = Promise.all([session.accessToken(), session.accessToken()])
  await advance(1_000)
  assert.deepEqual(await tokens, [next, next])
  assert.deepEqual(requests, 1)
})

test('during a slow answer a caller gets the old token, which is still valid', async () => {
  session = new TokenSession(token, { baseUrl, fetch, maxWaitMs: 500 })
  await advance(28 * DAY_MS)
  const held = session.accessToken()
  await advance(500)
  assert.deepEqual(await held, token)
})

test('a started session refreshes by itself', async () => {
  const refreshed = new Promise((resolve) => session.addEventListener('refreshed', resolve))
  session.start()
  await advance(28 * DAY_MS)
  await advance(3_600_000)
  await refreshed
  assert.deepEqual(session.status().state, 'fresh')
  assert.deepEqual(requests, 1)
})

test('after 30 days a login is needed', async () => {
  await advance(30 * DAY_MS)
  assert.deepEqual(await session.accessToken().catch(({ code }) => code), 'ERR_TOKEN_EXPIRED')
  assert.deepEqual(requests, 0)
})

test('a test may leave a request unanswered', async () => {
  await advance(28 * DAY_MS)
  session.refresh().catch(() => {})
})

test('the next test does not wait for that request', async () => {
  await advance(28 * DAY_MS)
  const refreshed = session.refresh()
  await advance(1_000)
  assert.deepEqual((await refreshed).accessToken, next)
})
