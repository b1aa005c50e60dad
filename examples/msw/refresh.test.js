// Tests in which MSW answers: node --test
import assert from 'node:assert/strict'
import { after, afterEach, before, mock, test } from 'node:test'
import { HttpResponse, delay, http } from 'msw'
import { setupServer } from 'msw/node'
import { TokenSession, refreshAccessToken } from 'transak-user-token'
import { createGateway } from 'transak-user-token/gateway'

const baseUrl = 'https://api.example.com', refresh = `${baseUrl}/api/v2/auth/refresh`, DAY_S = 86_400
// The stand-in answers as Transak does. If it drops a connection, its promise rejects. MSW would turn that into a 500.
const gateway = createGateway({ revoke: true })
const server = setupServer(http.get(refresh, ({ request }) => gateway.fetch(request).catch(() => HttpResponse.error())))

before(() => server.listen({ onUnhandledRequest: 'error' }))
afterEach(() => {
  server.resetHandlers()
  gateway.reset()
})
after(() => server.close())

/** A token of its own for each test, in its last day: calls for the same token share one request. */
async function expiring() {
  const exp = Math.floor(Date.now() / 1000) + DAY_S
  return gateway.issue({ iat: exp - 30 * DAY_S, exp })
}

test('five callers share one request', async () => {
  const token = await expiring(), session = new TokenSession(token, { baseUrl })
  const tokens = await Promise.all([1, 2, 3, 4, 5].map(() => session.accessToken()))
  assert.equal(new Set(tokens).size, 1)
  assert.notEqual(tokens[0], token)
  assert.equal(gateway.refreshes(token), 1)
})

test('an answer of the test\'s own: a refused token asks for a login', async () => {
  server.use(http.get(refresh, () => HttpResponse.json({ error: { errorCode: 1002 } }, { status: 401 })))
  await assert.rejects(refreshAccessToken(await expiring(), { baseUrl }), { code: 'ERR_UNAUTHORIZED', action: 'login' })
})

test('an outage is no logout', async () => {
  server.use(http.get(refresh, () => HttpResponse.error()))
  const token = await expiring(), session = new TokenSession(token, { baseUrl }), codes = []
  session.addEventListener('refreshfailed', ({ detail }) => codes.push(detail.error.code))
  assert.equal(await session.accessToken(), token)
  assert.deepEqual(codes, ['ERR_NETWORK'])
})

test('a request that is never answered ends with a time-out', async () => {
  server.use(http.get(refresh, () => delay('infinite')))
  await assert.rejects(refreshAccessToken(await expiring(), { baseUrl, timeoutMs: 50, retries: 0 }), { code: 'ERR_TIMEOUT' })
})

test('a request without a handler fails, and a session hides it: listen to refreshfailed', async () => {
  const token = await expiring(), session = new TokenSession(token, { baseUrl: `${baseUrl}/elsewhere` }), codes = []
  session.addEventListener('refreshfailed', ({ detail }) => codes.push(detail.error.code))
  assert.equal(await session.accessToken(), token)
  assert.deepEqual(codes, ['ERR_NETWORK'])
})

test('a started session refreshes when a fake clock says so', async () => {
  mock.timers.enable({ apis: ['setTimeout', 'Date'], now: Date.now() })
  try {
    const token = await gateway.issue(), session = new TokenSession(token, { baseUrl })
    const refreshed = new Promise((resolve) => session.addEventListener('refreshed', resolve))
    session.start()
    for (const days of [28, 1]) mock.timers.tick(days * DAY_S * 1000)
    await refreshed
    session.dispose()
    assert.equal(gateway.refreshes(token), 1)
  } finally {
    mock.timers.reset()
  }
})

test('no request of an earlier test is left', async () => {
  const token = await expiring()
  await refreshAccessToken(token, { baseUrl })
  assert.equal(gateway.refreshes(), 1)
})
