// Sessions in the tabs of a real Chromium: one request for eight tabs, a tab that closes while it holds the lock, a logout, and
// the back/forward cache.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { browser } from './session.browser.mjs'

const DAY_S = 86_400
const tab = '<!doctype html><link rel="icon" href="data:,"><title>waiting</title><script type="module" src="/session.tab.mjs"></script>'

test('eight tabs with one stored token: one request, and all end on the new token', { timeout: 120_000 }, async (t) => {
  const { open, origin, gateway, base, expiring } = await browser(t, { '/tab.html': tab })
  const first = await open()
  await first.evaluate((token) => localStorage.setItem('user', token), expiring)
  const pages = await Promise.all(Array.from({ length: 8 }, () => open()))
  const hash = encodeURIComponent(JSON.stringify({ base, tabs: 8 }))
  await Promise.all(pages.map((page) => page.goto(`${origin}/tab.html#${hash}`)))
  await Promise.all(pages.map((page) => page.waitForFunction(() => document.title.startsWith('outcome: '), { timeout: 60_000, polling: 100 })))
  for (const page of pages) assert.equal(await page.title(), 'outcome: fresh true refreshed')
  assert.equal(gateway.refreshes(), 1)
  assert.ok(await gateway.verify(await first.evaluate(() => localStorage.getItem('user'))))
})

test('a tab that closes while it holds the lock: another one finishes, without a reload', { timeout: 120_000 }, async (t) => {
  const { openTab, gateway, expiring } = await browser(t)
  const holder = await openTab(expiring, '{ fetch: () => new Promise(() => {}), maxWaitMs: 0 }')
  assert.equal(await holder.token(), expiring)
  const others = [await openTab(null, '{ maxWaitMs: 60_000 }'), await openTab(null, '{ maxWaitMs: 60_000 }')]
  await holder.waitForFunction(async () => (await navigator.locks.query()).held.length === 1, { polling: 50 })
  const waiting = others.map((page) => page.token())
  await others[0].waitForFunction(async () => (await navigator.locks.query()).pending.length === 2, { polling: 50 })
  assert.equal(gateway.refreshes(), 0)
  await holder.close()
  const tokens = new Set(await Promise.all(waiting))
  assert.equal(tokens.size, 1)
  assert.ok(!tokens.has(expiring))
  assert.equal(gateway.refreshes(), 1)
})

test('a lock that another tab does not release: 10 s, the old token meanwhile, and the lock is not stolen', { timeout: 120_000 }, async (t) => {
  const { openTab, open, gateway, expiring } = await browser(t)
  const page = await openTab(expiring, '{ maxWaitMs: 200 }'), holder = await open()
  await holder.evaluate(() => new Promise((held) => navigator.locks.request('transak-user-token:user', () => new Promise((end) => {
    globalThis.end = end
    held()
  }))))
  assert.equal(await page.token(), expiring)
  await page.hears('refreshfailed')
  assert.equal(gateway.refreshes(), 0)
  assert.equal(await page.evaluate(async () => (await navigator.locks.query()).held.length), 1)
  assert.equal(await page.token(), expiring)
  await holder.evaluate(() => end())
  // The cool-down of a first failure is 2 s at most.
  await page.waitForFunction(async (old) => await session.accessToken() !== old, { timeout: 10_000, polling: 250 }, expiring)
  assert.equal(gateway.refreshes(), 1)
})

test('a login and a logout in one tab reach the others', { timeout: 120_000 }, async (t) => {
  const { openTab, aged, gateway } = await browser(t)
  const now = Math.floor(Date.now() / 1000), fresh = { iat: now, exp: now + 30 * DAY_S }
  const [jo, ann] = [await aged({ ...fresh, sub: 'jo@example.com' }), await aged({ ...fresh, sub: 'ann@example.com' })]
  const one = await openTab(jo), other = await openTab(jo)
  assert.deepEqual([await one.token(), await other.token()], [jo, jo])
  await one.evaluate((token) => session.replace(token), ann)
  await other.hears('replaced')
  assert.equal(await other.token(), ann)
  await other.evaluate(() => session.clear())
  await one.hears('cleared')
  assert.equal(await one.evaluate(() => session.accessToken().catch(({ code }) => code)), 'ERR_INVALID_TOKEN')
  assert.equal(await one.evaluate(() => localStorage.length), 0)
  assert.deepEqual([await one.heard(), await other.heard()], [['replaced', 'cleared'], ['replaced', 'cleared']])
  assert.equal(gateway.refreshes(), 0)
})

const LOGINS = Number(process.env.LOGINS ?? 10)
for (const [name, login] of [
  ['a constructor and accessToken()', async (TokenSession, token, options) => { await new TokenSession(token, options).accessToken() }],
  ['login()', async (TokenSession, token, options) => { await TokenSession.login(token, options) }],
  ['replace()', async (TokenSession, token, options, other) => { await new TokenSession(other, options).replace(token) }],
]) {
  test(`a page that goes elsewhere after a login by ${name} finds the session there, ${LOGINS} times`, { timeout: 60_000 + LOGINS * 4_000 }, async (t) => {
    const { open, origin, gateway, base } = await browser(t), page = await open()
    let lost = 0
    for (let time = 0; time < LOGINS; time++) {
      const token = await gateway.issue(), other = await gateway.issue(), gone = page.waitForNavigation()
      await page.evaluate((login, token, other, base, to) => {
        import('/node_modules/transak-user-token/index.js').then(async ({ TokenSession, webStorage }) => {
          localStorage.clear()
          await (0, eval)(`(${login})`)(TokenSession, token, { baseUrl: base, storage: webStorage(localStorage), key: 'user' }, other)
          location.assign(to)
        })
      }, `${login}`, token, other, base, `${origin}/blank.html?${time}`)
      await gone
      const [opened, stored] = await page.evaluate(async (base) => {
        const { TokenSession, webStorage } = await import('/node_modules/transak-user-token/index.js')
        const session = await TokenSession.open({ baseUrl: base, storage: webStorage(localStorage), key: 'user' })
        return [await session?.accessToken(), localStorage.getItem('user')]
      }, base)
      if (opened !== token || stored !== token) lost++
    }
    t.diagnostic(`${lost} of ${LOGINS} lost`)
    assert.equal(lost, 0)
  })
}

test('a tab that comes back from the back/forward cache sees what has changed', { timeout: 60_000 }, async (t) => {
  const { openTab, aged } = await browser(t)
  const now = Math.floor(Date.now() / 1000), jo = await aged({ iat: now - 60, exp: now + 30 * DAY_S }), newer = await aged({ iat: now, exp: now + 30 * DAY_S })
  const page = await openTab(jo)
  await page.evaluate(() => session.start())
  assert.equal(await page.token(), jo)
  await page.evaluate((token) => {
    localStorage.setItem('user', token)
    dispatchEvent(new Event('pageshow'))
  }, newer)
  await page.hears('refreshed')
  assert.equal(await page.token(), newer)
  await page.evaluate(() => session.stop())
})
