// A process of session-processes.test.mjs: one session, which does what the parent asks, and tells what its listeners hear.
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
  begin({ token, ...options }) {
    session = new TokenSession(token, { baseUrl: BASE, key: 'user', ...STORE && { storage }, ...options })
    for (const type of EVENTS) session.addEventListener(type, () => process.send({ event: type }))
  },
  access: () => session.accessToken(),
  refresh: async () => (await session.refresh()).accessToken,
  replace: (token) => session.replace(token),
  clear: () => session.clear(),
  state: () => session.status().state,
  /** Time goes by here alone. */
  pass(ms) {
    passedMs += ms
  },
  /** So much goes by the next time that this process stands still, by the wall clock alone: a laptop's other one stands still too. */
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
