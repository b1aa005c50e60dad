import assert from 'node:assert/strict'
import { createHmac, webcrypto } from 'node:crypto'
import { once } from 'node:events'
import net from 'node:net'
import { describe, test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createGateway } from '../../pkg-template/gateway.js'

setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc')
const REFRESH = '/api/v2/auth/refresh'
const LOGIN = '/api/v2/auth/login'
const VERIFY = '/api/v2/auth/verify'
const BASE = 'http://gateway.test'
const ORIGIN = 'http://localhost:5173'
const START = 1_750_329_735_000

/** A gateway on a socket, closed with its test. */
async function listening(t, options) {
  const gateway = createGateway(options)
  const { url, close } = await gateway.listen()
  t.after(close)
  const refresh = (token, init = {}) =>
    fetch(`${url}${REFRESH}`, { redirect: 'manual', ...init, headers: { authorization: token, ...init.headers } })
  return { gateway, url, close, refresh }
}

/** A gateway without a socket. Its clock stands still unless the test moves it. */
function still(options) {
  const clock = { now: START }
  const gateway = createGateway({ now: () => clock.now, ...options })
  const refresh = (token, init = {}) =>
    gateway.fetch(new Request(BASE + REFRESH, { ...init, headers: { authorization: token, ...init.headers } }))
  const post = (path, body) =>
    gateway.fetch(new Request(BASE + path, { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) }))
  return { gateway, clock, refresh, post }
}

const newToken = async (response) => (await response.json()).data.accessToken
const turn = () => new Promise((resolve) => setImmediate(resolve))

async function assertRefusal(response, status, errorCode) {
  assert.equal(response.status, status)
  assert.match(response.headers.get('content-type'), /^application\/json/)
  const { error, ...rest } = await response.json()
  assert.deepEqual(rest, {})
  assert.equal(error.statusCode, status)
  assert.equal(typeof error.message, 'string')
  assert.equal(error.errorCode, errorCode)
}

/** Returns everything that comes on a plain socket until the gateway ends the connection. */
async function raw(url, request) {
  const socket = net.connect(Number(new URL(url).port), '127.0.0.1')
  let received = ''
  socket.setEncoding('latin1').on('data', (chunk) => (received += chunk)).on('error', () => {})
  socket.write(request)
  await once(socket, 'close')
  return received
}

describe('login and verify', () => {
  const email = 'someone@example.com'

  test('any e-mail and the one-time password give a token for that e-mail', async () => {
    const { gateway, post, refresh } = still()
    const login = await (await post(LOGIN, { apiKey: 'k', email })).json()
    const { stateToken, ...rest } = login.data
    assert.deepEqual(rest, { isTncAccepted: true, email, expiresIn: 600 })

    const verified = await post(VERIFY, { apiKey: 'k', email, otp: '123456', stateToken })
    assert.equal(verified.status, 200)
    const { data } = await verified.json()
    assert.equal(data.ttl, 2_592_000)
    assert.equal(data.created, new Date(START).toISOString())
    assert.equal((await gateway.verify(data.accessToken)).sub, email)
    assert.equal((await refresh(data.accessToken)).status, 200)
  })

  test('a wrong body is refused with the code for validation', async () => {
    const { post } = still()
    const good = { apiKey: 'k', email, otp: '123456', stateToken: 's' }
    for (const field of ['apiKey', 'email']) await assertRefusal(await post(LOGIN, { ...good, [field]: '' }), 400, 9001)
    for (const field of Object.keys(good)) await assertRefusal(await post(VERIFY, { ...good, [field]: 7 }), 400, 9001)
    for (const body of ['', '{', 'null', '7', '"x"', '[]', '['.repeat(60_000), '{"email":{}}']) {
      await assertRefusal(await post(LOGIN, body), 400, 9001)
    }
    await assertRefusal(await post(LOGIN, { apiKey: 'k', email: 'no address' }), 400, 9001)
  })

  test('a login is good for one token, its own e-mail and ten minutes', async () => {
    const { clock, post } = still({ otp: '42' })
    const state = async () => (await (await post(LOGIN, { apiKey: 'k', email })).json()).data.stateToken
    const verify = async (stateToken, more) => (await post(VERIFY, { apiKey: 'k', email, otp: '42', stateToken, ...more })).status

    const first = await state()
    assert.equal(await verify(first, { otp: '123456' }), 400)
    assert.equal(await verify(first, { email: 'other@example.com' }), 400)
    assert.equal(await verify('unknown'), 400)
    assert.equal(await verify(first), 200)
    assert.equal(await verify(first), 400)
    const second = await state()
    clock.now += 600_000
    assert.equal(await verify(second), 400)
  })

  test('the log gets the one-time password and nothing else', async () => {
    const lines = []
    const { gateway, post, refresh } = still({ log: (line) => lines.push(line) })
    const { data } = await (await post(LOGIN, { apiKey: 'k', email })).json()
    await post(VERIFY, { apiKey: 'k', email, otp: '123456', stateToken: data.stateToken })
    await refresh(await gateway.issue())
    assert.deepEqual(lines, ['OTP for the login: 123456'])
  })
})

describe('tokens', () => {
  test('are signed as node:crypto signs, whatever their length', async (t) => {
    let key
    t.mock.method(webcrypto, 'getRandomValues', (bytes) => (key = bytes.fill(7)))
    const { gateway } = still()
    for (const length of [0, 1, 10, 40, 63, 64, 65, 1000]) {
      const [header, payload, signature] = (await gateway.issue({ sub: 'x'.repeat(length) })).split('.')
      assert.equal(signature, createHmac('sha256', key).update(`${header}.${payload}`).digest('base64url'))
    }
  })

  test('are refreshed without real time passing, and by the clock of fake timers', async (t) => {
    const gateway = createGateway()
    t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: START })
    let token = await gateway.issue()
    for (let month = 0; month < 3; month++) {
      t.mock.timers.tick(29 * 86_400_000)
      const request = new Request(BASE + REFRESH, { headers: { authorization: token } })
      const answer = await Promise.race([gateway.fetch(request), turn()])
      assert.equal(answer?.status, 200, 'it answers before the event loop turns')
      token = await newToken(answer)
      assert.equal((await gateway.verify(token)).iat * 1000, Date.now() - (Date.now() % 1000))
    }
  })

  test('carry the documented claims, signed with HS256', async () => {
    const { gateway } = still()
    const token = await gateway.issue()
    assert.deepEqual(JSON.parse(atob(token.split('.')[0])), { alg: 'HS256', typ: 'JWT' })
    const { jti, ...claims } = await gateway.verify(token)
    assert.match(jti, /^[0-9a-f-]{36}$/)
    assert.deepEqual(claims, {
      active: true,
      permissions: [],
      roles: [],
      token_type: 'Bearer',
      sub: 'user@example.com',
      aud: 'local-gateway',
      iss: 'https://transak.com/auth',
      iat: START / 1000,
      exp: START / 1000 + 2_592_000,
    })
  })

  test('are exact to the millisecond if they live less than a minute', async () => {
    const { gateway, clock } = still({ lifetimeMs: 1500 })
    clock.now += 7
    const { iat, exp } = await gateway.verify(await gateway.issue())
    assert.deepEqual([iat, exp], [1_750_329_735.007, 1_750_329_736.507])
    const long = await gateway.verify(await gateway.issue({}, 60_500))
    assert.deepEqual([long.iat, long.exp], [1_750_329_735, 1_750_329_795.5])
  })

  test('take other claims, and leave out those that are undefined', async () => {
    const { gateway, refresh } = still()
    const token = await gateway.issue({ sub: undefined, iat: undefined, note: 'ünï' })
    const claims = await gateway.verify(token)
    assert.deepEqual(['sub' in claims, 'iat' in claims, claims.note], [false, false, 'ünï'])
    assert.equal('sub' in (await gateway.verify(await newToken(await refresh(token)))), false)
  })

  test('are verified only if this gateway has signed them', async () => {
    const { gateway, clock } = still()
    const token = await gateway.issue()
    const [header, payload, signature] = token.split('.')
    const foreign = await createGateway().issue()
    const bad = ['', 'x', '..', 'a.b.c', `${token}.`, `${header}.${payload}.`, `${header}.${payload}.A`, `${header}.${payload}.ü`,
      `${header}.${btoa('{}')}.${signature}`, `Bearer ${token}`, foreign, undefined, 7]
    for (const one of bad) assert.equal(await gateway.verify(one), null, String(one))
    clock.now *= 2
    assert.notEqual(await gateway.verify(token), null, 'expiry is not judged')
  })
})

describe('refresh', () => {
  test('gives another token for the same user', async () => {
    const { gateway, refresh } = still()
    const old = await gateway.issue({ sub: 'a@example.com', roles: ['x'] })
    const response = await refresh(old)
    assert.equal(response.status, 200)
    const body = await response.json()
    assert.deepEqual(Object.keys(body), ['data'])
    assert.deepEqual(Object.keys(body.data), ['accessToken'])
    assert.notEqual(body.data.accessToken, old)
    const { sub, roles, exp } = await gateway.verify(body.data.accessToken)
    assert.deepEqual([sub, roles, exp], ['a@example.com', ['x'], START / 1000 + 2_592_000])
  })

  test('never gives one that expires earlier', async () => {
    const { gateway, refresh } = still()
    const old = await gateway.issue()
    gateway.lifetimeMs = 1000
    const { exp } = await gateway.verify(await newToken(await refresh(old)))
    assert.equal(exp, START / 1000 + 2_592_000)
  })

  test('refuses any other token with 401 and 1002', async () => {
    const { gateway, clock, refresh } = still({ lifetimeMs: 1000 })
    const token = await gateway.issue()
    const bad = ['', 'x', `Bearer ${token}`, await createGateway().issue(), await gateway.issue({ exp: undefined })]
    for (const one of bad) await assertRefusal(await refresh(one), 401, 1002)
    await assertRefusal(await gateway.fetch(new Request(BASE + REFRESH)), 401, 1002)
    clock.now += 999
    assert.equal((await refresh(token)).status, 200)
    clock.now += 1
    await assertRefusal(await refresh(token), 401, 1002)
  })

  test('revokes the old token if `revoke` is set, even for two at once', async () => {
    const { gateway, refresh } = still()
    const token = await gateway.issue()
    assert.equal((await refresh(token)).status, 200)
    gateway.revoke = true
    const statuses = (await Promise.all([refresh(token), refresh(token)])).map(({ status }) => status)
    assert.deepEqual(statuses.sort(), [200, 401])
    gateway.reset()
    assert.equal((await refresh(token)).status, 200, 'reset forgets revocations')
  })
})

describe('every answer', () => {
  test('has a trace id of its own and says no-store', async (t) => {
    const { gateway, url, refresh } = await listening(t)
    gateway.fail({ kind: 'html' })
    const answers = [await refresh('x'), await refresh('x'), await fetch(url), await fetch(url + LOGIN, { method: 'OPTIONS' })]
    for (const { headers } of answers) {
      assert.match(headers.get('trace-id'), /^[A-Za-z0-9-]{1,64}$/)
      assert.equal(headers.get('cache-control'), 'no-store')
    }
    assert.equal(new Set(answers.map(({ headers }) => headers.get('trace-id'))).size, answers.length)
  })

  test('to an unknown path is 404, to a wrong method 405', async (t) => {
    const { url } = await listening(t)
    for (const path of ['/', '/api', `${REFRESH}/`, `/${REFRESH}`, '/%', '/__proto__']) {
      await assertRefusal(await fetch(url + path), 404, undefined)
      const { error } = await (await fetch(url + path)).json()
      for (const call of [`POST ${LOGIN}`, `POST ${VERIFY}`, `GET ${REFRESH}`]) assert.ok(error.message.includes(call), error.message)
    }
    for (const [path, method, allow] of [[REFRESH, 'POST', 'GET'], [LOGIN, 'GET', 'POST'], [VERIFY, 'PUT', 'POST'], ['/elsewhere', 'DELETE', 'GET']]) {
      const response = await fetch(url + path, { method })
      assert.equal(response.headers.get('allow'), allow)
      await assertRefusal(response, 405, undefined)
    }
  })
})

describe('bad input', () => {
  test('a body over 64 KiB is 413, with and without a socket', async (t) => {
    const { gateway, url } = await listening(t)
    const body = JSON.stringify({ apiKey: 'k', email: 'a@example.com', more: 'x'.repeat(1_000_000) })
    await assertRefusal(await fetch(url + LOGIN, { method: 'POST', body }), 413, undefined)
    await assertRefusal(await gateway.fetch(new Request(url + LOGIN, { method: 'POST', body })), 413, undefined)
    const fits = JSON.stringify({ apiKey: 'k', email: 'a@example.com', more: 'é'.repeat(32_000) })
    assert.equal((await fetch(url + LOGIN, { method: 'POST', body: fits })).status, 200)
  })

  test('odd requests are answered or cut off, and the gateway still works', async (t) => {
    const { url, refresh } = await listening(t)
    const lines = ['GET * HTTP/1.1', 'OPTIONS * HTTP/1.1', 'TRACE / HTTP/1.1', 'PROPFIND / HTTP/1.1', 'GET // HTTP/1.1',
      'GET http://[bad HTTP/1.1', 'GET //evil.test/api/v2/auth/refresh HTTP/1.1', 'GET ?a#b HTTP/1.1', 'CONNECT a:1 HTTP/1.1',
      'BREW / HTTP/1.1', 'GET /\x00 HTTP/1.1', 'no request at all']
    for (const line of lines) {
      assert.match(await raw(url, `${line}\r\nhost: x\r\nconnection: close\r\n\r\n`), /^(HTTP\/1\.1 40[045] |$)/, line)
    }
    assert.match(await raw(url, `GET ${REFRESH} HTTP/1.1\r\nhost: x\r\nauthorization: \xff\r\n__proto__: x\r\nconnection: close\r\n\r\n`), / 401 /)
    assert.equal((await refresh('x')).status, 401)
  })

  test('a client that leaves during its upload does not disturb the gateway', async (t) => {
    const { gateway, url, refresh } = await listening(t)
    const socket = net.connect(Number(new URL(url).port), '127.0.0.1')
    socket.write(`POST ${LOGIN} HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{"api`)
    while (gateway.requests.length === 0) await turn()
    socket.destroy()
    assert.equal((await refresh('x')).status, 401)
  })

  test('a token of more than 16,000 characters is read', async (t) => {
    const { gateway, refresh } = await listening(t)
    const token = await gateway.issue({ note: 'x'.repeat(12_000) })
    assert.ok(token.length > 16_000)
    assert.equal((await refresh(token)).status, 200)
  })

  test('a failure inside is a 500 in the documented shape', async () => {
    const { gateway, post } = still({ log: () => { throw new Error('the disk is full') } })
    await assertRefusal(await post(LOGIN, { apiKey: 'k', email: 'a@example.com' }), 500, undefined)
    gateway.now = () => { throw new Error('no clock') }
    await assertRefusal(await gateway.fetch(new Request(BASE)), 500, undefined)
  })

  test('a value that is no Request rejects', async () => {
    await assert.rejects(createGateway().fetch(BASE), TypeError)
  })
})

describe('faults, each on a socket and without', () => {
  /** Runs a case on a socket and without one. `send` resolves with the response, or rejects if the fault causes that. */
  function both(name, options, run) {
    test(`${name}: socket`, async (t) => {
      const { gateway, refresh } = await listening(t, options)
      await run({ gateway, send: refresh, token: await gateway.issue() })
    })
    test(`${name}: fetch`, async () => {
      const { gateway, refresh } = still(options)
      await run({ gateway, send: refresh, token: await gateway.issue() })
    })
  }

  both('latency waits, then answers', {}, async ({ gateway, send, token }) => {
    gateway.fail({ kind: 'latency', ms: 20 })
    const before = performance.now()
    assert.equal((await send(token)).status, 200)
    assert.ok(performance.now() - before >= 19)
  })

  both('any fault may come late', {}, async ({ gateway, send, token }) => {
    gateway.fail({ kind: 'error', status: 503, latencyMs: 20 })
    const before = performance.now()
    assert.equal((await send(token)).status, 503)
    assert.ok(performance.now() - before >= 19)
  })

  both('a client that leaves during the latency ends the wait', { revoke: true }, async ({ gateway, send, token }) => {
    gateway.fail({ kind: 'latency', ms: 2 ** 31 - 1 })
    const controller = new AbortController()
    const sent = send(token, { signal: controller.signal })
    while (gateway.refreshes() === 0) await turn()
    controller.abort(new Error('enough'))
    await assert.rejects(sent, { message: 'enough' })
    assert.equal((await send(token)).status, 200, 'and no refresh was done')
  })

  both('drop before leaves the old token good', { revoke: true }, async ({ gateway, send, token }) => {
    gateway.fail({ kind: 'drop', when: 'before' })
    await assert.rejects(send(token), TypeError)
    assert.equal((await send(token)).status, 200)
  })

  both('drop after loses both tokens where a refresh revokes', { revoke: true }, async ({ gateway, send, token }) => {
    gateway.fail({ kind: 'drop', when: 'after' })
    await assert.rejects(send(token), TypeError)
    assert.equal((await send(token)).status, 401)
  })

  both('error has the documented shape', {}, async ({ gateway, send, token }) => {
    for (const [status, errorCode] of [[500], [401, 1002], [403], [404], [400, 'E_1'], [503], [599, 7]]) {
      gateway.fail({ kind: 'error', status, errorCode })
      await assertRefusal(await send(token), status, errorCode)
    }
    gateway.fail({ kind: 'error', status: 400, message: 'Session Expired', headers: { 'Retry-After': '3', 'Trace-Id': 'mine' } })
    const response = await send(token)
    assert.deepEqual([response.headers.get('retry-after'), response.headers.get('trace-id')], ['3', 'mine'])
    assert.equal((await response.json()).error.message, 'Session Expired')
    gateway.fail({ kind: 'error', status: 204 })
    assert.equal(await (await send(token)).text(), '')
  })

  both('rate-limit is 429 with or without Retry-After', {}, async ({ gateway, send, token }) => {
    for (const [retryAfter, header] of [[undefined, null], [7, '7'], ['Wed, 21 Oct 2026 07:28:00 GMT', 'Wed, 21 Oct 2026 07:28:00 GMT']]) {
      gateway.fail({ kind: 'rate-limit', retryAfter })
      const response = await send(token)
      assert.equal(response.headers.get('retry-after'), header)
      await assertRefusal(response, 429, undefined)
    }
  })

  both('html is no JSON', {}, async ({ gateway, send, token }) => {
    for (const status of [undefined, 502]) {
      gateway.fail({ kind: 'html', status })
      const response = await send(token)
      assert.equal(response.status, status ?? 200)
      assert.match(response.headers.get('content-type'), /^text\/html/)
      assert.match(await response.text(), /^<!doctype html>/)
    }
  })

  both('challenge is a page of the CDN and says so', {}, async ({ gateway, send, token }) => {
    for (const status of [undefined, 429, 503]) {
      gateway.fail({ kind: 'challenge', status })
      const response = await send(token)
      assert.deepEqual([response.status, response.headers.get('cf-mitigated'), response.headers.get('trace-id')], [status ?? 403, 'challenge', null])
      assert.match(response.headers.get('cf-ray'), /^[0-9a-f]{16}-[A-Z]{3}$/)
      assert.match(await response.text(), /^<!doctype html>/)
    }
  })

  both('ban is 403 with an errorCode', {}, async ({ gateway, send, token }) => {
    for (const errorCode of [undefined, 1099, 'E_1']) {
      gateway.fail({ kind: 'ban', errorCode })
      await assertRefusal(await send(token), 403, errorCode ?? 1001)
    }
  })

  both('bom is a good answer behind a byte order mark', {}, async ({ gateway, send, token }) => {
    gateway.fail({ kind: 'bom' })
    const bytes = new Uint8Array(await (await send(token)).arrayBuffer())
    assert.deepEqual([...bytes.subarray(0, 3)], [0xef, 0xbb, 0xbf])
    assert.ok(await gateway.verify(JSON.parse(new TextDecoder().decode(bytes)).data.accessToken))
  })

  both('truncated json is a whole answer with half a body', {}, async ({ gateway, send, token }) => {
    gateway.fail({ kind: 'truncated', how: 'json' })
    const text = await (await send(token)).text()
    assert.match(text, /^\{"data":\{"accessToken":"/)
    assert.throws(() => JSON.parse(text), SyntaxError)
  })

  both('truncated connection breaks in the body', { revoke: true }, async ({ gateway, send, token }) => {
    gateway.fail({ kind: 'truncated' })
    const response = await send(token)
    assert.equal(response.status, 200)
    const reader = response.body.getReader()
    const { value } = await reader.read()
    assert.ok(value.length < Number(response.headers.get('content-length')))
    await assert.rejects(reader.read(), TypeError)
    assert.equal((await send(token)).status, 401, 'the refresh was done')
  })

  both('oversized is valid and exactly as large as asked', {}, async ({ gateway, send, token }) => {
    for (const bytes of [undefined, 70_000]) {
      gateway.fail({ kind: 'oversized', bytes })
      const text = await (await send(token)).text()
      assert.equal(text.length, bytes ?? 200_000)
      assert.notEqual(await gateway.verify(JSON.parse(text).data.accessToken), null)
    }
  })

  both('redirect is answered, and nobody has been elsewhere', {}, async ({ gateway, send, token }) => {
    gateway.fail({ kind: 'redirect' })
    const response = await send(token)
    assert.deepEqual([response.status, response.headers.get('location')], [302, '/elsewhere'])
    gateway.fail({ kind: 'redirect', status: 308, location: 'https://example.com/' })
    const other = await send(token)
    assert.deepEqual([other.status, other.headers.get('location')], [308, 'https://example.com/'])
    assert.deepEqual(gateway.requests.map(({ path }) => path), [REFRESH, REFRESH])
  })

  both('token older is unexpired but earlier in all', {}, async ({ gateway, send }) => {
    for (const lifetimeMs of [2_592_000_000, 30_000, 1000]) {
      const token = await gateway.issue({}, lifetimeMs)
      gateway.fail({ kind: 'token', which: 'older' })
      const [sent, got] = [await gateway.verify(token), await gateway.verify(await newToken(await send(token)))]
      assert.ok(got.exp < sent.exp && got.iat < sent.iat && got.exp * 1000 > gateway.now())
      assert.equal(got.sub, sent.sub)
      assert.notEqual(got.jti, sent.jti)
    }
  })

  both('token same, foreign, expired, garbage', {}, async ({ gateway, send, token }) => {
    const wrong = async (which) => {
      gateway.fail({ kind: 'token', which })
      return newToken(await send(token))
    }
    assert.equal(await wrong('same'), token)
    const [sent, foreign, expired] = await Promise.all([token, await wrong('foreign'), await wrong('expired')].map(gateway.verify))
    assert.ok(foreign.sub !== sent.sub && foreign.exp >= sent.exp)
    assert.ok(expired.sub === sent.sub && expired.iat < expired.exp && expired.exp * 1000 < gateway.now())
    assert.equal(await gateway.verify(await wrong('garbage')), null)
  })

  both('token same does not revoke, the others do', { revoke: true }, async ({ gateway, send, token }) => {
    gateway.fail({ kind: 'token', which: 'same' })
    gateway.fail({ kind: 'token', which: 'garbage' })
    assert.deepEqual([(await send(token)).status, (await send(token)).status, (await send(token)).status], [200, 200, 401])
  })

  both('faults of the answer leave a bad token its 401', {}, async ({ gateway, send }) => {
    for (const fault of [{ kind: 'truncated' }, { kind: 'oversized' }, { kind: 'token', which: 'older' }, { kind: 'latency', ms: 0 }]) {
      gateway.fail(fault)
      await assertRefusal(await send('x'), 401, 1002)
    }
  })

  both('hang lasts until the client leaves', {}, async ({ gateway, send, token }) => {
    gateway.fail({ kind: 'hang' })
    const controller = new AbortController()
    const sent = send(token, { signal: controller.signal })
    while (gateway.refreshes() === 0) await turn()
    const first = await Promise.race([sent, send(token)])
    assert.equal(first.status, 200, 'another request is answered meanwhile')
    controller.abort(new Error('enough'))
    await assert.rejects(sent, { message: 'enough' })
  })

  test('a hanging Request rejects when its client aborts, also after garbage collection', async () => {
    const { gateway, refresh } = still(), controller = new AbortController()
    gateway.fail({ kind: 'hang' })
    const sent = refresh('x', { signal: controller.signal })
    while (gateway.refreshes() === 0) await turn()
    for (let round = 0; round < 5; round++) {
      await turn()
      gc()
    }
    controller.abort(new Error('enough'))
    // Without an answer the event loop would be empty, and the runner would report this test.
    await assert.rejects(sent, { message: 'enough' })
  })

  test('a followed redirect ends in a usable answer, and is recorded', async (t) => {
    const { gateway, refresh } = await listening(t)
    const token = await gateway.issue({ sub: 'a@example.com' })
    gateway.fail({ kind: 'redirect' })
    const response = await refresh(token, { redirect: 'follow' })
    assert.equal((await gateway.verify(await newToken(response))).sub, 'a@example.com')
    assert.deepEqual(gateway.requests.map(({ path }) => path), [REFRESH, '/elsewhere'])
    assert.equal(gateway.refreshes(), 1)
  })

  test('an aborted Request is not answered at all', async () => {
    const { gateway, refresh } = still()
    await assert.rejects(refresh('x', { signal: AbortSignal.abort(new Error('enough')) }), { message: 'enough' })
    assert.equal(gateway.requests.length, 0)
  })

  test('a Request aborted on its way rejects, as fetch does', async () => {
    const { gateway, refresh } = still()
    const controller = new AbortController()
    const sent = refresh('x', { signal: controller.signal })
    assert.equal(gateway.requests.length, 1, 'the request is on record when fetch returns')
    controller.abort(new Error('enough'))
    await assert.rejects(sent, { message: 'enough' })
  })

  test('come in turn, as often as asked, to refreshes only', async () => {
    const { gateway, refresh, post } = still({ allowedOrigins: [ORIGIN] })
    const token = await gateway.issue()
    gateway.fail({ kind: 'error', status: 500 }, { times: 2 })
    gateway.fail({ kind: 'error', status: 403 })
    const preflight = { method: 'OPTIONS', headers: { origin: ORIGIN, 'access-control-request-method': 'GET' } }
    assert.equal((await refresh(token, preflight)).status, 204)
    assert.equal((await post(LOGIN, { apiKey: 'k', email: 'a@example.com' })).status, 200)
    const seen = []
    for (let i = 0; i < 4; i += 1) seen.push((await refresh(token)).status)
    assert.deepEqual(seen, [500, 500, 403, 200])

    gateway.fail({ kind: 'error', status: 500 }, { times: Infinity })
    for (let i = 0; i < 5; i += 1) assert.equal((await refresh(token)).status, 500)
    gateway.heal()
    assert.equal((await refresh(token)).status, 200)
  })

  test('that are invalid are refused at once', () => {
    const gateway = createGateway()
    const bad = [undefined, null, {}, { kind: 'none' }, { kind: 'toString' }, { kind: 'latency' }, { kind: 'latency', ms: -1 },
      { kind: 'latency', ms: NaN }, { kind: 'latency', ms: 2 ** 31 }, { kind: 'hang', latencyMs: '5' }, { kind: 'drop' },
      { kind: 'error' }, { kind: 'error', status: 199 }, { kind: 'error', status: 600 }, { kind: 'error', status: 500, headers: { 'a b': '' } },
      { kind: 'rate-limit', retryAfter: '1\n2' }, { kind: 'redirect', location: '\u{1f600}' }, { kind: 'html', status: 100 }, { kind: 'challenge', status: 100 },
      { kind: 'truncated', how: 'x' }, { kind: 'oversized', bytes: 0 }, { kind: 'token', which: 'newer' }]
    for (const fault of bad) assert.throws(() => gateway.fail(fault), TypeError, JSON.stringify(fault))
    for (const times of [0, -1, 1.5, NaN, '2']) assert.throws(() => gateway.fail({ kind: 'hang' }, { times }), TypeError)
    for (const [fault, options] of [[{ kind: 'html', latency: 4 }], [{ kind: 'bom', status: 200 }], [{ kind: 'hang', toString: 1 }], [{ kind: 'hang' }, { time: 3 }]]) {
      assert.throws(() => gateway.fail(fault, options), TypeError, `a misspelled name: ${JSON.stringify([fault, options])}`)
    }
  })
})

describe('CORS', () => {
  const preflight = (url, origin) => fetch(url + REFRESH, {
    method: 'OPTIONS',
    headers: { origin, 'access-control-request-method': 'GET', 'access-control-request-headers': 'authorization' },
  })
  const corsNames = ({ headers }) => [...headers.keys()].filter((name) => name.startsWith('access-control-'))

  test('an allowed origin gets its preflight and may read every answer', async (t) => {
    const { gateway, url, refresh } = await listening(t, { allowedOrigins: [ORIGIN] })
    const { status, headers } = await preflight(url, ORIGIN)
    assert.equal(status, 204)
    assert.equal(headers.get('access-control-allow-origin'), ORIGIN)
    assert.equal(headers.get('access-control-allow-methods'), 'GET, POST, OPTIONS')
    assert.equal(headers.get('access-control-allow-headers'), 'authorization, x-api-key, x-user-ip, content-type')
    assert.equal(headers.get('access-control-max-age'), '600')
    assert.equal(headers.get('vary'), 'origin')

    const faults = [{ kind: 'error', status: 500 }, { kind: 'rate-limit' }, { kind: 'html' }, { kind: 'redirect' }, { kind: 'truncated' }]
    for (const fault of faults) gateway.fail(fault)
    const token = await gateway.issue()
    for (const expected of [500, 429, 200, 302, 200, 200]) {
      const response = await refresh(token, { headers: { origin: ORIGIN } })
      assert.equal(response.status, expected)
      assert.equal(response.headers.get('access-control-allow-origin'), ORIGIN)
      assert.equal(response.headers.get('access-control-expose-headers'), 'trace-id, retry-after')
      assert.equal(response.headers.get('vary'), 'origin')
    }
  })

  test('another origin gets no CORS headers and a 403 for its preflight', async (t) => {
    const { url, refresh } = await listening(t, { allowedOrigins: [ORIGIN] })
    for (const origin of ['http://localhost:51730', 'https://localhost:5173', 'null', '*']) {
      const refused = await preflight(url, origin)
      assert.deepEqual([refused.status, refused.headers.get('vary'), corsNames(refused)], [403, 'origin', []])
      const answered = await refresh('x', { headers: { origin } })
      assert.deepEqual([answered.status, answered.headers.get('vary'), corsNames(answered)], [401, 'origin', []])
    }
    assert.deepEqual(corsNames(await refresh('x')), [])
  })

  test('without origins there are no CORS headers at all', async (t) => {
    const { url } = await listening(t)
    const response = await preflight(url, ORIGIN)
    assert.deepEqual([response.status, response.headers.get('vary'), corsNames(response)], [403, null, []])
  })

  test("'any' echoes the origin", async (t) => {
    const { url } = await listening(t, { allowedOrigins: 'any' })
    const { status, headers } = await preflight(url, 'https://example.com')
    assert.deepEqual([status, headers.get('access-control-allow-origin')], [204, 'https://example.com'])
  })

  test('an entry that is no exact origin is refused at once', () => {
    for (const origin of ['*', 'https://*.example.com', `${ORIGIN}/`, 'localhost', '', 'null', 7]) {
      assert.throws(() => createGateway({ allowedOrigins: [origin] }), TypeError, String(origin))
    }
    assert.throws(() => createGateway({ allowedOrigins: ORIGIN }), TypeError)
  })

  test('a name that is no option is refused at once', () => {
    for (const options of [{ lifetime: 60_000 }, { allowedOrigin: ORIGIN }, null]) {
      assert.throws(() => createGateway(options), { name: 'TypeError', message: /^(lifetime|allowedOrigin) is no option of this package$|^options cannot be read$/ })
    }
  })

  test('a value of another type is refused at once', () => {
    for (const [name, value] of [['lifetimeMs', '5m'], ['now', 5], ['revoke', 'yes'], ['otp', 123456], ['log', true]]) {
      assert.throws(() => createGateway({ [name]: value }), { name: 'TypeError', message: new RegExp(`^${name} must be a `) })
      assert.doesNotThrow(() => createGateway({ [name]: undefined }))
    }
    assert.throws(() => createGateway().fail({ kind: 'hang' }, 3), { name: 'TypeError', message: /options of fail must be an object/ })
  })

  test('a request with an origin gets a connection of its own', async (t) => {
    const { refresh } = await listening(t)
    assert.equal((await refresh('x', { headers: { origin: ORIGIN } })).headers.get('connection'), 'close')
    assert.notEqual((await refresh('x')).headers.get('connection'), 'close')
  })
})

describe('counters', () => {
  test('each request is recorded', async (t) => {
    const { gateway, url } = await listening(t, { now: () => START })
    await fetch(`${url}${REFRESH}?a=b`, { headers: { Authorization: 'x', 'X-Api-Key': 'k' } })
    await fetch(url + LOGIN, { method: 'POST', body: '{}' })
    const [first, second] = gateway.requests
    assert.deepEqual([first.method, first.path, first.at], ['GET', `${REFRESH}?a=b`, START])
    assert.deepEqual([first.headers.authorization, first.headers['x-api-key']], ['x', 'k'])
    assert.deepEqual([second.method, second.path], ['POST', LOGIN])
  })

  test('refreshes are counted in total and by token, also those that failed', async () => {
    const { gateway, refresh } = still()
    const [a, b] = [await gateway.issue(), await gateway.issue()]
    gateway.fail({ kind: 'error', status: 500 })
    gateway.fail({ kind: 'drop', when: 'before' })
    await refresh(a)
    await assert.rejects(refresh(a))
    await refresh(b)
    await gateway.fetch(new Request(BASE + REFRESH, { method: 'OPTIONS' }))
    assert.deepEqual([gateway.refreshes(), gateway.refreshes(a), gateway.refreshes(b), gateway.refreshes('c')], [3, 2, 1, 0])
  })

  test('reset forgets counts, requests and faults', async () => {
    const { gateway, refresh } = still()
    const { requests } = gateway
    const token = await gateway.issue()
    await refresh(token)
    gateway.fail({ kind: 'hang' })
    gateway.reset()
    assert.deepEqual([gateway.refreshes(), gateway.refreshes(token), requests.length], [0, 0, 0])
    assert.equal((await refresh(token)).status, 200)
  })
})

describe('listening', () => {
  test('is on 127.0.0.1, on the port asked for, and says where', async (t) => {
    const first = await listening(t)
    assert.match(first.url, /^http:\/\/127\.0\.0\.1:\d+$/)
    const port = Number(new URL(first.url).port)
    await assert.rejects(createGateway().listen(port), { code: 'EADDRINUSE' })
    await first.close()
    const again = await createGateway().listen(port)
    t.after(again.close)
    assert.equal(again.port, port)
  })

  test('close ends a hanging client and idle connections, and may be called twice', async (t) => {
    const { gateway, close, refresh, url } = await listening(t)
    await (await refresh('x')).text()
    gateway.fail({ kind: 'hang' })
    gateway.fail({ kind: 'latency', ms: 2 ** 31 - 1 })
    const hanging = [assert.rejects(refresh('x'), TypeError), assert.rejects(refresh('x'), TypeError)]
    while (gateway.refreshes() < 3) await turn()
    await Promise.all([close(), close()])
    await Promise.all(hanging)
    await assert.rejects(fetch(url), TypeError)
  })

  test('works with functions that are called without the gateway object', async (t) => {
    const { listen, issue, fail, refreshes } = createGateway()
    const { url, close } = await listen()
    t.after(close)
    fail({ kind: 'error', status: 503 })
    assert.equal((await fetch(url + REFRESH, { headers: { authorization: await issue() } })).status, 503)
    assert.equal(refreshes(), 1)
  })
})

test('the gateway works without a global crypto, as in Node 18', async (t) => {
  const global = Object.getOwnPropertyDescriptor(globalThis, 'crypto')
  delete globalThis.crypto
  t.after(() => global && Object.defineProperty(globalThis, 'crypto', global))
  assert.equal(globalThis.crypto, undefined)
  const { gateway, refresh } = await listening(t)
  const response = await refresh(await gateway.issue())
  assert.match(response.headers.get('trace-id'), /^[0-9a-f-]{36}$/)
  assert.ok(await gateway.verify(await newToken(response)))
  const { post } = still()
  assert.ok((await (await post(LOGIN, { apiKey: 'k', email: 'someone@example.com' })).json()).data.stateToken)
})
