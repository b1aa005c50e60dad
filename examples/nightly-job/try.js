// Tries the job with three users and the stand-in: node try.js
import { writeFile } from 'node:fs/promises'
import { createGateway } from 'transak-user-token/gateway'

const gateway = createGateway(), { url, close } = await gateway.listen()
const DAY_S = 86_400, now = Math.floor(Date.now() / 1000)
const issue = (ageDays) => gateway.issue({ iat: now - ageDays * DAY_S, exp: now + (30 - ageDays) * DAY_S })

await writeFile('users.json', JSON.stringify([
  { id: 'ann', token: await issue(1), address: '203.0.113.7' },    // fresh
  { id: 'bob', token: await issue(29), address: '203.0.113.8' },   // about to expire
  { id: 'eve', token: await issue(31), address: '203.0.113.9' },   // expired
]))
process.env.TRANSAK_URL = url
await import('./job.js')   // {"fresh":1,"refreshed":1,"login":1,"failed":0}
await close()
