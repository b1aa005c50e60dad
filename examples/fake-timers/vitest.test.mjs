// The fake timers of Vitest: vitest run
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { TokenSession } from 'transak-user-token'
import { createGateway } from 'transak-user-token/gateway'

const advance = (ms) => vi.advanceTimersByTimeAsync(ms)

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
  vi.useFakeTimers()
  session = new TokenSession(token, { baseUrl, fetch })
})
afterEach(() => {
  session.dispose()
  vi.useRealTimers()
})

test('two callers share one request', async () => {
  await advance(28 * DAY_MS)
  const tokens = Promise.all([session.accessToken(), session.accessToken()])
  await advance(1_000)
  expect(await tokens).toEqual([next, next])
  expect(requests).toBe(1)
})

test('during a slow answer a caller gets the old token, which is still valid', async () => {
  session = new TokenSession(token, { baseUrl, fetch, maxWaitMs: 500 })
  await advance(28 * DAY_MS)
  const held = session.accessToken()
  await advance(500)
  expect(await held).toBe(token)
})

test('a started session refreshes by itself', async () => {
  const refreshed = new Promise((resolve) => session.addEventListener('refreshed', resolve))
  session.start()
  await advance(28 * DAY_MS)
  await advance(3_600_000)
  await refreshed
  expect(session.status().state).toBe('fresh')
  expect(requests).toBe(1)
})

test('after 30 days a login is needed', async () => {
  await advance(30 * DAY_MS)
  expect(await session.accessToken().catch(({ code }) => code)).toBe('ERR_TOKEN_EXPIRED')
  expect(requests).toBe(0)
})

test('a test may leave a request unanswered', async () => {
  await advance(28 * DAY_MS)
  session.refresh().catch(() => {})
})

test('the next test does not wait for that request', async () => {
  await advance(28 * DAY_MS)
  const refreshed = session.refresh()
  await advance(1_000)
  expect((await refreshed).accessToken).toBe(next)
})
