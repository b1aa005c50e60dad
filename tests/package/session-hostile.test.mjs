// A store, a lock, a fetch and a signal that misbehave: they throw at once, settle twice or never, lie, have getters that throw, or
// call the session back. In simulated time every promise settles, and no token is handed out that is not valid.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { tokenStatus } from 'transak-user-token'
import { MINUTE, SECOND, memory, simulated, unique } from './session.world.mjs'

const thenable = (then) => ({ then })
const fault = () => new Error('hostile')
const traps = new Proxy({}, { get() { throw fault() } })
const throwing = new Proxy(() => {}, new Proxy({}, traps))
const revoked = () => {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

/** What a method returns instead of its result. */
const ANSWERS = {
  'throws at once': () => { throw fault() },
  'throws nothing at once': () => { throw undefined },
  'rejects with nothing': () => Promise.reject(),
  'rejects with a value that throws': () => Promise.reject(throwing),
  'is a thenable that never settles': () => thenable(() => {}),
  'is a thenable that settles twice': (result) => thenable((resolve, reject) => {
    resolve(result)
    resolve('other')
    reject(fault())
  }),
  'is fulfilled, and throws': (result) => thenable((resolve) => {
    resolve(result)
    throw fault()
  }),
  'is fulfilled with a promise that never settles': () => Promise.resolve(thenable(() => {})),
  'has a then that throws': () => Object.defineProperty({}, 'then', { get() { throw fault() } }),
  'has a then only once': (result) => {
    let reads = 0
    return { get then() { return reads++ ? undefined : (resolve) => resolve(result) } }
  },
  'is a revoked Proxy': revoked,
  'is a Proxy that throws': () => throwing,
  'is a symbol': () => Symbol('hostile'),
  'is a BigInt': () => 1n,
  'is a function': () => () => {},
  'is a String object': (result) => new String(result),
  'is an array of the token': (result) => [result],
  'is an object with a toString that throws': () => ({ toString() { throw fault() }, [Symbol.toPrimitive]() { throw fault() } }),
  'is a lone surrogate': () => '\ud800.\ud800.\ud800',
  'is very long': () => 'e'.repeat(5_000_000),
  'is true': () => true,
  'is NaN': () => NaN,
}

/** Calls the methods of a session, one after the other and at once. Returns what does not settle, or settles with a wrong result. */
async function lives({ time, documented, gateway }, session) {
  const faults = [], pending = new Map(), secrets = []
  const watch = (name, promise) => {
    pending.set(promise, name)
    promise.then((given) => {
      const token = typeof given === 'string' ? given : given?.accessToken
      if (token !== undefined && ['invalid', 'expired'].includes(tokenStatus(token).state)) faults.push(`${name} hands out a token that is not valid`)
    }, (error) => {
      if (!/^ERR_/.test(error?.code)) faults.push(`${name} rejects with ${error}`)
      else if (error.code === 'ERR_INTERNAL') faults.push(`${name} is our own fault: ${error.stack}`)
      const said = `${error?.stack}${JSON.stringify(error)}`
      if (/hostile/.test(said) || secrets.some((secret) => said.includes(secret.slice(20, 40)))) faults.push(`${name} says ${said}`)
    }).then(() => pending.delete(promise))
  }
  session.start()
  session.subscribe(() => session.snapshot())
  for (const name of ['accessToken', 'refresh', 'accessToken', 'replace', 'accessToken', 'clear', 'accessToken', 'replace', 'refresh', 'clear', 'clear', 'replace', 'accessToken']) {
    const token = await documented()
    secrets.push(token)
    watch(name, name === 'replace' ? session.replace(token) : session[name]())
    // Some methods are called before the previous call has settled.
    if (name !== 'accessToken') await time.advance(SECOND)
  }
  for (const span of [31 * SECOND, 10 * MINUTE, 10 * MINUTE]) {
    await time.advance(span)
    watch('accessToken', session.accessToken())
    watch('refresh', session.refresh())
  }
  await time.advance(10 * MINUTE)
  faults.push(...[...pending.values()].map((name) => `${name} is still pending`))
  if (gateway.refreshes() > 40) faults.push(`${gateway.refreshes()} requests`)
  return faults
}

async function holds(t, make) {
  const unhandled = []
  const note = (reason) => unhandled.push(`unhandled: ${reason?.stack}`)
  process.on('unhandledRejection', note).on('uncaughtException', note)
  t.after(() => process.off('unhandledRejection', note).off('uncaughtException', note))
  const world = await simulated(t)
  const session = world.open(world.expiring, { key: unique(), ...make() })
  assert.deepEqual([...await lives(world, session), ...unhandled], [])
  return session
}

describe('a store', () => {
  for (const method of ['get', 'set', 'delete']) {
    for (const [how, answer] of Object.entries(ANSWERS)) {
      test(`whose ${method} ${how}: every call settles`, (t) => holds(t, () => {
        const storage = memory(), own = storage[method]
        return { storage: { ...storage, [method]: (...given) => answer(own(...given)) } }
      }))
    }

    test(`whose ${method} is a getter that throws later, or every second time: every call settles`, async (t) => {
      // The constructor reads the method first, and refuses a store without it.
      for (const fails of [(reads) => reads > 1, (reads) => reads % 2 === 0]) {
        await t.test(`${fails}`, (t) => holds(t, () => {
          const storage = memory(), own = storage[method]
          let reads = 0
          return { storage: Object.defineProperty({ ...storage }, method, { get() { if (fails(++reads)) throw fault(); return own } }) }
        }))
      }
    })
  }

  for (const name of ['on', 'throwOnErrors', 'getItem', 'then', 'length', 'opts']) {
    test(`whose ${name} throws: every call settles, and the token is stored`, async (t) => {
      const storage = memory()
      await holds(t, () => ({ storage: Object.defineProperty({ ...storage, map: storage.map }, name, { get() { throw fault() } }) }))
      assert.equal(storage.map.size, 1)
    })
  }

  test('that emits errors at once, always, or calls all its listeners: every call settles', async (t) => {
    for (const on of [(_, listener) => listener(fault()), () => { throw fault() }, (_, listener) => void setInterval(listener, 1).unref()]) {
      await t.test(`${on}`, (t) => holds(t, () => ({ storage: { ...memory(), on } })))
    }
  })

  test('that is a Proxy whose every trap throws is refused', async (t) => {
    const { open, fresh } = await simulated(t)
    assert.throws(() => open(fresh, { key: unique(), storage: throwing }), { code: 'ERR_INVALID_OPTION' })
  })

  for (const called of ['accessToken', 'refresh', 'clear', 'replace', 'dispose', 'stop', 'start', 'snapshot']) {
    for (const method of ['get', 'set', 'delete']) {
      test(`whose ${method} calls ${called}() of its session: every call settles`, async (t) => {
        const storage = memory()
        let session, depth = 0, token
        const made = { ...storage, [method](...given) {
          if (session && depth++ < 20) session[called](token)?.catch?.(() => {})
          return storage[method](...given)
        } }
        const world = await simulated(t)
        token = await world.documented()
        session = world.open(world.expiring, { key: unique(), storage: made })
        assert.deepEqual(await lives(world, session), [])
      })
    }
  }
})

describe('a lock', () => {
  const LOCKS = {
    'calls twice': async (name, options, fn) => { await Promise.all([fn(), fn()]) },
    'calls, and throws': (name, options, fn) => { fn(); throw fault() },
    'calls, and never settles': (name, options, fn) => { fn(); return thenable(() => {}) },
    'never calls and never settles': () => thenable(() => {}),
    'calls long after it has rejected': (name, options, fn) => { setTimeout(fn, MINUTE); return Promise.reject(fault()) },
    'rejects with a value that throws': () => Promise.reject(throwing),
    'has a then that throws': () => Object.defineProperty({}, 'then', { get() { throw fault() } }),
    'calls when its signal aborts': (name, { signal }, fn) => new Promise(() => { signal.addEventListener('abort', () => fn()) }),
    'throws nothing': () => { throw null },
  }
  for (const [how, lock] of Object.entries(LOCKS)) {
    test(`that ${how}: every call settles`, (t) => holds(t, () => ({ storage: memory(), lock })))
  }
})

describe('a fetch', () => {
  const stuck = () => new ReadableStream({ pull: () => new Promise(() => {}) })
  const FETCHES = {
    'throws at once': () => { throw fault() },
    'rejects with a value that throws': () => Promise.reject(throwing),
    'never settles': () => thenable(() => {}),
    'settles twice': () => thenable((resolve, reject) => {
      resolve(new Response('{}'))
      reject(fault())
    }),
    'has a then that throws': () => Object.defineProperty({}, 'then', { get() { throw fault() } }),
    'is a revoked Proxy': revoked,
    'is a Proxy that throws': async () => throwing,
    'has a body that never ends': async () => new Response(stuck()),
    'has headers that throw': async () => ({ status: 200, ok: true, get headers() { throw fault() }, get body() { throw fault() }, text: fault, json: fault }),
    'has a status that changes': async () => {
      let reads = 0
      return new Proxy(new Response('{}'), { get: (response, name) => name === 'status' ? 200 + 301 * (reads++ % 2) : response[name] })
    },
    'answers a second before the next request': () => new Promise((resolve) => setTimeout(resolve, 2 * MINUTE - SECOND, new Response('{'))),
  }
  for (const [how, fetch] of Object.entries(FETCHES)) {
    test(`that ${how}: every call settles`, (t) => holds(t, () => ({ storage: memory(), fetch })))
  }
})

describe('a signal', () => {
  const listening = { addEventListener() {}, removeEventListener() {} }
  const SIGNALS = {
    'never tells': { ...listening, aborted: false },
    'throws when it is listened to': { aborted: false, addEventListener() { throw fault() }, removeEventListener() { throw fault() } },
    'is aborted every other time': { ...listening, reads: 0, get aborted() { return this.reads++ % 2 === 1 }, get reason() { throw fault() } },
    'tells at once, and often': { aborted: false, addEventListener(_, listener) { listener(); listener() }, removeEventListener() {} },
    'throws later on': { ...listening, reads: 0, get aborted() { if (this.reads++ > 1) throw fault(); return false } },
  }
  for (const [how, signal] of Object.entries(SIGNALS)) {
    test(`that ${how}: a call with it settles, and the next one has a token`, async (t) => {
      const { open, expiring, time } = await simulated(t)
      const session = open(expiring, { storage: memory(), key: unique() })
      const settled = []
      for (const name of ['accessToken', 'refresh']) session[name]({ signal }).catch(() => {}).then(() => settled.push(name))
      await time.advance(MINUTE)
      assert.deepEqual(settled.sort(), ['accessToken', 'refresh'])
      const next = session.accessToken()
      await time.advance(MINUTE)
      assert.equal(tokenStatus(await next).state, 'fresh')
    })
  }
})
