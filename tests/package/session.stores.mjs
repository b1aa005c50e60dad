// A tab with one session for each kind of faulty store, all above localStorage.
import { TokenSession } from '/node_modules/transak-user-token/index.js'

const EVENTS = ['refreshed', 'refreshfailed', 'expired', 'replaced', 'cleared', 'storageerror']
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

/** The faulty stores: methods that replace the working ones. */
const faults = {
  'swallows writes': () => ({ set() {}, delete() {} }),
  'takes 3 s': (area) => ({
    get: async (key) => (await pause(3_000), area.get(key)),
    set: async (key, token) => (await pause(3_000), area.set(key, token)),
    delete: async (key) => (await pause(3_000), area.delete(key)),
  }),
  'lies': (area, { lies }) => {
    let reads = 0
    return { get: () => lies[reads++ % lies.length] }
  },
  'forgets': (area) => ({
    get(key) {
      const token = area.get(key)
      area.delete(key)
      return token
    },
  }),
  'is full': () => ({ set() { throw new DOMException('full', 'QuotaExceededError') } }),
  'returns an earlier token': (area, { earlier }) => ({ get: () => earlier }),
}

const sessions = new Map()

globalThis.tab = {
  /** Begins with a token for each kind. */
  begin(tokens, baseUrl) {
    for (const [kind, given] of Object.entries(tokens)) {
      const area = { get: (key) => localStorage.getItem(key), set: (key, token) => localStorage.setItem(key, token), delete: (key) => localStorage.removeItem(key) }
      const counts = { reads: 0, writes: 0 }, faulty = { ...area, ...faults[kind](area, given) }
      const counted = (method, count) => (...asked) => {
        counts[count]++
        return faulty[method](...asked)
      }
      const storage = { get: counted('get', 'reads'), set: counted('set', 'writes'), delete: counted('delete', 'writes') }
      const session = new TokenSession(given.token, { baseUrl, storage, key: kind, storageMayForget: kind === 'forgets' })
      const heard = []
      for (const type of EVENTS) session.addEventListener(type, () => heard.push(type))
      session.start()
      sessions.set(kind, { session, counts, heard })
    }
  },

  /** Uses each session again and again, as a busy page does. */
  async use(times) {
    const begun = Date.now()
    for (let time = 0; time < times; time++) {
      await Promise.all([...sessions.values()].map(({ session }) => session.accessToken().catch(() => {})))
      await pause(100)
    }
    return Date.now() - begun
  },

  refresh: () => Promise.allSettled([...sessions.values()].map(({ session }) => session.refresh())),
  replace: (tokens) => Promise.allSettled(Object.entries(tokens).map(([kind, { next }]) => sessions.get(kind).session.replace(next))),
  clear: () => Promise.allSettled([...sessions.values()].map(({ session }) => session.clear())),

  /** Returns how many calls each kind of store got, and which events its session emitted. */
  tell: () => Object.fromEntries([...sessions].map(([kind, { counts, heard, session }]) => [kind, { ...counts, heard, state: session.status().state }])),
}
