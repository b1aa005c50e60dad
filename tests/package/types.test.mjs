// The declarations, compiled as users compile them, and held against what the package exports.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, join } from 'node:path'
import { describe, test } from 'node:test'
import { promisify } from 'node:util'
import { above, blocks, declarations, rustList, scriptOf, union } from './types/lists.mjs'

const folder = import.meta.dirname
const tsc = above('node_modules/.bin/tsc')
const CONSUMERS = ['types/main.mts', 'types/gateway.mts', 'types/server.mts', 'types/require.cts']
const STRICT = ['--noEmit', '--strict', '--pretty', 'false', '--skipLibCheck', 'false']
const NODENEXT = ['--module', 'nodenext', '--target', 'es2022']
const NODE_ONLY = ['--lib', 'es2022', '--types', 'node']

/** Compiles files of the tests' folder; what the compiler says fails the test. */
async function compiles(files, ...options) {
  const { stdout } = await promisify(execFile)(tsc, [...STRICT, ...options, ...files], { cwd: folder }).catch((problem) => problem)
  assert.equal(stdout, '')
}

/** Lays generated files beside the tests for as long as the test runs. */
function write(t, files) {
  const paths = Object.keys(files)
  t.after(() => paths.forEach((path) => rmSync(join(folder, path))))
  for (const path of paths) writeFileSync(join(folder, path), files[path])
  return paths
}

describe('consumers compile', { concurrency: true }, () => {
  for (const lib of ['es2020', 'es2022', 'esnext']) {
    test(`nodenext, ${lib} and the DOM`, () => compiles(CONSUMERS, ...NODENEXT, '--lib', `${lib},dom`))
    test(`nodenext, ${lib} and Node's types, no DOM`, () => compiles(CONSUMERS, ...NODENEXT, '--lib', lib, '--types', 'node'))
    test(`a bundler, ${lib} and the DOM`, () =>
      compiles(CONSUMERS.slice(0, 3), '--module', 'esnext', '--moduleResolution', 'bundler', '--target', 'es2022', '--lib', `${lib},dom`))
  }

  test('a bundler that keeps require', () => compiles(CONSUMERS, '--module', 'preserve', '--target', 'es2022', '--lib', 'es2022,dom'))

  test('the DOM and Node together', () => compiles(CONSUMERS, ...NODENEXT, '--lib', 'es2022,dom', '--types', 'node'))

  test('the strictest options', () => compiles(
    CONSUMERS, ...NODENEXT, ...NODE_ONLY,
    '--exactOptionalPropertyTypes', '--noUncheckedIndexedAccess', '--noPropertyAccessFromIndexSignature', '--noImplicitOverride', '--isolatedModules',
  ))

  test("a listener fits each server of Node", async (t) => {
    const servers = ["http from 'node:http'", "https from 'node:https'", "http2 from 'node:http2'"]
    const source = [
      "import { createRefreshHandler, toNodeListener } from 'transak-user-token/server'", ...servers.map((server) => `import * as ${server}`),
      "const listener = toNodeListener(createRefreshHandler({ environment: 'staging', allowedOrigins: [], authorize: 'none' }))",
      ...['http.createServer', 'https.createServer', 'http2.createServer', 'http2.createSecureServer'].map((create) => `${create}(listener)`),
    ].join('\n')
    await compiles(write(t, { 'types/servers.mts': source }), ...NODENEXT, ...NODE_ONLY, '--exactOptionalPropertyTypes')
  })

  test("the adapters of ./storage, with Keyv's own types", () => compiles(['types/storage.mts'], ...NODENEXT, ...NODE_ONLY, '--skipLibCheck', 'true'))

  test('a wrong use that nothing expects is an error', async (t) => {
    const source = "import { tokenStatus } from 'transak-user-token'\ntokenStatus('x.y.z').expiresAt\n"
    const files = write(t, { 'types/wrong.mts': source })
    await assert.rejects(compiles(files, ...NODENEXT, ...NODE_ONLY), /wrong\.mts\(2,22\): error TS2339/)
  })
})

describe('examples compile', { concurrency: true }, () => {
  test("the README's for Node", async (t) => {
    const files = Object.fromEntries(blocks('js', 'ts').map(({ language, code }, at) => [`readme-${at}.m${language}`, code]))
    await compiles(write(t, files), ...NODENEXT, ...NODE_ONLY, '--checkJs', '--exactOptionalPropertyTypes')
  })

  test("the README's for a page", async (t) => {
    const files = Object.fromEntries(blocks('html').map(({ code }, at) => [`readme-page-${at}.mjs`, scriptOf(code)]))
    await compiles(write(t, files), '--module', 'esnext', '--moduleResolution', 'bundler', '--target', 'es2022', '--lib', 'es2022,dom', '--checkJs')
  })

  for (const entry of ['index', 'gateway', 'server', 'storage']) {
    test(`the declarations' of ${entry}, one for each export`, async (t) => {
      const text = declarations(entry)
      const comments = [...text.matchAll(/^\/\*\*\n((?: \*.*\n)+?) \*\/\nexport (?:type|interface|function|class) (\w+)/gm)]
      // An export that comes from another entry is explained there.
      assert.equal(comments.length, text.match(/^export (?!\{)/gm).length)
      const files = Object.fromEntries(comments.map(([, comment, name], at) => {
        const example = comment.match(/^ \* @example\n([^]*)/m)?.[1].replace(/^ \* ?/gm, '')
        assert.ok(example, `${name} has an example`)
        return [`types/example-${entry}-${at}.mts`, `${around(example, comments)}\n${example}\nexport {}\n`]
      }))
      await compiles(write(t, files), ...NODENEXT, ...NODE_ONLY)
    })
  }

  /** What an example may use: a token, and, if it has no import, a gateway and its exports. */
  function around(example, comments) {
    if (example.includes('import ')) return 'declare let token: string'
    const names = comments.map(([, , name]) => (name === 'createGateway' ? name : `type ${name}`))
    const gateway = /const .*\bgateway\b.* = createGateway/.test(example) ? '' : 'declare const gateway: Gateway'
    return `import { ${names.join(', ')} } from 'transak-user-token/gateway'\n${gateway}`
  }
})

describe('nothing drifts', { concurrency: true }, () => {
  const require = createRequire(import.meta.url)
  for (const entry of ['transak-user-token', 'transak-user-token/gateway', 'transak-user-token/server', 'transak-user-token/storage']) {
    test(`${entry} exports what it declares, by import and by require`, async (t) => {
      const exported = Object.keys(await import(entry)).sort()
      assert.deepEqual(Object.keys(require(entry)).sort(), exported)
      const names = JSON.stringify(Object.fromEntries(exported.map((name) => [name, true])))
      const source = `import * as api from '${entry}'\nvoid (${names} satisfies Record<keyof typeof api, true>)\n`
      await compiles(write(t, { [`types/exports-${basename(entry)}.mts`]: source }), ...NODENEXT, ...NODE_ONLY)
    })
  }

  test('both formats have the same declarations', () => {
    for (const entry of ['index', 'gateway', 'server', 'storage']) {
      const cts = readFileSync(join(folder, `node_modules/transak-user-token/${entry}.d.cts`), 'utf8')
      assert.equal(cts.replaceAll("'./index.cjs'", "'./index.js'"), declarations(entry))
    }
  })

  test('the declared codes and reasons are those of the source', () => {
    assert.deepEqual(union('TransakTokenErrorCode'), rustList('Code').map(({ name }) => name))
    assert.deepEqual(union('InvalidReason'), rustList('InvalidReason').map(({ name }) => name))
  })

  test('the doc comments list every code with its action, and every reason', () => {
    const text = declarations('index')
    for (const { name, action } of rustList('Code')) assert.match(text, new RegExp(`^ \\* - \`${name}\` \\(${action}\\b`, 'm'))
    for (const { name } of rustList('InvalidReason')) assert.match(text, new RegExp(`^ \\* - \`${name}\`: `, 'm'))
  })
})
