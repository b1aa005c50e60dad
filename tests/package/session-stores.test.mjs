// Sessions and a store that does not do what it says, for minutes of simulated time in which each of them is called each second:
// how often they ask it, what they tell, and what they hand out.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { webStorage } from 'transak-user-token'
import { MINUTE, SECOND, simulated, unique } from './session.world.mjs'

/** How long the sessions are called before one of them logs out, and also after that. */
const PHASE_MS = 3 * MINUTE, PHASE_S = PHASE_MS / SECOND

/** A store that shows a change `lagMs` later, and keeps a token for `keptMs`. */
function log({ lagMs = 0, keptMs = Infinity }) {
  const written = []
  const write = (value) => void written.push({ at: Date.now(), value })
  return {
    get() {
      const last = written.findLast(({ at }) => at + lagMs <= Date.now())
      return last && Date.now() < last.at + keptMs ? last.value : undefined
    },
    set: (key, value) => write(value),
    delete: () => write(undefined),
  }
}
/** A store that returns these tokens in turn, whatever was set. */
function liar(tokens) {
  let at = 0
  return { get: () => tokens[at++ % tokens.length], set() {}, delete() {} }
}
const full = (store) => ({ ...store, set() { throw new DOMException('full', 'QuotaExceededError') } })
/** Makes `count` tokens. `days` gives the age of each, in days. */
const tokens = (count, days, sub = () => 'user@example.com') => ({ aged }) =>
  Promise.all(Array.from({ length: count }, (_, i) => aged(days(i), { sub: sub(i) })))

/** A store that fails is tried every 5 s: a read, a write, a read. The token of a refresh is compared, written and read at once. */
const OUTAGE = { reads: 2 * PHASE_S / 5 + 10, writes: PHASE_S / 5 + 4, outages: 1, isDown: true }
/** A store that answers is looked at every 30 s. */
const LOOKS = { reads: PHASE_S / 30 + 18, writes: 5, outages: 0 }
/** One of the sessions refreshes once a minute. */
const REFRESHES = PHASE_S / 60

const STORES = {
  'swallows what is set': { make: () => ({ get() {}, set() {}, delete() {} }), ...OUTAGE },
  'of a page swallows what is set': { isPage: true, make: () => ({ get: () => null, set() {}, delete() {} }), ...OUTAGE },
  'shows what is set 3 s later': { make: () => log({ lagMs: 3 * SECOND }), ...LOOKS, outages: REFRESHES + 1 },
  'of a page shows what is set 3 s later': { isPage: true, make: () => log({ lagMs: 3 * SECOND }), ...LOOKS, outages: REFRESHES + 1 },
  'is full': { make: () => full(log({})), ...OUTAGE },
  'forgets within 10 s, and says so': { make: () => log({ keptMs: 10 * SECOND }), options: { storageMayForget: true }, ...LOOKS, writes: PHASE_S / 30 + 5 },
  // The session takes that for a logout. Without a token it looks before it rejects, at most once a second.
  'forgets within 10 s, and does not say so': { make: () => log({ keptMs: 10 * SECOND }), ...LOOKS, reads: PHASE_S, isEmptied: true },
  'returns an earlier token': { given: tokens(1, () => 20), make: liar, ...OUTAGE },
  'returns one earlier token after another': { given: tokens(999, (i) => 10.5 + i / 100), make: liar, ...OUTAGE },
  'returns ever later tokens': { given: tokens(999, (i) => 9.9 - i / 120), make: liar, ...LOOKS },
  'returns one user\'s token after another\'s': { given: tokens(7, () => 9, (i) => `user-${i}@example.com`), make: liar, ...LOOKS },
}

const told = ({ heard }, type) => heard.filter((told) => told === type).length
const claims = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url'))

/** Counts the calls to a store. The store answers after `latencyMs`. */
function counted(store, isPage, latencyMs) {
  const calls = { get: 0, set: 0, delete: 0 }
  const asked = Object.fromEntries(Object.keys(calls).map((method) => [method, async (...given) => {
    calls[method]++
    if (latencyMs) await new Promise((resolve) => setTimeout(resolve, latencyMs))
    return store[method](...given)
  }]))
  const area = (method) => (...given) => (calls[method]++, store[method](...given))
  return { calls, storage: isPage ? webStorage({ getItem: area('get'), setItem: area('set'), removeItem: area('delete') }) : asked }
}

for (const [name, { given = () => [], make, isPage, options, reads, writes, outages, isDown, isEmptied }] of Object.entries(STORES)) {
  describe(`a store that ${name}`, () => {
    for (const [count, latencyMs] of isPage ? [[1], [3], [8]] : [[1], [3], [8], [3, 20]]) {
      const most = `${count * reads} reads and ${count * writes} writes in ${PHASE_S} s`
      test(`${count} sessions${latencyMs ? `, ${latencyMs} ms away` : ''}: at most ${most}, and no call gets a token after a logout`, async (t) => {
        const simulation = await simulated(t), { time, open, aged } = simulation
        const { calls, storage } = counted(make(await given(simulation)), isPage, latencyMs)
        const token = await aged(10), key = unique(), sessions = Array.from({ length: count }, () => open(token, { storage, key, ...options }))
        const handed = sessions.map(() => [])
        const run = async () => {
          for (let second = 0; second < PHASE_S; second++) {
            if (second % 60 === 30) sessions[0].refresh().catch(() => {})
            sessions.forEach((session, i) => session.accessToken().then((token) => handed[i].push(token), () => {}))
            await time.advance(SECOND)
          }
        }
        await run()
        assert.ok(calls.get <= count * reads && calls.set <= count * writes, JSON.stringify(calls))
        for (const session of sessions) assert.ok(told(session, 'storageerror') <= outages, session.heard.join())
        if (isDown) assert.deepEqual(sessions.map((session) => told(session, 'storageerror')), sessions.map(() => 1))
        for (const tokens of handed) {
          assert.ok(isEmptied ? tokens.length < PHASE_S / 4 : tokens.length === PHASE_S, `${tokens.length} in ${PHASE_S} calls`)
          tokens.map(claims).reduce((last, next) => {
            assert.ok(next.sub !== last.sub || next.iat >= last.iat, 'never back to an earlier token')
            return next
          })
        }

        const before = { ...calls }, errors = sessions.map((session) => told(session, 'storageerror'))
        for (const tokens of handed) tokens.length = 0
        sessions.at(-1).clear().catch(() => {})
        await time.settle()
        await run()
        assert.deepEqual(handed.flat(), [])
        // Each session looks before it rejects, at most once a second. If the store may forget, the session that logged out leaves a mark.
        assert.ok(calls.get - before.get <= count * PHASE_S, JSON.stringify(calls))
        assert.ok(calls.set - before.set <= (options ? 1 : 0) && calls.delete <= count, JSON.stringify(calls))
        assert.deepEqual(sessions.map((session) => told(session, 'storageerror')), errors)
      })
    }
  })
}
