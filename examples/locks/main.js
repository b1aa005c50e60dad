// Three processes of this machine share one user's token in a folder: node main.js
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createGateway } from 'transak-user-token/gateway'
import { startProcess } from './process.js'

const gateway = createGateway({ revoke: true }), { url, close } = await gateway.listen()
const folder = await mkdtemp(join(tmpdir(), 'tokens-'))
// The token is in the last of its 30 days, so the first call refreshes it.
const exp = Math.floor(Date.now() / 1000) + 86_400, token = await gateway.issue({ iat: exp - 30 * 86_400, exp })
const processes = Array.from({ length: 3 }, () => startProcess({ FOLDER: folder, BASE_URL: url }))
try {
  await processes[0].ask('login', token)
  await Promise.all(processes.map(({ ask }) => ask('open')))
  const held = await Promise.all(processes.map(({ ask }) => ask('access')))
  console.log(`3 processes: ${gateway.refreshes()} refresh, ${new Set(held).size} token, ${held.includes(token) ? 'the old' : 'a new'} one`)
} finally {
  await Promise.all(processes.map(({ end }) => end()))
  await close()
  await rm(folder, { recursive: true })
}
