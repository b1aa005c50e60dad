// Stores that fail, in tabs of a real Chromium: the number of calls to them is bounded, and the failure is reported once.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { browser } from './session.browser.mjs'

const DAY_S = 86_400
const page = '<!doctype html><link rel="icon" href="data:,"><script type="module" src="/session.stores.mjs"></script>'

/** The kinds of `session.stores.mjs`, and how often a session reports each. For the store that forgets, `storageMayForget` is set. */
const ERRORS = { 'swallows writes': 1, 'takes 3 s': 1, 'lies': 1, 'forgets': 0, 'is full': 1, 'returns an earlier token': 1 }

/**
 * How many calls a session may make for each token that it holds, for each attempt at a failed store (one in 5 s), and for each look
 * at a working store because of a message (one a second).
 */
const READS = 2, WRITES = 1, PROBE_MS = 5_000, LOOK_MS = 1_000
/** The tokens of a session: that of the constructor, that of its refresh, and those of a refresh and a login in another tab. */
const TOKENS = 4

for (const count of [1, 3, 8]) {
  test(`a store that fails in ${count} ${count > 1 ? 'tabs' : 'tab'} is called a limited number of times, and reported once`, { timeout: 120_000 }, async (t) => {
    const { open, gateway, base, aged } = await browser(t, { '/stores.html': page })
    gateway.revoke = false
    const now = Math.floor(Date.now() / 1000), tokens = {}
    const of = (sub, days) => aged({ sub, iat: now - Math.round(days * DAY_S), exp: now + Math.round((30 - days) * DAY_S) })
    for (const kind of Object.keys(ERRORS)) {
      const lies = await Promise.all([28.1, 28.2, 28.3, 28.4].map((days) => of(kind, days)))
      tokens[kind] = { token: await of(kind, 28), next: await of(kind, 0), earlier: await of(kind, 29), lies }
    }
    const tabs = await Promise.all(Array.from({ length: count }, () => open('/stores.html')))
    const inAll = (work, ...given) => Promise.all(tabs.map((page) => page.evaluate(work, ...given)))
    const pause = (ms) => tabs[0].evaluate((ms) => new Promise((resolve) => setTimeout(resolve, ms)), ms)
    await Promise.all(tabs.map((page) => page.waitForFunction(() => globalThis.tab, { polling: 20 })))

    const begun = Date.now()
    await inAll((tokens, base) => tab.begin(tokens, base), tokens, base)
    await inAll(() => tab.use(20))
    await tabs[0].evaluate(() => tab.refresh())
    await inAll(() => tab.use(20))
    await tabs[0].evaluate((tokens) => tab.replace(tokens), tokens)
    await inAll(() => tab.use(20))
    const tell = () => inAll(() => tab.tell())
    let told = await tell()
    const ms = Date.now() - begun
    for (const [kind, errors] of Object.entries(ERRORS)) {
      const times = TOKENS + Math.ceil(ms / (errors ? PROBE_MS : LOOK_MS)), limits = { reads: READS * times, writes: WRITES * times }
      const most = (count) => Math.max(...told.map((one) => one[kind][count]))
      t.diagnostic(`${kind}: at most ${most('reads')} reads (limit ${limits.reads}) and ${most('writes')} writes (limit ${limits.writes}) a session`)
      for (const one of told) {
        const { reads, writes, heard, state } = one[kind]
        assert.ok(reads <= limits.reads, `${kind}: ${reads} reads`)
        assert.ok(writes <= limits.writes, `${kind}: ${writes} writes`)
        assert.equal(heard.filter((type) => type === 'storageerror').length, errors, `${kind}: ${heard}`)
        assert.equal(state, 'fresh', kind)
      }
    }

    // No session is called now. If tabs answered each other for ever, the counts would never stand still.
    for (let before, rounds = 0; !isDeepStrictEqual(told, before); rounds++) {
      assert.ok(rounds < 6, 'it ends')
      before = told
      await pause(3_000)
      told = await tell()
    }
  })
}
