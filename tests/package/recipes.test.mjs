// Each snippet of a recipe is a file of examples/, and the tests run these files.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, test } from 'node:test'
import { promisify } from 'node:util'
import { createGateway } from 'transak-user-token/gateway'
import { above } from './types/lists.mjs'

const folder = import.meta.dirname, root = dirname(above('Cargo.toml'))
const read = (path) => readFileSync(join(root, path), 'utf8')
const recipes = readdirSync(join(root, 'docs/recipes')).map((file) => file.replace('.md', ''))

/** Every file below a folder of the repository. */
const walk = (path) => (statSync(join(root, path)).isDirectory() ? readdirSync(join(root, path)).flatMap((name) => walk(join(path, name))) : [path])

/** Lays an example beside the installed package, with other files, for as long as the test runs. */
function laid(t, name, files = {}) {
  const path = mkdtempSync(join(folder, `recipe-${name}-`))
  t.after(() => rmSync(path, { recursive: true }))
  cpSync(join(root, 'examples', name), path, { recursive: true })
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(path, file)), { recursive: true })
    writeFileSync(join(path, file), text)
  }
  return path
}

const { NODE_TEST_CONTEXT: _, ...ENV } = process.env
const run = (cwd, args, env = {}) => promisify(execFile)(process.execPath, args, { cwd, env: { ...ENV, ...env } })

describe('documents', () => {
  const documents = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md', ...walk('docs').filter((path) => path.endsWith('.md'))]

  for (const name of recipes) {
    test(`each snippet of the recipe ${name} is a whole file of its example`, () => {
      const files = existsSync(join(root, 'examples', name)) ? walk(`examples/${name}`).map(read) : []
      const blocks = [...read(`docs/recipes/${name}.md`).matchAll(/^```(?!sh\n)\w+\n([^]*?)\n```$/gm)].map(([, code]) => code)
      assert.ok(blocks.length > 0)
      for (const code of blocks) assert.ok(files.some((text) => text.trimEnd() === code), code)
    })
  }

  test('a recipe whose .js files run in Node first makes a package of modules, because npm init makes one of CommonJS', () => {
    for (const name of recipes) {
      const text = read(`docs/recipes/${name}.md`), runs = /`node (--test|\w+\.js)`/.test(text.replace(/^```js$[^]*?^```$/gm, ''))
      if (runs) assert.match(text, /^npm init -y\nnpm pkg set type=module\nnpm install transak-user-token/m, name)
    }
  })

  test('each link leads to a file of the repository, to a standard or to a vendor', () => {
    for (const path of documents) {
      for (const [, link] of read(path).replace(/^```[^]*?^```$/gm, '').matchAll(/\]\(([^)\s]+)\)/g)) {
        if (/^https:\/\//.test(link)) assert.match(link, /^https:\/\/(docs\.transak\.com|www\.rfc-editor\.org|datatracker\.ietf\.org|keepachangelog\.com|semver\.org|groups\.google\.com|github\.com|developer\.mozilla\.org|tc39\.es|webassembly\.github\.io)(\/|$)/, `${path}: ${link}`)
        else assert.ok(existsSync(join(root, dirname(path), link.split('#')[0])), `${path}: ${link}`)
      }
    }
  })

  test('each link of what the package ships leads to a file that it ships', () => {
    const shipped = join(folder, 'node_modules/transak-user-token')
    for (const path of ['README.md', ...readdirSync(join(shipped, 'docs'), { recursive: true }).filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`)]) {
      assert.equal(readFileSync(join(shipped, path), 'utf8'), read(path))
      for (const [, link] of read(path).matchAll(/\]\(((?!https:)[^)\s]+)\)/g)) assert.ok(existsSync(join(shipped, dirname(path), link)), `${path}: ${link}`)
    }
  })

  test('the README has at most 14 kB, and CONTRIBUTING 7', () => {
    assert.ok(Buffer.byteLength(read('README.md')) <= 14_000)
    assert.ok(Buffer.byteLength(read('CONTRIBUTING.md')) <= 7_000)
  })

  test('no text has a word that needs a second reading', () => {
    const texts = [...documents, ...walk('pkg-template/types'), ...walk('pkg-template/bin'), ...walk('pkg-template/storage'), ...walk('www').filter((path) => /\.(html|m?js)$/.test(path)), ...walk('examples')]
    for (const path of texts) {
      // Text in backticks is left out, because it may quote such words.
      const text = read(path).replace(/`[^`]*`/g, '')
      const found = text.match(/\b(whoever|mends?|mended|comes? to (?!an end)|came to|no sense in|not its own master)\b/i)
      assert.equal(found?.[0], undefined, path)
    }
  })
})

describe('examples', () => {
  test('fetch: one refresh on a 401, and the call succeeds', async (t) => {
    const { stdout } = await run(laid(t, 'fetch'), ['main.js'])
    assert.equal(stdout, '200\n1\n')
  })

  test('fetch: no other origin gets the token, not even by a redirect, and a body is sent again', async (t) => {
    const script = `
import { createServer } from 'node:http'
import { TokenSession } from 'transak-user-token'
import { createGateway } from 'transak-user-token/gateway'
import { authorizedFetch } from './authorized-fetch.js'
const gateway = createGateway({ revoke: true }), { url: baseUrl, close } = await gateway.listen(), token = await gateway.issue()
const seen = []
const listen = (answer) => new Promise((resolve) => {
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    seen.push([request.headers.authorization === undefined ? 'none' : request.headers.authorization === token ? 'old' : 'new', body])
    answer(request, response)
  }).listen(0, '127.0.0.1', () => resolve({ server, origin: 'http://127.0.0.1:' + server.address().port }))
})
const other = await listen((request, response) => response.end())
const own = await listen((request, response) => {
  if (request.url === '/away') response.writeHead(302, { location: other.origin })
  else if (request.headers.authorization === token) response.writeHead(401)
  response.end()
})
const call = authorizedFetch(new TokenSession(token, { baseUrl }), [own.origin])
await call(other.origin)
const calls = await Promise.all([1, 2, 3].map((n) => call(own.origin, { method: 'POST', body: 'body ' + n })))
const away = await call(own.origin + '/away').catch((error) => error.name)
console.log(JSON.stringify({ seen, statuses: calls.map(({ status }) => status), away, refreshes: gateway.refreshes() }))
for (const { server } of [own, other]) { server.close(); server.closeAllConnections() }
await close()
`
    const { stdout } = await run(laid(t, 'fetch', { 'try.js': script }), ['try.js'])
    const { seen, statuses, away, refreshes } = JSON.parse(stdout)
    assert.deepEqual(statuses, [200, 200, 200])
    assert.deepEqual([away, refreshes], ['TypeError', 1])
    assert.deepEqual(seen[0], ['none', ''])
    assert.deepEqual(seen.slice(1, -1).sort(), ['new', 'old'].flatMap((which) => [1, 2, 3].map((n) => [which, `body ${n}`])))
    assert.deepEqual(seen.at(-1), ['new', ''])
  })

  test('login: from an address to a session whose token is stored', async (t) => {
    const { stdout } = await run(laid(t, 'login'), ['main.js'])
    assert.equal(stdout, 'OTP for the login: 123456\nfresh true\n')
  })

  test('testing: its tests pass', async (t) => {
    const { stdout } = await run(laid(t, 'testing'), ['--test'])
    assert.match(stdout, /^(#|ℹ) pass 5$/m)
    assert.match(stdout, /^(#|ℹ) fail 0$/m)
  })

  test('fake-timers: its tests for node:test pass', async (t) => {
    const { stdout } = await run(laid(t, 'fake-timers'), ['--test', 'node.test.mjs'])
    assert.match(stdout, /^(#|ℹ) pass 6$/m)
    assert.match(stdout, /^(#|ℹ) fail 0$/m)
  })

  test('nightly-job: each token is sent with its user\'s address, and the new one is stored at once', async (t) => {
    const gateway = createGateway(), { url, close } = await gateway.listen()
    t.after(close)
    const now = Math.floor(Date.now() / 1000), issue = (age) => gateway.issue({ iat: now - age * 86_400, exp: now + (30 - age) * 86_400 })
    const users = [['ann', await issue(29), '203.0.113.7'], ['bob', await issue(1), '203.0.113.8'], ['eve', await issue(31), '203.0.113.9'], ['dan', await issue(29), '203.0.113.10']]
    const path = laid(t, 'nightly-job', { 'users.json': JSON.stringify(users.map(([id, token, address]) => ({ id, token, address }))) })
    const { stdout, stderr } = await run(path, ['job.js'], { TRANSAK_URL: url, TRANSAK_API_KEY: 'key' })
    assert.equal(stdout, '{"fresh":1,"refreshed":2,"login":1,"failed":0}\n')
    assert.equal(stderr, '')
    assert.deepEqual(gateway.requests.map(({ headers }) => [headers['x-api-key'], headers['x-user-ip']]).sort(), [['key', '203.0.113.10'], ['key', '203.0.113.7']])
    const stored = JSON.parse(readFileSync(join(path, 'users.json'), 'utf8'))
    for (const [at, changed] of [true, false, false, true].entries()) assert.equal(stored[at].token !== users[at][1], changed)
  })

  test('nightly-job: try.js counts one fresh, one refreshed and one expired token', async (t) => {
    const { stdout, stderr } = await run(laid(t, 'nightly-job'), ['try.js'])
    assert.equal(stdout, '{"fresh":1,"refreshed":1,"login":1,"failed":0}\n')
    assert.equal(stderr, '')
  })

  test('react-native: the token is in the key store, and the session stops in the background', async (t) => {
    const script = `
import { AppState } from 'react-native'
import { entries } from 'expo-secure-store'
import { openSession } from './session.js'
const session = await openSession()
const states = [session.snapshot().state]
await session.replace(process.env.TOKEN)
states.push(session.snapshot().state, entries.get('user') === process.env.TOKEN)
for (const state of ['background', 'active']) AppState.tell(state)
await session.clear()
states.push(session.snapshot().state, entries.size)
console.log(JSON.stringify(states))
session.dispose()
`
    const path = laid(t, 'react-native', {
      'try.mjs': script,
      'package.json': '{ "type": "module" }',
      'node_modules/react-native/package.json': '{ "type": "module", "exports": "./index.js" }',
      'node_modules/react-native/index.js': 'let told; export const AppState = { addEventListener: (type, listener) => { told = listener }, tell: (state) => told(state) }',
      'node_modules/expo-secure-store/package.json': '{ "type": "module", "exports": "./index.js" }',
      'node_modules/expo-secure-store/index.js': `export const entries = new Map()
export const getItemAsync = async (key) => entries.get(key) ?? null, setItemAsync = async (key, value) => { entries.set(key, value) }, deleteItemAsync = async (key) => { entries.delete(key) }`,
    })
    const { stdout } = await run(path, ['-C', 'react-native', 'try.mjs'], { TOKEN: await createGateway().issue() })
    assert.deepEqual(JSON.parse(stdout), ['invalid', 'fresh', true, 'invalid', 0])
  })
})
