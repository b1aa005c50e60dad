// The README: its examples run as they stand, and its tables are those of the declarations and the source.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { after, describe, test } from 'node:test'
import { createGateway } from 'transak-user-token/gateway'
import { openBrowser } from './browser.mjs'
import { blocks, declarations, fields, readme, rustList, table } from './types/lists.mjs'

const folder = import.meta.dirname
const REFRESH = '/api/v2/auth/refresh'
const DAY_S = 86_400
const ISO = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/
const examples = blocks('html', 'js', 'ts')
const executed = new Set()

/** Returns the only example under a heading, or the one with this index. */
function example(heading, at = 0) {
  const found = examples.filter((block) => block.heading === heading)[at]
  assert.ok(found, `there is an example under "${heading}"`)
  executed.add(found)
  return found.code
}

/** Runs an example as a file beside node_modules, in a directory of its own. */
async function run(t, code, { env = {}, files = {} } = {}) {
  const cwd = await mkdtemp(join(tmpdir(), 'readme-'))
  const script = join(folder, `run-${examples.findIndex((block) => block.code === code)}.mjs`)
  t.after(() => Promise.all([rm(cwd, { recursive: true }), rm(script, { force: true })]))
  for (const name of Object.keys(files)) await writeFile(join(cwd, name), files[name])
  await writeFile(script, code)
  const child = spawn(process.execPath, [script], { cwd, env: { PATH: process.env.PATH, ...env } })
  const [stdout, stderr, status] = await Promise.all([text(child.stdout), text(child.stderr), new Promise((done) => child.on('close', done))])
  assert.deepEqual({ stderr, status }, { stderr: '', status: 0 })
  return { lines: stdout.split('\n').slice(0, -1), read: (name) => readFile(join(cwd, name), 'utf8') }
}

/** Starts an example that runs until the test ends. Returns a function that resolves with its next line. */
async function serve(t, code, env) {
  const script = join(folder, `run-${examples.findIndex((block) => block.code === code)}.mjs`)
  await writeFile(script, code)
  const child = spawn(process.execPath, [script], { env: { PATH: process.env.PATH, ...env }, stdio: ['ignore', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  t.after(async () => {
    child.kill()
    await rm(script, { force: true })
  })
  return async () => (await lines.next()).value
}

/** A port that is free now. */
async function freePort() {
  const server = createServer()
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address()
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** A gateway, and a token in each state. */
async function tokens() {
  const gateway = createGateway()
  const now = Math.floor(Date.now() / 1000)
  return {
    gateway,
    fresh: await gateway.issue(),
    expiring: await gateway.issue({ iat: now - 29 * DAY_S, exp: now + DAY_S }),
    expired: await gateway.issue({ iat: now - 31 * DAY_S, exp: now - DAY_S }),
  }
}

async function listening(t) {
  const made = await tokens()
  const { url, close } = await made.gateway.listen()
  t.after(close)
  return { ...made, url }
}

describe('the examples do what they say', () => {
  after(() => assert.equal(executed.size, examples.length, 'every example is executed'))

  test('the first example prints the state and the action', async (t) => {
    const code = example('transak-user-token')
    const { fresh, expiring, expired } = await tokens()
    for (const [TRANSAK_TOKEN, line] of [[fresh, 'fresh use'], [expiring, 'expiring refresh'], [expired, 'expired login'], ['', 'invalid login']]) {
      assert.deepEqual((await run(t, code, { env: { TRANSAK_TOKEN } })).lines, [line])
    }
  })

  test('a refresh prints each outcome', async (t) => {
    const code = example('Refresh a token')
    const { gateway, url, fresh, expiring, expired } = await listening(t)
    const says = async (TRANSAK_TOKEN, line) => {
      const { lines } = await run(t, code, { env: { TRANSAK_URL: url, TRANSAK_TOKEN } })
      assert.deepEqual(lines, [line])
    }
    await says(fresh, 'the same token')
    await says(expiring, 'a new token')
    await says(expired, 'ERR_TOKEN_EXPIRED: login')
    await says('', 'ERR_INVALID_TOKEN: login')
    await says(`Bearer ${fresh}`, 'ERR_INVALID_TOKEN: fix')
    gateway.fail({ kind: 'error', status: 503 }, { times: 2 })
    await says(expiring, 'the old token: ERR_SERVER, attempts: 2')
    gateway.fail({ kind: 'error', status: 403 })
    await says(expiring, 'the old token: ERR_FORBIDDEN, attempts: 1')
    gateway.fail({ kind: 'error', status: 400, errorCode: 1002 })
    await says(expiring, 'ERR_UNAUTHORIZED: login')
  })

  test('the route of your own backend refreshes', async (t) => {
    const code = example('Page and backend', 1)
    const { gateway, url, expiring } = await listening(t)
    const port = await freePort()
    const says = await serve(t, code, { TRANSAK_URL: url, TRANSAK_API_KEY: 'key', SESSION: 'known', PORT: String(port) })
    assert.equal(await says(), 'listening')
    const ask = async (headers) => fetch(`http://127.0.0.1:${port}/transak${REFRESH}`, { headers: { authorization: expiring, ...headers } })
    assert.equal((await ask({ 'x-session': 'known' })).status, 403)
    assert.equal((await ask({ 'sec-fetch-site': 'same-origin' })).status, 403)
    const answer = await ask({ 'sec-fetch-site': 'same-origin', 'x-session': 'known' })
    assert.equal(answer.status, 200)
    assert.ok(await gateway.verify((await answer.json()).data.accessToken))
    assert.deepEqual(gateway.requests.map(({ headers }) => [headers['x-api-key'], headers['x-user-ip']]), [['key', '127.0.0.1']])
    assert.deepEqual([await says(), await says(), await says()], ['refused 403', 'refused 403', 'refreshed 200'])
  })

  test('the gateway on a socket counts its requests', async (t) => {
    const { lines } = await run(t, example('Test without Transak'))
    assert.deepEqual(lines, ['2 requests'])
  })

  test('a session in a page refreshes through the route', async (t) => {
    const { gateway, fresh, expiring, expired } = await tokens()
    const area = 'localStorage', key = 'user-1'
    const map = { imports: { 'transak-user-token': '/node_modules/transak-user-token/index.js' } }
    const around = `<!doctype html><link rel="icon" href="data:,"><script type="importmap">${JSON.stringify(map)}</script>`
    const pages = { '/blank.html': around, '/login': around, '/index.html': around + example('Page and backend') }
    const { origin, open, close, lines } = await openBrowser({ folder, pages })
    t.after(close)

    /** Opens the example with a token in the session's storage; /transak is the page's own backend. */
    const visit = async (token, isDone = () => true) => {
      const page = await open()
      await page.evaluate((area, key, token) => {
        window[area].clear()
        if (token) window[area].setItem(key, token)
      }, area, key, token)
      await page.setRequestInterception(true)
      page.on('request', async (request) => {
        if (request.url() !== `${origin}/transak${REFRESH}`) return request.continue()
        const response = await gateway.fetch(new Request(`https://gateway.test${REFRESH}`, { headers: request.headers() }))
        const { status, headers } = response
        await request.respond({ status, headers: Object.fromEntries(headers), body: await response.text() })
      })
      await page.goto(`${origin}/index.html`, { waitUntil: 'networkidle0' })
      await page.waitForFunction(isDone, { polling: 50 }, token, area, key)
      return { path: new URL(page.url()).pathname, stored: await page.evaluate((area, key) => window[area].getItem(key), area, key) }
    }

    assert.deepEqual(await visit(fresh), { path: '/index.html', stored: fresh })
    const isAtLogin = () => location.pathname === '/login'
    assert.deepEqual(await visit(expired, isAtLogin), { path: '/login', stored: expired })
    assert.deepEqual(await visit(null, isAtLogin), { path: '/login', stored: null })
    assert.equal(gateway.requests.length, 0)

    const { path, stored } = await visit(expiring, (token, area, key) => window[area].getItem(key) !== token)
    assert.equal(path, '/index.html')
    assert.notEqual(stored, expiring)
    assert.ok((await gateway.verify(stored)).exp > Date.now() / 1000 + 29 * DAY_S)
    assert.equal(gateway.refreshes(expiring), 1)
    assert.deepEqual(lines, [])
  })
})

describe('the tables are complete', () => {
  const plain = (cells) => cells.map((cell) => cell.replaceAll('`', ''))
  const named = (title) => table(title).map(([name, action]) => plain([name, action]))

  test('states', () => {
    const members = [...declarations('index').matchAll(/\{ state: '(\w+)', action: ([^,]*),/g)]
    const states = members.map(([, state, actions]) => [state, actions.replaceAll("'", '').replace(' | ', ' or ')])
    assert.equal(states.length, 4)
    assert.deepEqual(named('state'), states)
  })

  test('reasons', () => {
    assert.deepEqual(named('reason'), rustList('InvalidReason').map(({ name, action }) => [name, action]))
  })

  test('codes', () => {
    const codes = rustList('Code').map(({ name, action }) => [name, name === 'ERR_INVALID_TOKEN' ? 'login or fix' : action])
    assert.deepEqual(named('code'), codes)
  })

  test('options, in the order of the declarations and with their defaults', () => {
    const options = [...fields('StatusOptions'), ...fields('RefreshOptions')]
    const rows = table('name')
    assert.deepEqual(rows.map(([name]) => plain([name])[0]), options.map(({ field }) => field))
    options.forEach(({ field, doc }, at) => {
      const [, unit, value] = rows[at]
      const said = doc.split('Default: ')[1] ?? ''
      assert.ok(said.startsWith(value) && '.,'.includes(said[value.length]), `${field} defaults to ${said}`)
      assert.equal(unit === 'ms', field.endsWith('Ms'))
    })
  })

  test('session options, and events', () => {
    const options = fields('SessionOptions'), rows = table('session option')
    assert.deepEqual(rows.map(([name]) => plain([name])[0]), options.map(({ field }) => field))
    options.forEach(({ field, doc }, at) => assert.ok(doc.split('Default: ')[1].startsWith(rows[at][2]), `${field}: ${doc}`))
    assert.deepEqual(table('event').map(([name]) => plain([name])[0]), fields('SessionEventMap', /^ {2}(\w+):/gm))
  })
})
