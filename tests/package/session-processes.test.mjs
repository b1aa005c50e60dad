// Sessions in processes of their own, which share no channel and no lock. One process is stopped in the middle of a refresh, as a
// sleeping laptop is. Two others have one store over HTTP, and one of them logs out.
import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { describe, test } from 'node:test'
import { HOUR, SECOND, turn, world } from './session.world.mjs'

/** One server that is the store and the gateway and records its requests, and processes that use it. */
async function processes(t, options) {
  const { gateway, ...tokens } = await world(t, { listen: false, ...options })
  const happened = new EventEmitter(), calls = []
  const served = { gateway, ...tokens, happened, calls, stored: undefined, fault: null, hold: null }
  const server = createServer(async (request, response) => {
    const { method, url, headers } = request
    if (url !== '/store') {
      happened.emit('asked')
      await served.hold
      const answer = await gateway.fetch(new Request('https://gateway.test/api/v2/auth/refresh', { headers: { authorization: headers.authorization } }))
      const body = await answer.text()
      return response.writeHead(answer.status).end(body, () => happened.emit('answered'))
    }
    let body = ''
    for await (const text of request.setEncoding('utf8')) body += text
    calls.push([method, body])
    const isDown = served.fault === method
    if (!isDown && method === 'PUT') served.stored = body
    if (!isDown && method === 'DELETE') served.stored = undefined
    response.writeHead(isDown ? 503 : 200).end(method === 'GET' ? served.stored ?? '' : '')
    happened.emit(method)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  const base = `http://127.0.0.1:${server.address().port}`
  served.start = async (token, { hasStore = true, ...options } = {}) => {
    const child = fork(new URL('session.process.mjs', import.meta.url), { env: { ...process.env, BASE: base, STORE: hasStore ? `${base}/store` : '' } })
    const waiting = new Map(), heard = []
    child.on('message', ({ event, id, result, code }) => {
      if (event) {
        heard.push(event)
        return child.emit(`heard ${event}`)
      }
      const { resolve, reject } = waiting.get(id)
      code ? reject(Object.assign(new Error(code), { code })) : resolve(result)
    })
    t.after(async () => {
      child.kill('SIGKILL')
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    })
    const ask = (call, argument) => new Promise((resolve, reject) => {
      const id = waiting.size
      waiting.set(id, { resolve, reject })
      child.send({ id, call, argument })
    })
    await ask('begin', { token, ...options })
    return { child, heard, ask }
  }
  return served
}

/** Stops a process. Resolves when it has stopped, because a signal may take a moment. */
async function stop(child) {
  child.kill('SIGSTOP')
  const file = `/proc/${child.pid}/stat`
  while (existsSync(file) && !/\) T /.test(readFileSync(file, 'utf8'))) await turn()
}

/** Holds the answers of the server, and returns a function that releases them. */
function hold(served) {
  let release
  served.hold = new Promise((resolve) => { release = resolve })
  return release
}

const STOPPED_MS = 2_500

describe('a process that is stopped during a refresh for longer than timeoutMs', { concurrency: true, skip: process.platform === 'win32' }, () => {
  for (const [name, { call = 'access', hasStore, asleepMs = 0, isAnsweredLater = false }] of [
    ['holds the new token when it goes on', { hasStore: false }],
    ['has it in the store too', { hasStore: true }],
    ['and was asked to refresh()', { hasStore: true, call: 'refresh' }],
    ['and is answered after that', { hasStore: true, isAnsweredLater: true }],
    ['and whose token has expired meanwhile', { hasStore: true, asleepMs: 25 * HOUR }],
    ['and whose token has expired meanwhile, without a store', { hasStore: false, asleepMs: 25 * HOUR }],
  ]) {
    test(`${name}: one request, and no expired`, async (t) => {
      const served = await processes(t), { gateway, happened, expiring } = served, release = hold(served)
      const { child, heard, ask } = await served.start(expiring, { hasStore, timeoutMs: SECOND })
      const asked = once(happened, 'asked'), called = ask(call).catch(({ code }) => code)
      await asked
      if (asleepMs) await ask('sleep', asleepMs)
      await stop(child)
      const answered = once(happened, 'answered')
      if (!isAnsweredLater) {
        release()
        await answered
      }
      await new Promise((resolve) => setTimeout(resolve, STOPPED_MS))
      const refreshed = once(child, 'heard refreshed')
      child.kill('SIGCONT')
      if (isAnsweredLater) {
        await called
        release()
      }
      await refreshed
      const token = await ask('access')
      assert.notEqual(token, expiring)
      assert.ok(await gateway.verify(token))
      assert.equal(served.stored, hasStore ? token : undefined)
      await called
      assert.equal(await ask('state'), 'fresh')
      assert.ok(!heard.includes('expired') && !heard.includes('storageerror'), `${heard}`)
      assert.deepEqual([heard.filter((type) => type === 'refreshed').length, gateway.refreshes()], [1, 1])
    })
  }
})

describe('a logout in one process', { concurrency: true }, () => {
  const cleared = { code: 'ERR_INVALID_TOKEN' }
  /** Calls a session again and again. No call gets a token, and nothing is sent or written. */
  async function stays(served, other) {
    const asked = served.gateway.refreshes(), { length } = served.calls
    for (let times = 0; times < 20; times++) {
      await other.ask('pass', times * SECOND)
      await assert.rejects(other.ask(times % 2 ? 'access' : 'refresh'), cleared)
    }
    assert.deepEqual(served.calls.slice(length).filter(([method]) => method !== 'GET'), [])
    assert.deepEqual([served.gateway.refreshes(), served.stored, await other.ask('state')], [asked, undefined, 'invalid'])
    assert.deepEqual(other.heard.filter((type) => !type.startsWith('refresh')), ['cleared'])
  }
  /** Two processes that have the same token, which is in the store. */
  async function both(t, options) {
    const served = await processes(t), { fresh: token } = served
    const [one, other] = await Promise.all([served.start(token), served.start(token, options)])
    assert.deepEqual(await Promise.all([one.ask('access'), other.ask('access')]), [token, token])
    return { served, one, other, token }
  }

  test('is seen by the call of another one whose last look is 30 s old', async (t) => {
    const { served, one, other, token } = await both(t)
    await one.ask('clear')
    assert.equal(served.stored, undefined)
    assert.equal(await other.ask('access'), token, 'before it looks')
    await other.ask('pass', 31 * SECOND)
    await assert.rejects(other.ask('access'), cleared)
    await stays(served, other)
  })

  test('is seen by the refresh of another one: its token is not sent', async (t) => {
    const { served, one, other } = await both(t)
    await one.ask('clear')
    await assert.rejects(other.ask('refresh'), cleared)
    assert.equal(served.gateway.refreshes(), 0)
    await stays(served, other)
  })

  test('is seen by another one whose refresh is in flight: the answer is not written', async (t) => {
    const { served, one, other } = await both(t), release = hold(served)
    const asked = once(served.happened, 'asked'), refresh = other.ask('refresh')
    await asked
    await one.ask('clear')
    release()
    await assert.rejects(refresh, cleared)
    await stays(served, other)
  })

  test('is seen by another one that is stopped meanwhile and then gets its answer', { skip: process.platform === 'win32' }, async (t) => {
    const { served, one, other } = await both(t, { timeoutMs: SECOND })
    const release = hold(served), asked = once(served.happened, 'asked'), refresh = other.ask('refresh').catch(({ code }) => code)
    await asked
    await stop(other.child)
    await one.ask('clear')
    const answered = once(served.happened, 'answered')
    release()
    await answered
    await new Promise((resolve) => setTimeout(resolve, STOPPED_MS))
    const heard = once(other.child, 'heard cleared')
    other.child.kill('SIGCONT')
    await heard
    assert.match(await refresh, /^ERR_(INVALID_TOKEN|TIMEOUT)$/)
    await stays(served, other)
  })

  test('whose delete fails at first is seen once the store answers, if the process that cleared still runs', async (t) => {
    const { served, one, other, token } = await both(t)
    served.fault = 'DELETE'
    await assert.rejects(one.ask('clear'), { code: 'ERR_STORAGE' })
    assert.equal(served.stored, token)
    served.fault = null
    const deleted = once(served.happened, 'DELETE')
    await one.ask('pass', 6 * SECOND)
    await assert.rejects(one.ask('access'), cleared)
    await deleted
    await other.ask('pass', 31 * SECOND)
    await assert.rejects(other.ask('access'), cleared)
    await stays(served, other)
  })

  test('is followed by a login, which the other one adopts', async (t) => {
    const { served, one, other } = await both(t), login = await served.aged(-1 / 24)
    await one.ask('clear')
    await other.ask('pass', 31 * SECOND)
    await assert.rejects(other.ask('access'), cleared)
    await one.ask('replace', login)
    await other.ask('pass', 2 * SECOND)
    assert.equal(await other.ask('access'), login)
  })
})
