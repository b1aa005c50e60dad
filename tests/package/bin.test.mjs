// The command line, each path as a process of its own.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { tokenStatus } from 'transak-user-token'
import { createGateway } from 'transak-user-token/gateway'

const BIN = join(import.meta.dirname, 'node_modules/.bin/transak-user-token')
const DAY = 86_400_000, SECOND = 1_000
const { TRANSAK_TOKEN: _, NODE_OPTIONS: __, ...ENV } = process.env

/** Starts the command line. The process ends with the test. */
function start(t, args, { token, env, node = process.execPath, nodeOptions = [] } = {}) {
  const child = spawn(node, [...nodeOptions, BIN, ...args], { env: { ...ENV, ...(token === undefined ? {} : { TRANSAK_TOKEN: token }), ...env } })
  t.after(() => child.kill('SIGKILL'))
  for (const name of ['stdout', 'stderr']) {
    child[name].setEncoding('utf8').on('data', (text) => { child[`${name}Text`] = (child[`${name}Text`] ?? '') + text })
  }
  child.stdin.on('error', () => {})
  return child
}

/** Runs it to its end, with a text on standard input. */
async function run(t, args, { stdin = '', ...options } = {}) {
  const child = start(t, args, options)
  child.stdin.end(stdin)
  const [code, signal] = await once(child, 'close')
  return { code: code ?? signal, stdout: child.stdoutText ?? '', stderr: child.stderrText ?? '' }
}

/** Waits until a stream has printed what a pattern matches. */
async function printed(child, name, pattern) {
  for (;;) {
    const found = pattern.exec(child[`${name}Text`] ?? '')
    if (found) return found
    await once(child[name], 'data')
  }
}

async function world(t, options) {
  const gateway = createGateway(options), { url, close } = await gateway.listen()
  t.after(close)
  const issue = (age, lifetimeMs = 30 * DAY) => gateway.issue({ iat: Math.floor((Date.now() - age) / SECOND), exp: Math.floor((Date.now() - age + lifetimeMs) / SECOND) })
  return { gateway, url, fresh: await issue(DAY), expiring: await issue(29 * DAY), expired: await issue(31 * DAY), issue }
}

describe('status', () => {
  test('the exit code says the state, with and without --json', async (t) => {
    const { fresh, expiring, expired } = await world(t)
    for (const [token, state, code] of [[fresh, 'fresh', 0], [expiring, 'expiring', 10], [expired, 'expired', 11], ['no token', 'invalid', 12]]) {
      const table = await run(t, ['status'], { token })
      assert.equal(table.code, code)
      assert.match(table.stdout, new RegExp(`^state {4}${state}\\n`))
      assert.equal(table.stderr, '')
      const json = await run(t, ['status', '--json'], { token })
      assert.equal(json.code, code)
      const { expiresInMs, ...said } = JSON.parse(json.stdout), { expiresInMs: __, ...expected } = tokenStatus(token)
      assert.deepEqual(said, expected)
      assert.equal(json.stdout.split('\n').length, 2)
    }
  })

  test('the token comes from TRANSAK_TOKEN, else from standard input', async (t) => {
    const { fresh, expired } = await world(t)
    assert.equal((await run(t, ['status'], { stdin: `\n ${fresh}\r\n` })).code, 0)
    assert.equal((await run(t, ['status'], { stdin: expired, token: fresh })).code, 0)
    assert.equal((await run(t, ['status'], { stdin: fresh, token: '' })).code, 0)
  })

  test('standard input without a token is invalid', async (t) => {
    const { code, stdout } = await run(t, ['status'])
    assert.equal(code, 12)
    assert.match(stdout, /^reason {3}not_a_jwt$/m)
  })

  test('standard input without an end is too long', async (t) => {
    const child = start(t, ['status'])
    const feed = () => { while (child.stdin.writable && child.stdin.write('a'.repeat(16_384))); }
    child.stdin.on('drain', feed)
    feed()
    const [code] = await once(child, 'close')
    assert.equal(code, 12)
    assert.match(child.stdoutText, /^reason {3}too_long$/m)
  })

  test('the latest instant that a token can state is printed', async (t) => {
    const { gateway } = await world(t)
    const { code, stdout } = await run(t, ['status'], { token: await gateway.issue({ iat: undefined, exp: 99_999_999_999 }) })
    assert.equal(code, 0)
    assert.match(stdout, /^issued {3}not stated\n.*\nexpires {2}5138-/m)
  })

  test('the output holds no token', async (t) => {
    const { fresh } = await world(t)
    for (const token of [fresh, `Bearer ${fresh}`, `${fresh}.more`]) {
      const { stdout, stderr } = await run(t, ['status'], { token })
      for (const part of fresh.split('.')) assert.ok(!(stdout + stderr).includes(part.slice(0, 8)))
    }
  })

  test('a terminal gets a bar, and a file none', { skip: process.platform !== 'linux' && 'it needs script(1) of util-linux' }, async (t) => {
    const { fresh } = await world(t)
    const { stdout } = spawnSync('script', ['-qec', `stty cols 80; '${process.execPath}' '${BIN}' status`, '/dev/null'], { env: { ...ENV, TRANSAK_TOKEN: fresh }, encoding: 'utf8' })
    const lines = stdout.split('\r\n'), at = lines.findIndex((line) => /^ \[=+#=+~+\]$/.test(line))
    assert.ok(at > 0, stdout)
    assert.match(lines[at - 1], /^ +now$/)
    assert.match(lines[at + 1], /^ +issued +refresh expires$/)
    for (const line of lines) assert.ok(line.length < 80, line)
    assert.doesNotMatch((await run(t, ['status'], { token: fresh })).stdout, /#/)
  })
})

test('at a terminal it asks for the token', { skip: process.platform !== 'linux' && 'it needs script(1) of util-linux' }, async (t) => {
  const { fresh } = await world(t)
  const child = spawn('script', ['-qec', `'${process.execPath}' '${BIN}' status --json`, '/dev/null'], { env: ENV })
  t.after(() => child.kill('SIGKILL'))
  child.stdout.setEncoding('utf8').on('data', (text) => { child.stdoutText = (child.stdoutText ?? '') + text })
  await printed(child, 'stdout', /Paste the token, then press Enter and Ctrl-D\./)
  child.stdin.write(`${fresh}\n\x04`)
  await printed(child, 'stdout', /"state":"fresh"/)
})

describe('refresh', () => {
  test('the new token alone is on standard output', async (t) => {
    const { gateway, url, fresh } = await world(t)
    const { code, stdout, stderr } = await run(t, ['refresh', '--base-url', url], { stdin: fresh })
    assert.equal(code, 0)
    assert.match(stdout, /^[\w-]+\.[\w-]+\.[\w-]+\n$/)
    assert.ok(await gateway.verify(stdout.trim()))
    assert.match(stderr, /^refreshed; expires \d{4}-/)
    assert.ok(!stderr.includes(stdout.slice(0, 8)))
  })

  test('headers come from the arguments and from files', async (t) => {
    const { gateway, url, fresh } = await world(t)
    const folder = mkdtempSync(join(tmpdir(), 'bin-'))
    t.after(() => rmSync(folder, { recursive: true }))
    const file = join(folder, 'headers')
    writeFileSync(file, 'x-api-key: the key\r\n\nx-user-ip:203.0.113.7\n')
    assert.equal((await run(t, ['refresh', '--base-url', url, '--header', 'x-one: 1', '--header', `@${file}`], { token: fresh })).code, 0)
    const [{ headers }] = gateway.requests
    assert.deepEqual([headers['x-one'], headers['x-api-key'], headers['x-user-ip']], ['1', 'the key', '203.0.113.7'])
  })

  test('the exit code is 11 for an expired token and 12 for an invalid one, without a request', async (t) => {
    const { gateway, url, expired } = await world(t)
    for (const [token, code, name] of [[expired, 11, 'ERR_TOKEN_EXPIRED'], ['x', 12, 'ERR_INVALID_TOKEN']]) {
      const ended = await run(t, ['refresh', '--base-url', url], { token })
      assert.equal(ended.code, code)
      assert.equal(ended.stdout, '')
      assert.match(ended.stderr, new RegExp(`^transak-user-token: ${name}: `))
    }
    assert.equal(gateway.requests.length, 0)
  })

  test('the exit code is 1 for a failure, and the message says what helps', async (t) => {
    const { gateway, url, fresh } = await world(t)
    gateway.fail({ kind: 'error', status: 403 })
    const { code, stdout, stderr } = await run(t, ['refresh', '--base-url', url], { token: fresh })
    assert.equal(code, 1)
    assert.equal(stdout, '')
    assert.match(stderr, /^transak-user-token: ERR_FORBIDDEN: .*403.*\nchange the call or its configuration; requests sent: 1\n$/)
  })

  test('a lost answer says that the old token may be gone', async (t) => {
    const { gateway, url, fresh } = await world(t)
    gateway.fail({ kind: 'error', status: 502 }, { times: Infinity })
    const { code, stderr } = await run(t, ['refresh', '--base-url', url], { token: fresh })
    assert.equal(code, 1)
    assert.match(stderr, /ERR_SERVER[^]*try again later; requests sent: 3\nno usable answer came: the old token may no longer work\n$/)
  })

  test('the exit code is 2 for invalid options, and no request is made', async (t) => {
    const { gateway, url, fresh } = await world(t)
    for (const args of [
      ['--environment', 'moon'], ['--base-url', 'nowhere'], ['--base-url', `${url}/?a=b`], ['--base-url', 'http://example.com'],
      ['--header', 'authorization: x'], ['--header', 'no colon'], ['--header', '@/no/such/file'], ['--header', 'bad name: x'],
    ]) {
      const { code, stdout, stderr } = await run(t, ['refresh', '--base-url', url, ...args], { token: fresh })
      assert.equal(code, 2, args.join(' '))
      assert.equal(stdout, '')
      assert.match(stderr, /^transak-user-token: .+\nTry: transak-user-token --help\n$/)
    }
    assert.equal(gateway.requests.length, 0)
  })
})

describe('gateway', () => {
  const listening = async (t, ...args) => {
    const child = start(t, ['gateway', ...args])
    const [, url] = await printed(child, 'stdout', /answers at (http:\S+) [^]*--base-url \S+\n/)
    return { child, url }
  }
  const login = async (url) => {
    const post = async (path, body) => (await (await fetch(`${url}/api/v2/auth/${path}`, { method: 'POST', body: JSON.stringify(body) })).json()).data
    const user = { apiKey: 'key', email: 'user@example.com' }
    const { stateToken } = await post('login', user)
    return (await post('verify', { ...user, stateToken, otp: '123456' })).accessToken
  }

  test('it serves the three calls, and prints each without its query', async (t) => {
    const { child, url } = await listening(t, '--lifetime', '12h')
    const token = await login(url)
    const status = tokenStatus(token)
    assert.equal(status.expiresAt - status.issuedAt, 12 * 3_600_000)
    const { code, stdout } = await run(t, ['refresh', '--base-url', url], { token })
    assert.equal(code, 0)
    await fetch(`${url}/${token}?token=${token}`)
    await printed(child, 'stdout', /Z POST \/api\/v2\/auth\/login\n.*Z POST \/api\/v2\/auth\/verify\n.*Z GET \/api\/v2\/auth\/refresh\n.*Z GET \/.*\n/)
    for (const secret of [token, stdout]) for (const part of secret.split('.')) assert.ok(!child.stdoutText.includes(part.slice(0, 24)))
  })

  test('--fail lets the next refreshes fail, in order', async (t) => {
    const { url } = await listening(t, '--fail', '503:2', '--fail', '429', '--fail', 'drop')
    const authorization = await login(url)
    const refresh = () => fetch(`${url}/api/v2/auth/refresh`, { headers: { authorization, origin: 'http://page.test' } }).then(({ status }) => status, () => 'dropped')
    const outcomes = []
    for (let i = 0; i < 5; i++) outcomes.push(await refresh())
    assert.deepEqual(outcomes, [503, 503, 429, 'dropped', 200])
  })

  test('the exit code is 1 if the port is in use', async (t) => {
    const { url } = await world(t)
    const { code, stderr } = await run(t, ['gateway', '--port', new URL(url).port])
    assert.equal(code, 1)
    assert.equal(stderr, 'transak-user-token: the port cannot be used: EADDRINUSE\n')
  })

  test('the exit code is 2 for invalid options', async (t) => {
    for (const args of [
      ['--lifetime', '12'], ['--lifetime', '0s'], ['--lifetime', '99999999d'], ['--lifetime', '-1s'], ['--port', '65536'], ['--port', 'x'],
      ['--fail', 'nothing'], ['--fail', '199'], ['--fail', 'hang:0'], ['--fail', 'toString'],
    ]) assert.equal((await run(t, ['gateway', ...args])).code, 2, args.join(' '))
  })
})

describe('arguments', () => {
  test('--help fits a screen of 24 lines and 80 columns', async (t) => {
    for (const args of [['--help'], ['-h'], ['status', '--help']]) {
      const { code, stdout, stderr } = await run(t, args)
      assert.equal(code, 0)
      assert.equal(stderr, '')
      const lines = stdout.trimEnd().split('\n')
      assert.ok(lines.length < 24)
      for (const line of lines) assert.ok(line.length <= 80, line)
    }
  })

  test('--version prints the version of the package', async (t) => {
    const { createRequire } = await import('node:module')
    const { version } = createRequire(import.meta.url)('transak-user-token/package.json')
    assert.equal((await run(t, ['--version'])).stdout, `${version}\n`)
  })

  test('a token among them is refused and not repeated', async (t) => {
    const { fresh } = await world(t)
    for (const args of [
      [fresh], ['status', fresh], ['refresh', fresh], ['refresh', `--${fresh}`], ['refresh', '--token', fresh], ['refresh', `--token=${fresh}`],
      ['refresh', '--base-url', fresh], ['refresh', '--header', `authorization: ${fresh}`], ['refresh', '--header', `x: Bearer ${fresh}`],
      ['gateway', '--fail', fresh], ['status', '--', fresh], ['status', '--help', fresh],
    ]) {
      const { code, stdout, stderr } = await run(t, args, { token: fresh })
      assert.equal(code, 2)
      assert.equal(stdout, '')
      assert.match(stderr, /a token comes from TRANSAK_TOKEN or from standard input/)
      for (const part of fresh.split('.')) assert.ok(!stderr.includes(part.slice(0, 8)))
    }
  })

  test('a host or a file with "ey" in its name is not taken for a token', async (t) => {
    for (const value of ['https://keycloak.example.com', 'https://journeys-and-monkeys.example.com', 'https://eyewear-online-shop.example.com']) {
      const { code } = await run(t, ['refresh', '--base-url', value], { token: 'x' })
      assert.equal(code, 12, value)
    }
    const { stderr } = await run(t, ['refresh', '--header', '@no/such/keys.txt'], { token: 'x' })
    assert.match(stderr, /the file of --header cannot be read/)
  })

  test('nothing that may be a secret is repeated', async (t) => {
    for (const args of [['SECRETsecret'], ['status', 'SECRETsecret'], ['status', '--SECRETsecret'], ['status', '--json=SECRETsecret'], ['status', '-SECRETsecret'], ['refresh', '--environment', 'SECRETsecret'], ['refresh', '--header', 'x SECRETsecret']]) {
      const { code, stderr } = await run(t, args, { token: 'x' })
      assert.equal(code, 2, args.join(' '))
      assert.doesNotMatch(stderr, /SECRETsecret/)
    }
  })

  test('the exit code is 2 for wrong arguments, and the message says what is wrong', async (t) => {
    for (const [args, message] of [
      [[], 'a command is missing'], [['statu'], 'the first argument is status, refresh or gateway'], [['status', 'now'], 'status takes options only'],
      [['status', '--jsn'], 'status has no --jsn'], [['status', '--base-url', 'x'], 'status has no --base-url'], [['refresh', '--json'], 'refresh has no --json'],
      [['status', '--json=1'], '--json takes no value'], [['refresh', '--base-url'], '--base-url needs a value'], [['refresh', '--base-url='], '--base-url needs a value'],
      [['refresh', '--header', '--environment'], '--header needs a value'], [['status', '-x'], 'status has no --x'],
    ]) {
      const { code, stdout, stderr } = await run(t, args, { token: 'x' })
      assert.equal(code, 2, args.join(' '))
      assert.equal(stdout, '')
      assert.ok(stderr.startsWith(`transak-user-token: ${message}`), stderr)
    }
  })
})

describe('a closed pipe', () => {
  test('ends the command without a message, and the exit code is that of the state', async (t) => {
    const { expiring } = await world(t)
    for (const args of [['status'], ['status', '--json']]) {
      const child = start(t, args)
      child.stdout.destroy()
      await once(child.stdout, 'close')
      child.stdin.end(expiring)
      const [code] = await once(child, 'close')
      assert.deepEqual([code, child.stderrText], [10, undefined])
    }
  })

  test('a new token that nobody reads is a failure', async (t) => {
    const { url, fresh } = await world(t)
    const child = start(t, ['refresh', '--base-url', url])
    child.stdout.destroy()
    await once(child.stdout, 'close')
    child.stdin.end(fresh)
    const [code] = await once(child, 'close')
    assert.equal(code, 1)
    assert.doesNotMatch(child.stderrText ?? '', /EPIPE|Error/)
  })

  test('ends the gateway at its next line', async (t) => {
    const child = start(t, ['gateway'])
    const [, url] = await printed(child, 'stdout', /answers at (http:\S+) [^]*--base-url \S+\n/)
    child.stdout.destroy()
    await once(child.stdout, 'close')
    const closed = once(child, 'close')
    await fetch(url).catch(() => {})
    assert.deepEqual(await closed, [0, null])
    assert.equal(child.stderrText, undefined)
  })

  test('of standard error changes nothing', async (t) => {
    const { url, fresh } = await world(t)
    const child = start(t, ['refresh', '--base-url', url])
    child.stderr.destroy()
    await once(child.stderr, 'close')
    child.stdin.end(fresh)
    const [code] = await once(child, 'close')
    assert.equal(code, 0)
    assert.equal(tokenStatus(child.stdoutText).state, 'fresh')
  })
})

test('without WebAssembly it says so in one line', async (t) => {
  const { code, stderr } = await run(t, ['status'], { token: 'x', nodeOptions: ['--jitless'] })
  assert.equal(code, 1)
  assert.match(stderr, /transak-user-token: ERR_WASM_UNAVAILABLE: .*\n$/)
  assert.doesNotMatch(stderr, /^ *at /m)
})

test('the file is executable', () => {
  assert.equal(statSync(BIN).mode & 0o111, 0o111)
})
