// A session and what happens to pages in a real Chromium: a logout in another tab, whatever holds the session, the
// back/forward cache, and a page that is frozen.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { browser } from './session.browser.mjs'

const DAY_S = 86_400
const LOGOUTS = Number(process.env.LOGOUTS ?? 10)
const limit = { timeout: 60_000 + LOGOUTS * 4_000 }
const page = '<!doctype html><link rel="icon" href="data:,"><script type="module" src="/session.holder.mjs"></script>'

/** Opens a page of `session.holder.mjs`. `tell` sends a command to the page, or to its worker. */
async function openHolder(open, path, inWorker) {
  const page = await open(path)
  await page.waitForFunction(() => globalThis.holder, { polling: 20 })
  if (!inWorker) return { page, tell: (what, ...given) => page.evaluate((what, given) => holder[what](...given), what, given) }
  await page.evaluate(() => { globalThis.worker = new Worker('/session.holder.mjs', { type: 'module' }) })
  return { page, tell: (...asked) => page.evaluate((asked) => new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = ({ data }) => resolve(data)
    worker.postMessage(asked, [port2])
  }), asked) }
}

/** Logs in and out in one tab. A holder in another tab counts how often a call gets a token. */
async function logOut(t, { way = 'used', path = '/holder.html', inWorker = false, ageDays = 0, latencyMs = 0, leave = () => {}, back = ({ tell }) => tell('handedOut') }) {
  const { open, gateway, base, aged } = await browser(t, { '/holder.html': page })
  const user = await openHolder(open, path), other = await openHolder(open, path, inWorker)
  let handedOut = 0, stored = 0
  for (let time = 0; time < LOGOUTS; time++) {
    const iat = Math.floor(Date.now() / 1000) - ageDays * DAY_S, token = await aged({ iat, exp: iat + 30 * DAY_S })
    await user.tell('login', token, base)
    if (latencyMs) gateway.fail({ kind: 'latency', ms: latencyMs })
    gateway.requests.length = 0
    await other.tell('hold', way, base, token)
    await leave(other)
    while (latencyMs && !gateway.requests.some(({ method }) => method === 'GET')) await new Promise(setImmediate)
    await user.tell('logout')
    handedOut += await back(other)
    if (await user.tell('stored') !== null) stored++
  }
  // This is longer than the longest delay of a look.
  await user.page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 1_500)))
  if (await user.tell('stored') !== null) stored++
  t.diagnostic(`of ${LOGOUTS} logouts: handed out ${handedOut} times, in the store ${stored} times`)
  assert.deepEqual({ handedOut, stored }, { handedOut: 0, stored: 0 })
}

for (const [name, given] of [
  ['was only opened', { way: 'opened' }],
  ['was used', {}],
  ['was started', { way: 'started' }],
  ['waits for the answer to a refresh', { way: 'refreshing', latencyMs: 1_500, ageDays: 29 }],
  ['is in a worker and was used', { inWorker: true, path: '/holder.html?database' }],
  ['is in a worker and was started', { inWorker: true, path: '/holder.html?database', way: 'started' }],
]) {
  test(`after a logout in another tab a session that ${name} gives no token, and stores nothing, ${LOGOUTS} times`, limit, (t) => logOut(t, given))
}

test(`a page that comes back from the back/forward cache after a logout gives no token, and stores nothing, ${LOGOUTS} times`, limit, async (t) => {
  let kept = 0
  await logOut(t, {
    way: 'started',
    leave: ({ page }) => page.goto(new URL('/blank.html', page.url()).href),
    async back({ page }) {
      await page.goBack()
      await page.waitForFunction(() => globalThis.returned, { polling: 20 })
      const { persisted, handedOut } = await page.evaluate(async () => ({ ...returned, handedOut: await returned.handedOut }))
      if (persisted) kept++
      return handedOut
    },
  })
  assert.equal(kept, LOGOUTS)
})

/** Freezes a page during a refresh for longer than `timeoutMs`. Then checks the token that its session holds. */
async function freeze(t, leftMs, sleepMs) {
  const { open, openTab, gateway, base, aged } = await browser(t)
  const page = await openTab(null, '{ timeoutMs: 1_000, clockToleranceMs: 0 }'), other = await open(), client = await page.createCDPSession()
  // The token's life is short, so it begins when the tabs are there.
  const exp = Math.ceil((Date.now() + leftMs) / 1000), token = await aged({ iat: exp - 30 * DAY_S, exp })
  gateway.fail({ kind: 'latency', ms: 500 })
  await page.evaluate(async (token) => {
    await session.replace(token)
    let last = Date.now()
    globalThis.slept = 0
    setInterval(() => [slept, last] = [Math.max(slept, Date.now() - last), Date.now()], 20)
    session.start()
    session.accessToken().catch(() => {})
  }, token)
  while (!gateway.requests.some(({ method }) => method === 'GET')) await new Promise(setImmediate)
  await client.send('Page.setWebLifecycleState', { state: 'frozen' })
  // This is the sleep.
  await new Promise((resolve) => setTimeout(resolve, sleepMs))
  assert.equal(gateway.refreshes(), 1)
  await client.send('Page.setWebLifecycleState', { state: 'active' })
  await page.hears('refreshed')
  const [held, heard] = [await page.token(), await page.heard()]
  assert.ok(await page.evaluate(() => slept) > 2_000, 'it was frozen')
  assert.notEqual(held, token)
  assert.ok(await gateway.verify(held))
  assert.equal(await other.evaluate(() => localStorage.getItem('user')), held)
  assert.ok(!heard.includes('expired'), `${heard}`)
  assert.equal(gateway.refreshes(), 1)
  await page.evaluate(() => session.dispose())
}

test('a page that is frozen during a refresh for longer than timeoutMs holds and stores the new token when it wakes', { timeout: 60_000 }, (t) => freeze(t, DAY_S * 1000, 3_000))
test('a page that is frozen during a refresh until the old token has expired holds and stores the new one, and emits no expired', { timeout: 60_000 }, (t) => freeze(t, 4_000, 6_000))
