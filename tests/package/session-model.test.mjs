// Sessions of one user agent with one store, in simulated time. Calls, logins, logouts, clocks, sleep and outages happen in any order,
// and the promises to a user must hold. STEPS=20000 makes more steps, SEED=7 other ones.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { TokenSession } from 'transak-user-token'
import { createGateway } from 'transak-user-token/gateway'
import { clock } from './session.clock.mjs'
import { DAY, HOUR, MINUTE, SECOND, memory, unique } from './session.world.mjs'

const STEPS = Number(process.env.STEPS ?? 600), SEED = Number(process.env.SEED ?? 20_250_619)
/** For this long no second request is sent for a token whose first request is not answered. */
const UNANSWERED = 2 * MINUTE
const SESSIONS = 3

const claimsOf = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString())

class World {
  constructor(t) {
    let underWay = 0
    this.time = clock(t, { busy: () => underWay > 0 })
    this.wrongBy = 0
    this.wasSet = false
    this.gateway = createGateway({ revoke: true, now: () => this.now() })
    this.store = memory()
    this.late = 0
    this.logins = 0
    this.unanswered = new Map()
    this.pending = new Set()
    this.faults = []
    const fetch = (url, init) => this.send(url, init, (by) => { underWay += by })
    this.options = { baseUrl: 'https://gateway.test', fetch, storage: this.store, key: unique() }
    /** For each session: the oldest login of which a call may still get a token. */
    this.sessions = Array.from({ length: SESSIONS }, () => ({ oldest: 0 }))
  }

  /** The true time. */
  now() { return Date.now() - this.wrongBy }

  async begin() {
    const token = await this.issue('user-1')
    for (const own of this.sessions) own.session = new TokenSession(token, this.options)
    await this.time.settle()
  }

  issue(sub) { return this.gateway.issue({ sub, login: ++this.logins }) }

  /** Carries a request as the network does: at once, late, or with its answer lost. */
  async send(url, init, counts) {
    const token = init.headers.authorization ?? new Headers(init.headers).get('authorization'), sent = this.now()
    const before = this.unanswered.get(token), left = claimsOf(token).exp * SECOND - sent
    const isEarly = before !== undefined && sent - before < UNANSWERED && left > UNANSWERED + 10 * SECOND
    if (isEarly && !this.wasSet) this.faults.push(`two requests for one token within ${sent - before} ms`)
    if (left <= 0 && !this.wasSet) this.faults.push('an expired token is sent')
    this.unanswered.set(token, sent)
    const { late } = this
    const response = await this.briefly(counts, () => this.gateway.fetch(new Request(url, { headers: init.headers })).catch((error) => error))
    if (late > 0) await new Promise((resolve) => setTimeout(resolve, late))
    if (this.unanswered.get(token) === sent) this.unanswered.delete(token)
    if (response instanceof Error) throw response
    return response
  }

  async briefly(counts, work) {
    counts(1)
    try {
      return await work()
    } finally {
      counts(-1)
    }
  }

  /** Calls a session, and compares the result with what is known at that moment. */
  call(own, method) {
    const asked = own.oldest
    const call = own.session[method]().then((given) => {
      const token = typeof given === 'string' ? given : given.accessToken, { login, exp } = claimsOf(token)
      if (!this.wasSet && exp * SECOND <= this.now()) this.faults.push(`${method} hands out an expired token`)
      if (login < asked) this.faults.push(`${method} hands out a token of login ${login}, from before login or logout ${asked}`)
    }, (error) => {
      if (!/^ERR_/.test(error.code)) this.faults.push(`${method} rejects with ${error}`)
      if (/eyJ|user-\d/.test(`${error.stack}${JSON.stringify(error)}`)) this.faults.push(`a secret is in ${error.code}`)
    })
    this.wait(call)
  }

  wait(promise) {
    const waiting = promise.catch(() => {}).finally(() => this.pending.delete(waiting))
    this.pending.add(waiting)
  }

  async login(own, sub) {
    const token = await this.issue(sub), { iat } = claimsOf(token)
    // If two logins are in one second, neither of them is the later one.
    if (this.latest?.iat !== iat) this.latest = { iat, login: this.logins }
    own.oldest = Math.max(own.oldest, this.latest.login)
    this.wait(own.session.replace(token))
  }

  logout(own) {
    // Each token that a call got is of a login that has happened.
    own.oldest = this.logins + 1
    this.wait(own.session.clear())
  }

  /** Ends all faults. Then each pending call settles, and within a minute every session has the token of a new login. */
  async end() {
    this.gateway.heal()
    this.late = 0
    this.store.fault = null
    await this.time.advance(11 * MINUTE)
    if (this.pending.size > 0) this.faults.push(`${this.pending.size} promises are still pending`)
    await this.login(this.sessions[0], 'user-1')
    await this.time.advance(MINUTE)
    if (this.wasSet) return
    for (const { session } of this.sessions) {
      const call = session.accessToken().then((token) => claimsOf(token).login, ({ code }) => code)
      await this.time.advance(10 * SECOND)
      const login = await call
      if (login !== this.logins) this.faults.push(`a session has ${login} and not the last login ${this.logins}`)
    }
  }
}

const outage = () => { throw new Error('the store is down') }
const ANSWERS = [
  { kind: 'error', status: 503 }, { kind: 'rate-limit', retryAfter: 90 }, { kind: 'error', status: 401, errorCode: 1002 },
  { kind: 'drop', when: 'before' }, { kind: 'drop', when: 'after' }, { kind: 'token', which: 'expired' }, { kind: 'token', which: 'foreign' },
  { kind: 'token', which: 'same' }, { kind: 'truncated' }, { kind: 'html' },
]

const span = fc.oneof(...[SECOND, MINUTE, HOUR, DAY, 6 * DAY].map((max) => fc.integer({ min: 1, max })))
const whose = fc.nat(SESSIONS - 1)
const step = (weight, name, ...given) => ({ weight, arbitrary: fc.tuple(fc.constant(name), ...given) })
const steps = fc.array(fc.oneof(
  step(5, 'pass', span), step(1, 'sleep', span), step(1, 'set', span, fc.boolean()),
  step(8, 'accessToken', whose), step(3, 'refresh', whose), step(1, 'login', whose, fc.constantFrom('user-1', 'user-2')), step(1, 'logout', whose),
  step(2, 'start', whose), step(1, 'stop', whose),
  step(2, 'answer', fc.constantFrom(...ANSWERS)), step(1, 'late', fc.constantFrom(0, 0, 4 * SECOND, 15 * SECOND, 5 * MINUTE)), step(1, 'heal'),
  step(1, 'store', fc.constantFrom('down', 'silent', 'well', 'well')),
), { minLength: 1, maxLength: 60, size: 'max' })

const MEANS = {
  pass: (world, ms) => world.time.advance(ms),
  sleep: (world, ms) => world.time.sleep(ms),
  set(world, ms, isBack) {
    const by = isBack ? -ms : ms
    world.time.set(by)
    world.wrongBy += by
    world.wasSet = true
  },
  accessToken: (world, at) => world.call(world.sessions[at], 'accessToken'),
  refresh: (world, at) => world.call(world.sessions[at], 'refresh'),
  login: (world, at, sub) => world.login(world.sessions[at], sub),
  logout: (world, at) => world.logout(world.sessions[at]),
  start: (world, at) => world.sessions[at].session.start(),
  stop: (world, at) => world.sessions[at].session.stop(),
  answer: (world, fault) => world.gateway.fail(fault),
  late(world, ms) { world.late = ms },
  heal: (world) => world.gateway.heal(),
  store(world, how) { world.store.fault = { down: outage, silent: () => new Promise(() => {}), well: null }[how] },
}

async function holds(given) {
  const ended = [], world = new World({ after: (work) => ended.push(work) })
  try {
    await world.begin()
    for (const [name, ...args] of given) {
      await MEANS[name](world, ...args)
      await world.time.settle()
      assert.deepEqual(world.faults, [], `at ${name}`)
    }
    await world.end()
    assert.deepEqual(world.faults, [])
  } finally {
    for (const { session } of world.sessions) session?.dispose()
    for (const work of ended) work()
  }
}

test('whatever happens to sessions, their store and their server, the promises to a user hold', async (t) => {
  let taken = 0
  const property = fc.asyncProperty(steps, async (given) => {
    taken += given.length
    await holds(given)
  })
  // A run has some thirty steps.
  await fc.assert(property, { seed: SEED, numRuns: Math.ceil(STEPS / 25), endOnFailure: !process.env.SHRINK, includeErrorInReport: true })
  t.diagnostic(`${taken} steps`)
})
