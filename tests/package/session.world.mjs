// What the tests of a session share: a gateway that listens, tokens of every age, a session that is disposed of, and the
// events that it emits. Time is real unless a test mocks it.
import { TokenSession } from 'transak-user-token'
import { createGateway } from 'transak-user-token/gateway'
import { clock } from './session.clock.mjs'

export const SECOND = 1_000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE, DAY = 24 * HOUR
export const EVENTS = ['refreshed', 'refreshfailed', 'expired', 'replaced', 'cleared', 'storageerror']
/** Returns a key that no other test has, because sessions of one key in a process get each other's messages. */
let keys = 0
export const unique = () => `key-${process.pid}-${++keys}`

export const turn = () => new Promise(setImmediate)

export async function world(t, { listen = true, ...options } = {}) {
  const gateway = createGateway({ revoke: true, ...options })
  const { url: baseUrl, close } = listen ? await gateway.listen() : { url: 'https://gateway.test', close() {} }
  const fetch = listen ? undefined : (url, init) => gateway.fetch(new Request(url, init))
  // In real time a busy machine may take long. The tests of the default are in simulated time.
  const patience = listen ? { maxWaitMs: 60_000 } : {}
  const sessions = []
  t.after(async () => {
    for (const session of sessions) session.stop()
    await close()
  })

  /** A token of the documented 30 days, of this age in days. */
  const aged = (days, claims = {}) => {
    const iat = Math.floor(gateway.now() / 1000) - days * DAY / 1000
    return gateway.issue({ iat, exp: iat + 30 * DAY / 1000, ...claims })
  }
  const adopt = (session) => {
    const heard = []
    for (const type of EVENTS) session.addEventListener(type, (event) => heard.push(event.type))
    sessions.push(session)
    return Object.assign(session, { heard })
  }
  return {
    gateway, baseUrl, aged, adopt,
    fresh: await aged(0), expiring: await aged(29), expired: await aged(31),
    open: (token, more = {}) => adopt(new TokenSession(token, { baseUrl, fetch, ...patience, ...more })),
    async reopen(more) {
      const session = await TokenSession.open({ baseUrl, fetch, ...patience, ...more })
      return session && adopt(session)
    },
  }
}

/** A world in simulated time. Its clock is wrong by `wrongBy`, and the gateway's is right. */
export async function simulated(t, { wrongBy = 0, ...options } = {}) {
  let underWay = 0
  const time = clock(t, { busy: () => underWay > 0 })
  const gateway = await world(t, { listen: false, now: () => Date.now() - wrongBy, ...options })
  const counted = async (url, init) => {
    underWay++
    try {
      return await gateway.gateway.fetch(new Request(url, { headers: init.headers }))
    } finally {
      underWay--
    }
  }
  /** A token of 30 days that is issued now. */
  const documented = () => gateway.aged(0)
  return { ...gateway, time, documented, open: (token, more) => gateway.open(token, { fetch: counted, ...more }) }
}

/** Resolves with the detail of the next event of a type. */
export function next(session, type) {
  return new Promise((resolve) => session.addEventListener(type, ({ detail }) => resolve(detail), { once: true }))
}

/** A store in memory that fails as the test says. */
export function memory(entries = []) {
  const map = new Map(entries), calls = []
  const store = {
    map, calls, fault: null,
    get: (key) => store.meet('get', () => map.get(key), key),
    set: (key, value, ttlMs) => store.meet('set', () => { map.set(key, value) }, key, ttlMs),
    delete: (key) => store.meet('delete', () => { map.delete(key) }, key),
    meet(method, work, ...given) {
      calls.push([method, ...given])
      if (store.fault && (store.only ?? method) === method) return store.fault(method)
      return work()
    },
  }
  return store
}

