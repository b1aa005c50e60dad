// A page or a worker that holds a session, for the tests of a logout.
import { TokenSession, webStorage } from '/node_modules/transak-user-token/index.js'

/** A store that pages and workers share. */
const database = {
  get: (key) => inDatabase('readonly', (tokens) => tokens.get(key)),
  set: (key, token) => inDatabase('readwrite', (tokens) => tokens.put(token, key)),
  delete: (key) => inDatabase('readwrite', (tokens) => tokens.delete(key)),
}

let opened
function inDatabase(mode, work) {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open('tokens')
    request.onupgradeneeded = () => request.result.createObjectStore('tokens')
    request.onsuccess = () => resolve(request.result)
    request.onerror = reject
  })
  return opened.then((database) => new Promise((resolve, reject) => {
    const request = work(database.transaction('tokens', mode).objectStore('tokens'))
    request.onsuccess = () => resolve(request.result)
    request.onerror = reject
  }))
}

const storage = globalThis.localStorage && !globalThis.location?.search ? webStorage(localStorage) : database
let session, isCleared, isUnderWay = []

/** The commands for a page and for a worker. */
export const holder = {
  /** Logs in, as another tab does. */
  async login(token, baseUrl) {
    session?.dispose()
    session = await TokenSession.login(token, { baseUrl, storage, key: 'user' })
  },

  logout: () => session.clear(),

  stored: async () => await storage.get('user') ?? null,

  /** Opens a session once the store shows this token, and goes on with it in one of these ways. */
  async hold(way, baseUrl, token) {
    // A browser shows a page the write of another page a moment later.
    while (await holder.stored() !== token) await new Promise((resolve) => setTimeout(resolve, 10))
    session?.dispose()
    globalThis.returned = undefined
    session = await TokenSession.open({ baseUrl, storage, key: 'user' })
    isCleared = new Promise((resolve) => session.addEventListener('cleared', resolve))
    if (way === 'started') session.start()
    if (way === 'refreshing') isUnderWay = Promise.allSettled([session.refresh()])
    else if (way !== 'opened') await session.accessToken()
  },

  /** Counts how often a call gets a token: the first call, and the calls after the session has noticed the logout. */
  async handedOut() {
    const calls = [session.accessToken(), isCleared.then(() => session.accessToken()), isCleared.then(() => session.refresh())]
    const outcomes = (await Promise.all([isUnderWay, Promise.allSettled(calls)])).flat()
    isUnderWay = []
    return outcomes.filter(({ status }) => status === 'fulfilled').length
  },
}
globalThis.holder = holder

if (globalThis.document) {
  // This is the first call when the page comes back.
  addEventListener('pageshow', ({ persisted }) => {
    globalThis.returned = { persisted, handedOut: session ? holder.handedOut() : 0 }
  })
} else {
  onmessage = async ({ data: [name, ...given], ports: [port] }) => port.postMessage(await holder[name](...given))
}
