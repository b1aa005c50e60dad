// What a session costs: calls into the wasm, and memory while it is idle.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import test from 'node:test'
import { promisify } from 'node:util'
import { isCore, sourceName } from './exports.mjs'
import { memory, unique, world } from './session.world.mjs'

/** The exports of the core that were called, in order. */
const called = [], { Instance } = WebAssembly
WebAssembly.Instance = function (module, imports) {
  const { exports } = new Instance(module, imports)
  if (!isCore(exports)) return { exports }
  return { exports: Object.fromEntries(Object.entries(exports).map(([name, value]) => [name, typeof value !== 'function' ? value : (...given) => {
    called.push(sourceName(name))
    return value(...given)
  }])) }
}
const ofSession = (name) => name.startsWith('session')

test('a fresh accessToken() is one call into the wasm, with a store or without', async (t) => {
  const { open, fresh } = await world(t)
  for (const more of [{}, { storage: memory(), key: unique() }]) {
    const session = open(fresh, more)
    await session.accessToken()
    called.length = 0
    await session.accessToken()
    assert.deepEqual(called, ['sessionAccess'])
  }
})

test('a refresh is at most 4 calls of the session\'s rules, and with a store at most 14', async (t) => {
  const { open, fresh, expiring } = await world(t)
  for (const [token, call, more, most] of [[fresh, 'refresh', {}, 4], [expiring, 'accessToken', { storage: memory(), key: unique() }, 14]]) {
    const session = open(token, more)
    called.length = 0
    await session[call]()
    const calls = called.filter(ofSession)
    t.diagnostic(`${call}: ${calls.length} of the session's rules (${calls.join(' ')}), ${called.length} in all`)
    assert.ok(calls.length <= most, calls.join())
  }
})

test('an idle session takes at most 2,200 bytes', async (t) => {
  const script = `import { TokenSession } from 'transak-user-token'; import { createGateway } from 'transak-user-token/gateway'
    const token = await createGateway().issue(), count = 20_000, kept = [], options = { environment: 'staging' }
    const used = () => { for (let i = 0; i < 4; i++) gc(); const { heapUsed, external, arrayBuffers } = process.memoryUsage(); return heapUsed + external }
    for (let i = 0; i < 100; i++) new TokenSession(token, options)
    const before = used()
    for (let i = 0; i < count; i++) kept.push(new TokenSession(token, options))
    console.log(Math.round((used() - before) / kept.length))`
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', '--input-type=module', '-e', script], { cwd: import.meta.dirname })
  t.diagnostic(`${stdout.trim()} bytes`)
  assert.ok(Number(stdout) > 0 && Number(stdout) <= 2_200, stdout)
})
