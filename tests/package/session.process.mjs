// A process of session-processes.test.mjs. It has one session, carries out the commands of its parent, and reports the events.
import { TokenSession } from 'transak-user-token'
import { EVENTS, SECOND } from './session.world.mjs'

const { BASE, STORE } = process.env
/** The store of all processes, over HTTP. */
const storage = {
  get: async () => (await asked('GET')) || undefined,
  set: (key, token) => asked('PUT', token),
  delete: () => asked('DELETE'),
}
let session, passedMs = 0, sleepsMs = 0, sleptMs = 0

async function asked(method, body) {
  const response = await fetch(STORE, { method, body })
  if (!response.ok) throw new Error(`the store answers ${response.status}`)
  return response.text()
}

const calls = {
  async begin({ token, ...options }) {
    // The first request of a process may take longer than a session waits for its store.
    if (STORE) await asked('GET')
    session = new TokenSession(token, { baseUrl: BASE, key: 'user', ...STORE && { storage }, ...options })
    for (const type of EVENTS) session.addEventListener(type, () => process.send({ event: type }))
  },
  access: () => session.accessToken(),
  refresh: async () => (await session.refresh()).accessToken,
  replace: (token) => session.replace(token),
  clear: () => session.clear(),
  state: () => session.status().state,
  /** Time passes in this process only. */
  pass(ms) {
    passedMs += ms
  },
  /** How much the wall clock moves during the next stop of this process. The monotonic clock stands still, as a laptop's may. */
  sleep(ms) {
    sleepsMs = ms
  },
}
const { now } = Date, monotonicNow = performance.now.bind(performance)
let seen = now()
Date.now = () => {
  const wall = now()
  if (wall - seen > SECOND) [sleptMs, sleepsMs] = [sleptMs + sleepsMs, 0]
  seen = wall
  return wall + passedMs + sleptMs
}
performance.now = () => monotonicNow() + passedMs
setInterval(Date.now, 100)

process.on('message', ({ id, call, argument }) => {
  Promise.resolve(argument).then(calls[call]).then(
    (result) => process.send({ id, result }),
    (error) => process.send({ id, code: error.code ?? String(error) }),
  )
})
process.on('disconnect', () => process.exit())
