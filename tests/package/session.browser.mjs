// What the tests of a session in Chromium share: a gateway, pages, and tabs that hold a session.
import assert from 'node:assert/strict'
import { createGateway } from 'transak-user-token/gateway'
import { openBrowser } from './browser.mjs'

const DAY_S = 86_400
const empty = '<!doctype html><link rel="icon" href="data:,">'

/** Starts Chromium, a gateway, and a site with these pages. What a page logs fails the test. */
export async function browser(t, pages = {}) {
  const gateway = createGateway({ allowedOrigins: 'any', revoke: true }), { url: base, close } = await gateway.listen()
  const opened = await openBrowser({ pages: { '/blank.html': empty, ...pages } })
  t.after(async () => {
    await opened.close()
    await close()
    assert.deepEqual(opened.lines, [])
  })
  const iat = Math.floor(Date.now() / 1000) - 29 * DAY_S
  const aged = (claims) => gateway.issue({ iat, exp: iat + 30 * DAY_S, ...claims })
  /** Opens a tab with a session `session`, and what it hears in `heard`. */
  const openTab = async (token, more = '{}') => {
    const page = await opened.open()
    await page.evaluate(async (token, base, more) => {
      const { TokenSession, webStorage } = await import('/node_modules/transak-user-token/index.js')
      const options = { baseUrl: base, storage: webStorage(localStorage), key: 'user', ...(0, eval)(`(${more})`) }
      globalThis.session = token ? new TokenSession(token, options) : await TokenSession.open(options)
      globalThis.heard = []
      for (const type of ['refreshed', 'refreshfailed', 'expired', 'replaced', 'cleared', 'storageerror']) session.addEventListener(type, () => heard.push(type))
    }, token, base, more)
    const hears = (type) => page.waitForFunction((type) => heard.includes(type), { timeout: 30_000, polling: 50 }, type)
    return Object.assign(page, { hears, heard: () => page.evaluate(() => heard), token: () => page.evaluate(() => session.accessToken()) })
  }
  return { ...opened, gateway, base, aged, openTab, expiring: await aged() }
}
