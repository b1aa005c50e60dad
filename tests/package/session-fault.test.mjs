// A trap in the wasm, which the test causes from outside: every session keeps its token and works, nothing hangs, and
// no lock stays held. The memory of a session is freed.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import { describe, test } from 'node:test'
import { promisify } from 'node:util'
import { createGateway } from 'transak-user-token/gateway'
import { isCore, sourceName } from './exports.mjs'
import { clock } from './session.clock.mjs'
import { DAY, HOUR, memory, turn, unique } from './session.world.mjs'

// The CommonJS file can be loaded more than once.
const require = createRequire(import.meta.url), twin = new URL('node_modules/transak-user-token/index.cjs', import.meta.url).pathname
const { Instance } = WebAssembly
let instances = 0, trapping = () => false

WebAssembly.Instance = function (module, imports) {
  const { exports } = new Instance(module, imports)
  if (isCore(exports)) instances++
  return { exports: Object.fromEntries(Object.entries(exports).map(([name, value]) => [name, typeof value !== 'function' ? value : (...given) => {
    if (trapping(sourceName(name))) throw new WebAssembly.RuntimeError('unreachable')
    return value(...given)
  }])) }
}

/** A package that was not used before, and a refresh that is answered when the test says so. */
async function fresh(t, { days = 29, ...options } = {}) {
  for (const path of Object.keys(require.cache)) if (path.includes('transak-user-token')) delete require.cache[path]
  const { TokenSession, tokenStatus } = require(twin)
  instances = 0
  trapping = () => false
  const gateway = createGateway({ revoke: true, now: () => Date.now() }), iat = Math.floor(Date.now() / 1000) - days * 86_400
  const token = await gateway.issue({ iat, exp: iat + 30 * 86_400 })
  let answer = null
  const fetch = (url, init) => new Promise((resolve) => {
    answer = async () => resolve(await gateway.fetch(new Request(url, { headers: init.headers })))
  })
  const open = (more) => new TokenSession(token, { baseUrl: 'https://backend.test', fetch, ...options, ...more })
  t.after(() => { trapping = () => false })
  const asked = async () => {
    await until(() => answer, 'nobody asks')
    const given = answer
    answer = null
    return given
  }
  return { open, token, gateway, tokenStatus, asked }
}
/** Waits for something. If it does not come, the error says what is missing. */
async function until(isSo, otherwise) {
  for (let turns = 0; !isSo(); turns++) {
    assert.ok(turns < 1_000_000, otherwise)
    await turn()
  }
}
/** Traps in an export. */
const trap = (name) => {
  trapping = (entered) => entered === name
}
const internal = { name: 'TransakTokenError', code: 'ERR_INTERNAL', action: 'fix' }

describe('a trap', () => {
  test('in one session leaves every session with its token and working', async (t) => {
    const { open, token } = await fresh(t, { days: 1 })
    const sessions = Array.from({ length: 5 }, () => open())
    trap('sessionStatus')
    assert.throws(() => sessions[0].status(), internal)
    trapping = () => false
    for (const session of sessions) {
      assert.equal(await session.accessToken(), token)
      assert.equal(session.status().state, 'fresh')
    }
    assert.equal(instances, 2)
  })

  for (const [what, name, call] of [
    ['accessToken()', 'sessionAccess', (session) => session.accessToken()], ['refresh()', 'sessionRefresh', (session) => session.refresh()],
    ['status()', 'sessionStatus', async (session) => session.status()], ['replace()', 'sessionReplace', (session, token) => session.replace(token)],
    ['clear()', 'sessionClear', (session) => session.clear()],
  ]) {
    test(`in ${what} is one error, and the next call works`, async (t) => {
      const { open, token } = await fresh(t, { days: 1 })
      const session = open()
      trap(name)
      await assert.rejects(call(session, token), internal)
      trapping = () => false
      assert.equal(await session.accessToken(), token)
    })
  }

  test('while calls wait rejects each of them: a request was sent, and the next call sends another', async (t) => {
    const { open, gateway, token, asked } = await fresh(t)
    const session = open(), waits = [session.accessToken(), session.refresh(), session.accessToken({ signal: new AbortController().signal })]
    const settled = Promise.allSettled(waits)
    await asked()
    trap('sessionStatus')
    assert.throws(() => session.status(), internal)
    for (const { reason } of await settled) assert.deepEqual([reason.code, reason.outcomeUnknown], ['ERR_INTERNAL', true])
    trapping = () => false
    const again = session.accessToken(), second = await asked()
    await second()
    assert.notEqual(await again, token)
    assert.equal(gateway.refreshes(token), 1)
    assert.equal(session.status().state, 'fresh')
  })

  test('in the first look at a store is one error, and the next call works', async (t) => {
    const { open, token } = await fresh(t, { days: 1 })
    const session = open({ storage: memory(), key: unique() }), wait = session.accessToken()
    trap('sessionFound')
    await assert.rejects(wait, internal)
    trapping = () => false
    assert.equal(await session.accessToken(), token)
  })

  for (const [what, isTrap] of [
    ['while it is read', (entered) => entered.includes('invoke')], ['when the session takes it', (entered) => entered === 'sessionCompleted'],
  ]) {
    test(`in an answer ${what} rejects the waiting calls, and throws no error that nobody can catch`, async (t) => {
      const { open, token, asked } = await fresh(t)
      const session = open({ storage: memory(), key: unique() }), wait = session.accessToken()
      wait.catch(() => {})
      const answer = await asked()
      trapping = isTrap
      await answer()
      await assert.rejects(wait, internal)
      trapping = () => false
      // The lock is free again. The answer was lost, and the old token with it.
      const again = session.refresh(), second = await asked()
      await second()
      await assert.rejects(again, { code: 'ERR_UNAUTHORIZED' })
      assert.ok(await session.replace(token) === undefined)
    })
  }

  test('before a request is sent rejects the waiting calls, and the lock is free', async (t) => {
    const { open, token, asked } = await fresh(t)
    const session = open({ storage: memory(), key: unique() }), wait = session.accessToken()
    trap('sessionBeforeSend')
    await assert.rejects(wait, internal)
    trapping = () => false
    const again = session.accessToken(), answer = await asked()
    await answer()
    assert.notEqual(await again, token)
  })

  test('when the answer comes, and another one when the ticket is given back, leaves no call waiting', async (t) => {
    const { open, asked } = await fresh(t)
    const session = open(), wait = session.refresh(), answer = await asked()
    wait.catch(() => {})
    const due = new Set(['sessionCompleted', 'sessionAbandon'])
    trapping = (entered) => due.delete(entered)
    await answer()
    await assert.rejects(wait, internal)
    await until(() => !due.size, 'it is not given back')
    const again = session.refresh(), second = await asked()
    await second()
    await assert.rejects(again, { code: 'ERR_UNAUTHORIZED' }, 'the first answer was lost, and the old token with it')
  })

  test('in the background delays the renewal by a minute only', async (t) => {
    let underWay = 0
    const time = clock(t, { busy: () => underWay > 0 })
    const { open, gateway } = await fresh(t, { days: 0 })
    const heard = [], session = open({ fetch: async (url, init) => {
      underWay++
      return gateway.fetch(new Request(url, { headers: init.headers })).finally(() => { underWay-- })
    } })
    session.addEventListener('refreshed', () => heard.push('refreshed'))
    session.start()
    await time.advance(DAY)
    trap('sessionWake')
    await time.advance(2 * HOUR)
    trapping = () => false
    await time.advance(26 * DAY + 4 * HOUR)
    assert.equal(session.status().state, 'fresh')
    assert.deepEqual(heard, ['refreshed'])
    session.stop()
  })

  test('a cleared session stays cleared', async (t) => {
    const { open, token, tokenStatus } = await fresh(t)
    const session = open()
    await session.clear()
    trap('sessionStatus')
    assert.throws(() => session.status(), internal)
    trapping = () => false
    await assert.rejects(session.accessToken(), { code: 'ERR_INVALID_TOKEN' })
    assert.equal(session.status().state, 'invalid')
  })
})

const script = (end) => `
  import { setTimeout as pause } from 'node:timers/promises'
  const { Instance } = WebAssembly
  let memory
  WebAssembly.Instance = function (...given) {
    const instance = new Instance(...given)
    memory = Object.values(instance.exports).find((value) => value instanceof WebAssembly.Memory)
    return instance
  }
  const { TokenSession } = await import('transak-user-token')
  const token = await (await import('transak-user-token/gateway')).createGateway().issue()
  const options = { environment: 'staging' }, shared = { ...options, storage: new Map(), key: 'a' }
  async function round(count) {
    for (let left = count; left > 0; left--) {
      const session = new TokenSession(token, left % 100 ? options : shared)
      if (left % 100 === 0) await session.accessToken()
      if (left % 10 === 0) session.start()
      ${end}
      if (left % 500 === 0) await settle()
    }
  }
  async function settle() {
    await pause(0)
    gc()
    await pause(0)
  }
  const size = async () => {
    // The smallest of several values counts, because the engine's own memory, such as code that it is about to replace, varies.
    let heap = Infinity
    for (let times = 20; times > 0; times--) {
      await settle()
      heap = Math.min(heap, process.memoryUsage().heapUsed)
    }
    return [heap, memory.buffer.byteLength]
  }
  await round(30_000)
  const before = await size()
  await round(100_000)
  const after = await size()
  console.log(JSON.stringify([before, after]))
`
for (const [how, end] of [['disposed', 'Symbol.dispose ? session[Symbol.dispose]() : session.stop()'], ['dropped', 'session.stop()']]) {
  test(`100,000 sessions made and ${how}: heap and wasm memory return to where they were`, { timeout: 240_000 }, async () => {
    const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', '--input-type=module', '-e', script(end)], { cwd: import.meta.dirname })
    const [[heap, wasm], [heapAfter, wasmAfter]] = JSON.parse(stdout)
    assert.ok(heapAfter <= heap * 1.05, `heap: ${heap}, then ${heapAfter}`)
    assert.ok(wasmAfter <= wasm * 1.05, `wasm: ${wasm}, then ${wasmAfter}`)
  })
}
