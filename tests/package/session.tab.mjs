// A tab of several on one origin with one stored token. It waits until all are there, asks for a token as they all do, and
// shows the outcome in its title. `#{"base","tabs"}` has the gateway and the number of tabs.
import { TokenSession, webStorage } from '/node_modules/transak-user-token/index.js'

const { base, tabs } = JSON.parse(decodeURIComponent(location.hash.slice(1)))
const key = 'user', heard = [], here = new Map()
const until = async (holds) => {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 20))
}

// The progress of each tab. It is sent again and again, because some tabs come late.
const me = Math.random(), channel = new BroadcastChannel('tabs')
let stage = 1
channel.onmessage = ({ data: [who, stage] }) => here.set(who, stage)
setInterval(() => channel.postMessage([me, stage]), 50)
const everyone = (reached) => until(() => [...here.values()].filter((stage) => stage >= reached).length === tabs - 1)

try {
  const old = localStorage.getItem(key)
  const session = await TokenSession.open({ baseUrl: base, storage: webStorage(localStorage), key, maxWaitMs: 60_000 })
  session.addEventListener('refreshed', () => heard.push('refreshed'))
  session.addEventListener('expired', () => heard.push('expired'))
  await everyone(1)
  const token = await session.accessToken()
  await until(() => heard.length > 0)
  channel.postMessage([me, stage = 2])
  await everyone(2)
  document.title = `outcome: ${session.status().state} ${token !== old && token === localStorage.getItem(key)} ${heard}`
} catch (error) {
  document.title = `outcome: ${error.stack ?? error}`
}
