// A session, with the installed package and the gateway on a socket: which call gets which token, and how many requests that needs.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { describe, test } from 'node:test'
import { inspect, promisify } from 'node:util'
import { TokenSession, TransakTokenError, tokenStatus } from 'transak-user-token'
import { EVENTS, memory, next, turn, unique, world } from './session.world.mjs'

describe('accessToken', { concurrency: true }, () => {
  test('a fresh token comes back at once, without a request', async (t) => {
    const { open, fresh, gateway } = await world(t)
    const session = open(fresh)
    assert.equal(await session.accessToken(), fresh)
    assert.equal(gateway.refreshes(), 0)
    assert.deepEqual(session.heard, [])
  })

  test('white space around the token is trimmed', async (t) => {
    const { open, fresh } = await world(t)
    assert.equal(await open(`\n ${fresh}\t`).accessToken(), fresh)
  })

  test('10,000 calls on an expiring token are one request, and all get the same token', async (t) => {
    const { open, expiring, gateway } = await world(t)
    const session = open(expiring)
    const tokens = new Set(await Promise.all(Array.from({ length: 10_000 }, () => session.accessToken())))
    assert.equal(tokens.size, 1)
    const [token] = tokens
    assert.ok(await gateway.verify(token))
    assert.notEqual(token, expiring)
    assert.equal(gateway.refreshes(), 1)
    assert.deepEqual(session.heard, ['refreshed'])
  })

  test('two sessions on the same token are one request, with or without a key (React StrictMode mounts twice)', async (t) => {
    for (const more of [{}, { key: unique() }, { key: unique(), storage: memory() }]) {
      const { open, expiring, gateway } = await world(t)
      const sessions = [open(expiring, more), open(expiring, more)]
      const [one, other] = await Promise.all(sessions.map((session) => session.accessToken()))
      assert.equal(one, other)
      assert.notEqual(one, expiring)
      assert.equal(gateway.refreshes(), 1)
    }
  })

  test('sessions of two users, or of one token with other headers, share no request (MSAL: PR 8680)', async (t) => {
    const { open, expiring, aged, gateway } = await world(t, { revoke: false })
    const ann = await aged(29, { sub: 'ann@example.com' })
    const sessions = [open(expiring, { headers: { 'x-user-ip': '203.0.113.7' } }), open(expiring, { headers: { 'x-user-ip': '203.0.113.8' } }), open(ann)]
    const tokens = await Promise.all(sessions.map((session) => session.accessToken()))
    assert.deepEqual([new Set(tokens).size, gateway.refreshes()], [3, 3])
    assert.deepEqual(await Promise.all(tokens.map(async (token) => (await gateway.verify(token)).sub)), ['user@example.com', 'user@example.com', 'ann@example.com'])
  })

  test('a call waits no longer than maxWaitMs, and then gets the old, still valid token', async (t) => {
    const { open, expiring, gateway } = await world(t)
    gateway.fail({ kind: 'latency', ms: 400 })
    const session = open(expiring, { maxWaitMs: 20 }), refreshed = next(session, 'refreshed')
    assert.equal(await session.accessToken(), expiring)
    await refreshed
    assert.notEqual(await session.accessToken(), expiring)
    assert.equal(gateway.refreshes(), 1)
  })

  test('if the refresh fails and no login is needed, the old token comes back', async (t) => {
    for (const fault of [{ kind: 'error', status: 503 }, { kind: 'error', status: 403 }, { kind: 'drop', when: 'before' }, { kind: 'html' }, { kind: 'token', which: 'foreign' }, { kind: 'token', which: 'same' }, { kind: 'token', which: 'older' }]) {
      const { open, expiring, gateway } = await world(t)
      gateway.fail(fault, { times: Infinity })
      const session = open(expiring)
      assert.equal(await session.accessToken(), expiring)
      assert.equal(await session.accessToken(), expiring)
      assert.equal(gateway.refreshes(), 1, 'no request in the cool-down, and no retry')
      assert.deepEqual(session.heard, ['refreshfailed'])
    }
  })

  test('1,000 calls in an outage are at most two requests (supabase: 30-60 thousand an hour)', async (t) => {
    const { open, expiring, gateway } = await world(t)
    gateway.fail({ kind: 'error', status: 503 }, { times: Infinity })
    const session = open(expiring)
    for (let left = 1_000; left > 0; left--) assert.equal(await session.accessToken(), expiring)
    assert.ok(gateway.refreshes() <= 2, `${gateway.refreshes()} requests`)
    await assert.rejects(session.refresh(), { code: 'ERR_SERVER', attempts: 1, status: 503 })
  })

  test('after a refusal it rejects at once, without a request, until replace()', async (t) => {
    const { open, expiring, fresh, gateway } = await world(t)
    gateway.fail({ kind: 'error', status: 401, errorCode: 1002 })
    const session = open(expiring)
    for (let left = 3; left > 0; left--) {
      await assert.rejects(session.accessToken(), { name: 'TransakTokenError', code: 'ERR_UNAUTHORIZED', action: 'login' })
      await assert.rejects(session.refresh(), { code: 'ERR_UNAUTHORIZED' })
    }
    assert.equal(gateway.refreshes(), 1)
    assert.deepEqual(session.heard, ['expired'])
    const { state, action, refused } = session.status()
    assert.deepEqual({ state, action, refused }, { state: 'expiring', action: 'login', refused: true })
    await session.replace(fresh)
    assert.equal(await session.accessToken(), fresh)
    assert.deepEqual([session.status().action, session.status().refused], ['use', false])
    assert.deepEqual(session.heard, ['expired', 'replaced'])
  })

  test('the message of a refusal says which server was asked', async (t) => {
    const { open, expiring, gateway } = await world(t)
    gateway.fail({ kind: 'error', status: 401 })
    await assert.rejects(open(expiring).accessToken(), /your own baseUrl/)
  })

  test('a session with an expired token is expired from the start, and emits expired at the first call', async (t) => {
    const { open, expired, gateway } = await world(t)
    const session = open(expired)
    assert.deepEqual([session.status().state, session.status().action], ['expired', 'login'])
    assert.deepEqual(session.heard, [])
    for (let left = 3; left > 0; left--) await assert.rejects(session.accessToken(), { code: 'ERR_TOKEN_EXPIRED', action: 'login' })
    await assert.rejects(session.refresh(), { code: 'ERR_TOKEN_EXPIRED' })
    assert.deepEqual(session.heard, ['expired'])
    assert.equal(gateway.refreshes(), 0)
  })

  test('after the expiry it rejects at once while a refresh is in flight, and the answer makes the token usable again', async (t) => {
    const { open, gateway } = await world(t)
    const now = Date.now() / 1000, token = await gateway.issue({ iat: now - 60, exp: now + 5 })
    const answered = resolvers()
    const session = open(token, { maxWaitMs: 0, fetch: async (...given) => {
      const response = await fetch(...given)
      await answered.promise
      return response
    } })
    assert.equal(await session.accessToken(), token)
    const joined = session.refresh()
    while (session.status().state !== 'expired') await turn()
    await assert.rejects(session.accessToken(), { code: 'ERR_TOKEN_EXPIRED' })
    answered.resolve()
    const { accessToken } = await joined
    assert.equal(await session.accessToken(), accessToken)
    assert.equal(gateway.refreshes(), 1)
  })

  test('a caller who aborts only stops waiting: the request is finished', async (t) => {
    const { open, expiring, gateway } = await world(t)
    gateway.fail({ kind: 'latency', ms: 150 })
    const session = open(expiring), controller = new AbortController(), reason = { why: 'left' }
    const waits = [session.accessToken({ signal: controller.signal }), session.refresh({ signal: controller.signal })]
    const stays = session.accessToken()
    setTimeout(() => controller.abort(reason), 20)
    for (const wait of waits) await assert.rejects(wait, (thrown) => thrown === reason)
    assert.notEqual(await stays, expiring)
    await assert.rejects(session.accessToken({ signal: controller.signal }), (thrown) => thrown === reason)
    assert.equal(gateway.refreshes(), 1)
  })

  test('if every caller aborts, the refresh is still finished', async (t) => {
    const { open, expiring, gateway } = await world(t)
    gateway.fail({ kind: 'latency', ms: 100 })
    const session = open(expiring), refreshed = next(session, 'refreshed')
    const signal = AbortSignal.timeout(10)
    await assert.rejects(session.accessToken({ signal }), { name: 'TimeoutError' })
    await refreshed
    assert.equal(session.status().state, 'fresh')
  })
})

describe('refresh', { concurrency: true }, () => {
  test('refreshes even a fresh token, and resolves with the new token and its times', async (t) => {
    const { open, aged, gateway } = await world(t)
    const old = await aged(1), session = open(old)
    const { accessToken, ...times } = await session.refresh()
    const { issuedAt, refreshAt, expiresAt } = tokenStatus(accessToken)
    assert.deepEqual(times, { issuedAt, refreshAt, expiresAt })
    assert.equal(gateway.refreshes(old), 1)
    assert.equal(await session.accessToken(), accessToken)
  })

  test('joins one in flight', async (t) => {
    const { open, expiring, gateway } = await world(t)
    const session = open(expiring)
    const [token, one, other] = await Promise.all([session.accessToken(), session.refresh(), session.refresh()])
    assert.deepEqual([one.accessToken, other.accessToken], [token, token])
    assert.equal(gateway.refreshes(), 1)
  })

  test('adopts a newer stored token', async (t) => {
    const { open, aged, gateway } = await world(t)
    const old = await aged(2), newer = await aged(1), storage = memory(), key = unique(), session = open(old, { storage, key })
    assert.equal(await session.accessToken(), old)
    await turn()
    storage.map.set(key, newer)
    assert.equal((await session.refresh()).accessToken, newer)
    assert.equal(gateway.refreshes(), 0)
    assert.deepEqual(session.heard, ['refreshed'])
  })

  test('in the cool-down it rejects with the last error', async (t) => {
    const { open, fresh, gateway } = await world(t)
    gateway.fail({ kind: 'rate-limit', retryAfter: 120 })
    const session = open(fresh)
    for (let left = 3; left > 0; left--) await assert.rejects(session.refresh(), { code: 'ERR_RATE_LIMITED', retryAfterMs: 120_000 })
    assert.equal(await session.accessToken(), fresh)
    assert.equal(gateway.refreshes(), 1)
  })

  test('retries is 0 unless asked for', async (t) => {
    const { open, fresh, gateway } = await world(t)
    gateway.fail({ kind: 'error', status: 503 })
    await open(fresh, { retries: 1 }).refresh()
    assert.equal(gateway.refreshes(), 2)
  })
})

describe('replace and clear', { concurrency: true }, () => {
  for (const end of ['replace', 'clear']) {
    test(`${end}() while a refresh is in flight: its answer is dropped and never stored`, async (t) => {
      const { open, expiring, aged, gateway } = await world(t)
      const storage = memory(), key = unique(), session = open(expiring, { storage, key }), login = await aged(3)
      gateway.fail({ kind: 'latency', ms: 150 })
      const waits = session.refresh()
      waits.catch(() => {})
      while (gateway.refreshes() === 0) await turn()
      await session[end](login)
      const outcome = await waits.catch((error) => error)
      // The answer comes, and all its effects have happened.
      await new Promise((resolve) => setTimeout(resolve, 300))
      if (end === 'replace') {
        assert.equal(outcome.accessToken, login, 'who waits gets the new token')
        assert.equal(storage.map.get(key), login)
        assert.equal(await session.accessToken(), login)
        assert.deepEqual(session.heard, ['replaced'])
      } else {
        assert.equal(outcome.code, 'ERR_INVALID_TOKEN')
        assert.equal(storage.map.size, 0)
        await assert.rejects(session.accessToken(), { code: 'ERR_INVALID_TOKEN', action: 'login', reason: 'not_a_string' })
        assert.equal(session.status().state, 'invalid')
        assert.deepEqual(session.heard, ['cleared'])
      }
      assert.equal(gateway.refreshes(), 1)
    })
  }

  test('the token of replace() wins whatever its iat, in the store too', async (t) => {
    const { open, fresh, aged } = await world(t)
    const storage = memory(), key = unique(), session = open(fresh, { storage, key })
    await session.accessToken()
    for (const token of [await aged(20), await aged(2, { iat: undefined }), await aged(1, { sub: 'someone-else' })]) {
      await session.replace(token)
      assert.equal(storage.map.get(key), token)
      assert.equal(await session.accessToken(), token)
    }
  })

  test('replace() with an invalid token rejects, and changes nothing', async (t) => {
    const { open, fresh } = await world(t)
    const session = open(fresh)
    for (const [token, reason] of [[undefined, 'not_a_string'], [null, 'not_a_string'], [`Bearer ${fresh}`, 'bearer_prefix'], ['a.b', 'not_a_jwt']]) {
      await assert.rejects(session.replace(token), { code: 'ERR_INVALID_TOKEN', reason })
    }
    assert.equal(await session.accessToken(), fresh)
    assert.deepEqual(session.heard, [])
  })

  test('a cleared session goes on after replace()', async (t) => {
    const { open, fresh } = await world(t)
    const session = open(fresh)
    await session.clear()
    await session.clear()
    await session.replace(fresh)
    assert.equal(await session.accessToken(), fresh)
    assert.deepEqual(session.heard, ['cleared', 'replaced'])
  })

  test('tokens of two users never mix: an answer with another sub is refused', async (t) => {
    const { open, expiring, gateway } = await world(t)
    gateway.fail({ kind: 'token', which: 'foreign' })
    const session = open(expiring)
    await assert.rejects(session.refresh(), { code: 'ERR_BAD_RESPONSE' })
    assert.equal(await session.accessToken(), expiring)
  })
})

describe('stop and dispose, of a session that was never started', { concurrency: true }, () => {
  for (const end of ['stop', 'dispose']) {
    test(`${end}: a refresh in flight is finished and stored, without events, and a waiting call gets the token`, async (t) => {
      const { open, expiring, gateway } = await world(t)
      const storage = memory(), key = unique(), session = open(expiring, { storage, key })
      gateway.fail({ kind: 'latency', ms: 100 })
      const wait = session.accessToken()
      while (gateway.refreshes() === 0) await turn()
      end === 'dispose' && Symbol.dispose ? session[Symbol.dispose]() : session.stop()
      const token = await wait
      assert.notEqual(token, expiring)
      await turn()
      assert.equal(storage.map.get(key), token)
      assert.equal(await session.accessToken(), token, 'and it goes on when asked')
      assert.deepEqual([session.heard, gateway.refreshes()], [[], 1])
    })
  }
})

describe('the arguments', { concurrency: true }, () => {
  test('the constructor throws for an invalid token', async (t) => {
    const { open, fresh } = await world(t)
    for (const [token, reason] of [[7, 'not_a_string'], [{}, 'not_a_string'], ['', 'not_a_jwt'], [`bearer ${fresh}`, 'bearer_prefix']]) {
      assert.throws(() => open(token), { name: 'TransakTokenError', code: 'ERR_INVALID_TOKEN', reason })
    }
  })

  test('the constructor throws for invalid options, before it looks at the token', () => {
    const storage = memory()
    for (const [options, text] of [
      [undefined, /environment or baseUrl is required/], [null, /options must be an object/], ['staging', /options must be an object/], [{}, /environment or baseUrl is required/],
      [{ environment: 'sandbox' }, /environment/], [{ baseUrl: 'ftp://x' }, /baseUrl/], [{ environment: 'staging', retries: -1 }, /retries/],
      [{ environment: 'staging', storage }, /key/], [{ environment: 'staging', storage, key: '' }, /key/], [{ environment: 'staging', storage, key: 5 }, /key/],
      [{ environment: 'staging', key: '' }, /key/],
      [{ environment: 'staging', storage: {}, key: 'a' }, /storage/], [{ environment: 'staging', storage: 5, key: 'a' }, /storage/], [{ environment: 'staging', storage: null, key: 'a' }, /storage/],
      [{ environment: 'staging', lock: {} }, /lock/], [{ environment: 'staging', maxWaitMs: -1 }, /maxWaitMs/], [{ environment: 'staging', maxWaitMs: NaN }, /maxWaitMs/],
      [{ environment: 'staging', refreshWindowMs: 'x' }, /refreshWindowMs/], [{ environment: 'staging', headers: { authorization: 'x' } }, /authorization/],
      [{ get environment() { throw new Error('no') } }, /environment/],
    ]) {
      assert.throws(() => new TokenSession(null, options), (error) => error instanceof TransakTokenError && error.code === 'ERR_INVALID_OPTION' && text.test(error.message), inspect(options))
    }
  })

  test('a call rejects for a value that is no signal', async (t) => {
    const { open, fresh } = await world(t)
    for (const signal of [null, 5, {}, { aborted: false }]) {
      await assert.rejects(open(fresh).accessToken({ signal }), { code: 'ERR_INVALID_OPTION' })
      await assert.rejects(open(fresh).refresh({ signal }), { code: 'ERR_INVALID_OPTION' })
    }
  })

  test('a later change of the options object has no effect', async (t) => {
    const { expiring, baseUrl, gateway, adopt } = await world(t)
    const options = { baseUrl, headers: { 'x-api-key': 'k' } }
    const session = adopt(new TokenSession(expiring, options))
    options.baseUrl = 'https://elsewhere.invalid'
    await session.refresh()
    assert.equal(gateway.requests[0].headers['x-api-key'], 'k')
  })

  test('a later change of the headers or of the URL has no effect, and an iterator of headers is read once', async (t) => {
    const { aged, adopt, baseUrl, gateway } = await world(t), asked = []
    const fetch = (url, init) => {
      asked.push(`${url} ${new Headers(init.headers).get('x-api-key')}`)
      return globalThis.fetch(url, init)
    }
    const headers = { 'x-api-key': 'first' }, url = new URL(baseUrl)
    const changed = adopt(new TokenSession(await aged(1), { baseUrl: url, headers, fetch }))
    headers['x-api-key'] = 'second'
    url.pathname = '/elsewhere'
    const iterated = adopt(new TokenSession(await aged(2), { baseUrl, headers: new Map([['x-api-key', 'first']]).entries(), fetch }))
    await changed.refresh()
    await iterated.refresh()
    assert.deepEqual(asked, Array(2).fill(`${baseUrl}/api/v2/auth/refresh first`))
    assert.equal(gateway.refreshes(), 2)
  })

  test('a call refuses a name that is no option', async (t) => {
    const { open, fresh } = await world(t), session = open(fresh)
    for (const method of ['accessToken', 'refresh']) {
      await assert.rejects(session[method]({ singal: AbortSignal.abort() }), { code: 'ERR_INVALID_OPTION', message: /singal is no option of this package/ })
      await assert.rejects(session[method](fresh), { code: 'ERR_INVALID_OPTION', message: /options must be an object/ })
      await assert.doesNotReject(session[method]({ signal: undefined, timeoutMs: 1 }))
    }
  })

  test('fetch is looked up at the time of the call', async (t) => {
    const { open, expiring, gateway, baseUrl } = await world(t)
    const session = open(expiring), { fetch } = globalThis
    t.after(() => { globalThis.fetch = fetch })
    let called = 0
    globalThis.fetch = (url, init) => url.startsWith(baseUrl) ? (called++, fetch(url, init)) : fetch(url, init)
    await session.refresh()
    assert.deepEqual([called, gateway.refreshes()], [1, 1])
  })
})

describe('events', { concurrency: true }, () => {
  test('listeners have the features of an EventTarget: once, an object, a signal', async (t) => {
    const { open, fresh, aged } = await world(t)
    const session = open(fresh), heard = [], controller = new AbortController()
    const listener = (event) => heard.push(['every', event])
    session.addEventListener('replaced', listener)
    session.addEventListener('replaced', listener)
    session.addEventListener('replaced', (event) => heard.push(['once', event]), { once: true })
    session.addEventListener('replaced', { handleEvent: (event) => heard.push(['object', event]) }, { signal: controller.signal })
    session.addEventListener('replaced', null)
    await session.replace(await aged(1))
    assert.deepEqual(heard.map(([name]) => name), ['every', 'once', 'object'])
    for (const [, event] of heard) {
      assert.ok(event instanceof Event)
      assert.deepEqual([event.type, event.target, event.detail], ['replaced', session, null])
    }
    controller.abort()
    session.removeEventListener('replaced', listener)
    await session.replace(fresh)
    assert.equal(heard.length, 3)
  })

  test('refreshed has the times, refreshfailed the error', async (t) => {
    const { open, expiring, gateway } = await world(t)
    const session = open(expiring)
    gateway.fail({ kind: 'error', status: 503 })
    const [{ error }] = await Promise.all([next(session, 'refreshfailed'), session.accessToken()])
    assert.ok(error instanceof TransakTokenError)
    assert.deepEqual([error.code, error.attempts], ['ERR_SERVER', 1])
    const other = open(expiring)
    const [detail, { accessToken, ...times }] = await Promise.all([next(other, 'refreshed'), other.refresh()])
    assert.deepEqual(detail, times)
  })

  test('a listener may call the session', async (t) => {
    const { open, expiring, fresh } = await world(t)
    const session = open(expiring)
    session.addEventListener('refreshed', () => session.replace(fresh))
    session.addEventListener('replaced', () => session.status())
    await session.refresh()
    assert.equal(await session.accessToken(), fresh)
    assert.deepEqual(session.heard, ['refreshed', 'replaced'])
  })
})

test('a listener may end the session, and another listener is still called', async (t) => {
  const { open, expiring, gateway, expired } = await world(t)
  gateway.fail({ kind: 'error', status: 401, errorCode: 1002 })
  for (const [token, code] of [[expiring, 'ERR_UNAUTHORIZED'], [expired, 'ERR_TOKEN_EXPIRED']]) {
    const session = open(token, { storage: memory(), key: unique() })
    session.addEventListener('expired', () => Symbol.dispose ? session[Symbol.dispose]() : session.stop())
    session.addEventListener('expired', () => session.start())
    session.addEventListener('expired', () => session.stop())
    await assert.rejects(session.accessToken(), { code })
    await session.clear()
    assert.deepEqual(session.heard, ['expired', 'cleared'])
  }
})

describe('secrets', () => {
  test('neither a session nor an event nor an error shows a token', async (t) => {
    const { open, expiring, gateway } = await world(t)
    const storage = memory(), session = open(expiring, { storage, key: unique(), headers: { 'x-api-key': 'SECRET-KEY' } }), shown = []
    for (const type of EVENTS) session.addEventListener(type, (event) => shown.push(event, event.detail))
    gateway.fail({ kind: 'error', status: 503 })
    await session.accessToken()
    shown.push(await session.refresh().catch((error) => error))
    const { accessToken } = await open(expiring).refresh()
    await session.replace(accessToken)
    storage.fault = () => { throw new Error(accessToken) }
    await session.replace(accessToken)
    shown.push(await session.clear().catch((error) => error))
    shown.push(session, session.status(), Object.entries(session))
    const text = shown.map((each) => inspect(each, { depth: 9, showHidden: true, getters: true }) + JSON.stringify(each)).join('\n')
    for (const secret of [expiring, accessToken, ...accessToken.split('.').slice(1), 'SECRET-KEY', 'user@example.com']) assert.ok(!text.includes(secret))
  })
})

test("Vue's ref() and reactive() leave a session as it is: they make a proxy of an [object Object]", async (t) => {
  const { open, fresh } = await world(t)
  assert.equal(Object.prototype.toString.call(open(fresh)), '[object TokenSession]')
})

test('a session works without EventTarget, channel, WeakRef and performance, as in some versions of React Native', async () => {
  const script = `
    new Headers(); new Response(''); new AbortController()   // each loads its own parts first
    for (const name of ['EventTarget', 'Event', 'CustomEvent', 'BroadcastChannel', 'WeakRef', 'FinalizationRegistry', 'navigator', 'performance', 'DOMException']) delete globalThis[name]
    const { TokenSession } = require('transak-user-token'), heard = [], store = new Map()
    const { old, next } = JSON.parse(process.env.TOKENS)
    const session = new TokenSession(old, { environment: 'staging', storage: store, key: 'a', fetch: async () => new Response(JSON.stringify({ data: { accessToken: next } })) })
    const listener = { handleEvent: ({ type, detail, target }) => heard.push(type, typeof detail.expiresAt, target === session) }
    for (let again = 0; again < 2; again++) session.addEventListener('refreshed', listener)
    session.addEventListener('refreshed', () => heard.push('once'), { once: true })
    const leaving = new AbortController(), { signal } = leaving
    session.addEventListener('refreshed', () => heard.push('left'), { signal })
    leaving.abort()
    session.addEventListener('refreshed', () => heard.push('left before'), { signal })
    session.addEventListener('refreshfailed', listener)
    session.removeEventListener('refreshfailed', listener)
    session.start()
    session.accessToken().then(async (token) => {
      heard.push(token === next)
      await session.refresh().catch(({ code }) => heard.push(code))
      session.stop()
      console.log(heard.join())
    })`
  const gateway = (await import('transak-user-token/gateway')).createGateway(), now = Math.floor(Date.now() / 1000)
  const TOKENS = JSON.stringify({ old: await gateway.issue({ iat: now - 29 * 86_400, exp: now + 86_400 }), next: await gateway.issue() })
  const { stdout } = await promisify(execFile)(process.execPath, ['-C', 'react-native', '-e', script], { cwd: import.meta.dirname, env: { ...process.env, TOKENS } })
  assert.equal(stdout, 'refreshed,number,true,once,true,ERR_BAD_RESPONSE\n')
})

function resolvers() {
  let resolve
  const promise = new Promise((given) => { resolve = given })
  return { promise, resolve }
}
