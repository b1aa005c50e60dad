// Tests in which nock answers: node --test
import assert from 'node:assert/strict'
import { after, afterEach, before, mock, test } from 'node:test'
import nock from 'nock'
import { TokenSession, refreshAccessToken } from 'transak-user-token'
import { createGateway } from 'transak-user-token/gateway'

const baseUrl = 'https://api.example.com', path = '/api/v2/auth/refresh', DAY_S = 86_400
// The stand-in makes the tokens, because a refresh accepts only a later token of the same user.
const gateway = createGateway()

/** A token of its own for each test, in its last day: calls for the same token share one request. */
async function expiring() {
  const exp = Math.floor(Date.now() / 1000) + DAY_S
  return gateway.issue({ sub: 'jo', iat: exp - 30 * DAY_S, exp })
}

/** The answer to one refresh of this token, which is the bare header. */
const refresh = (authorization) => nock(baseUrl, { reqheaders: { authorization } }).get(path)
const answer = (accessToken) => ({ data: { accessToken } })

before(() => nock.disableNetConnect())
afterEach(() => {
  const unused = nock.pendingMocks()
  nock.cleanAll()
  assert.deepEqual(unused, [])
})
after(() => {
  nock.enableNetConnect()
  nock.restore()
})

test('five callers share one request', async () => {
  const token = await expiring(), next = await gateway.issue({ sub: 'jo' }), session = new TokenSession(token, { baseUrl })
  refresh(token).reply(200, answer(next))
  assert.deepEqual(await Promise.all([1, 2, 3, 4, 5].map(() => session.accessToken())), Array(5).fill(next))
})

test('a refused token asks for a login', async () => {
  const token = await expiring()
  refresh(token).reply(401, { error: { errorCode: 1002 } })
  await assert.rejects(refreshAccessToken(token, { baseUrl }), { code: 'ERR_UNAUTHORIZED', action: 'login' })
})

test('one reply is for one attempt: a retry takes another one', async () => {
  const token = await expiring(), next = await gateway.issue({ sub: 'jo' })
  refresh(token).reply(503)
  refresh(token).reply(200, answer(next))
  assert.equal((await refreshAccessToken(token, { baseUrl })).accessToken, next)
})

test('an outage is no logout', async () => {
  const token = await expiring(), session = new TokenSession(token, { baseUrl }), codes = []
  session.addEventListener('refreshfailed', ({ detail }) => codes.push(detail.error.code))
  refresh(token).replyWithError('the connection broke')
  assert.equal(await session.accessToken(), token)
  assert.deepEqual(codes, ['ERR_NETWORK'])
})

test('a request without a reply fails, and a session hides it: listen to refreshfailed', async () => {
  const token = await expiring(), session = new TokenSession(token, { baseUrl }), codes = []
  session.addEventListener('refreshfailed', ({ detail }) => codes.push(detail.error.code))
  assert.equal(await session.accessToken(), token)
  // nock 14 rejects, and nock 15 answers 501.
  assert.match(codes.join(), /^ERR_(NETWORK|SERVER)$/)
})

test('a started session refreshes when a fake clock says so', async () => {
  const token = await gateway.issue({ sub: 'jo' }), iat = Math.floor(Date.now() / 1000) + 28 * DAY_S
  refresh(token).reply(200, answer(await gateway.issue({ sub: 'jo', iat, exp: iat + 30 * DAY_S })))
  mock.timers.enable({ apis: ['setTimeout', 'Date'], now: Date.now() })
  try {
    const session = new TokenSession(token, { baseUrl })
    const refreshed = new Promise((resolve) => session.addEventListener('refreshed', resolve))
    session.start()
    for (const days of [28, 1]) mock.timers.tick(days * DAY_S * 1000)
    await refreshed
    session.dispose()
  } finally {
    mock.timers.reset()
  }
})

test('no request of an earlier test is left', async () => {
  const token = await expiring(), next = await gateway.issue({ sub: 'jo' })
  refresh(token).reply(200, answer(next))
  assert.equal((await refreshAccessToken(token, { baseUrl })).accessToken, next)
})
