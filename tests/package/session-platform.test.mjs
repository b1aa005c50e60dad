// A session also works on a platform that lacks or refuses a feature.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { describe, test } from 'node:test'
import { promisify } from 'node:util'

/** How often a session of this test may read its store. It needs eight reads, and a loop would make thousands. */
const MOST_READS = 20

describe('a platform', { concurrency: true }, () => {
  /** Runs in a process of its own. First it removes the feature that the platform lacks or refuses. */
  const run = async (taken) => {
    const script = `import { createGateway } from 'transak-user-token/gateway'; import { TokenSession, refreshAccessToken, tokenStatus } from 'transak-user-token';
      const { issue } = createGateway(), now = Math.floor(Date.now() / 1000), token = await issue({ iat: now - 29 * 86_400, exp: now + 86_400 });
      const answers = [await issue(), await issue({ exp: now + 31 * 86_400 })], last = await issue({ exp: now + 40 * 86_400 }), map = new Map([['a', token]]), heard = [];
      new Headers(), new Response(''), new Request('http://localhost'), globalThis.crypto;   // each loads its own parts first
      ${taken}
      let reads = 0;
      const storage = { get: (key) => { reads++; return map.get(key) }, set: (key, value) => { map.set(key, value) }, delete: (key) => { map.delete(key) } };
      const fetch = async () => new Response(JSON.stringify({ data: { accessToken: answers.shift() } }));
      const session = await TokenSession.open({ environment: 'staging', storage, key: 'a', fetch });
      for (const type of ['refreshed', 'refreshfailed', 'storageerror']) session.addEventListener(type, () => heard.push(type));
      session.start();
      const renewed = await session.accessToken(), { accessToken } = await session.refresh();
      console.log(renewed !== token, accessToken !== renewed, map.get('a') === accessToken, answers.length, heard.join());
      await session.clear();
      session.stop();
      await new Promise((resolve) => setTimeout(resolve, 100));   // a loop would read thousands of times in that time
      const single = async () => new Response(JSON.stringify({ data: { accessToken: last } }));
      const once = await refreshAccessToken(renewed, { environment: 'staging', fetch: single });
      console.log(map.size, tokenStatus(once.accessToken).state, reads);`
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { cwd: import.meta.dirname, timeout: 60_000 })
    const [said, reads] = stdout.trim().split(/ (?=\d+$)/)
    assert.equal(said, 'true true true 0 refreshed,refreshed\n0 fresh')
    assert.ok(Number(reads) <= MOST_READS, `${reads} reads`)
  }

  test('whose BroadcastChannel throws, as Firefox\'s does with cookies blocked, keeps a session', () =>
    run("globalThis.BroadcastChannel = class { constructor() { throw new DOMException('The operation is insecure.', 'SecurityError') } };"))

  test('that lacks nothing checks, refreshes and keeps a session with a store', () => run(''))

  for (const name of ['AbortController', 'TextEncoder', 'TextDecoder', 'BroadcastChannel', 'crypto', 'FinalizationRegistry', 'WeakRef']) {
    test(`without ${name} checks, refreshes and keeps a session with a store, and nothing loops`, () => run(`delete globalThis.${name};`))
  }

  for (const [name, value] of [['storage', '{ get() { throw 1 }, set() { throw 1 }, delete() { throw 1 } }'], ['baseUrl', "'https://evil.example'"], ['lock', '() => {}']]) {
    test(`whose Object.prototype has a \`${name}\` keeps a session: it is no option`, () =>
      run(`Object.prototype.${name} = ${value};`))
  }

  test('whose Web Locks throw, as those of a content script may, keeps a session', () =>
    run("Object.defineProperty(globalThis, 'navigator', { value: { locks: { request() { throw new DOMException('no', 'SecurityError') } } } });"))
})

test('two sessions and two calls of a content script in Firefox, whose Web Locks hold nothing and whose functions differ at each read, make one request for each token', async () => {
  const script = `import { createGateway } from 'transak-user-token/gateway'; import { TokenSession, refreshAccessToken } from 'transak-user-token';
    const { setTimeout } = globalThis;
    Object.defineProperty(globalThis, 'setTimeout', { get: () => (...given) => setTimeout(...given) });
    const gateway = createGateway({ revoke: true }), map = new Map(), now = Math.floor(Date.now() / 1000);
    const request = async (name, options, callback) => { callback(); throw new Error('Permission denied to access property "then"') };
    Object.defineProperty(globalThis, 'navigator', { value: { locks: { request } } });
    map.set('a', await gateway.issue({ iat: now - 29 * 86_400, exp: now + 86_400 }));
    let store, isAsked;
    const stored = new Promise((resolve) => { store = resolve }), asked = new Promise((resolve) => { isAsked = resolve });
    const storage = { get: (key) => map.get(key), delete: (key) => { map.delete(key) }, async set(key, value) { isAsked(); await stored; map.set(key, value) } };
    const fetch = (url, { headers }) => gateway.fetch(new Request(url, { headers }));
    const open = () => TokenSession.open({ environment: 'staging', storage, key: 'a', fetch });
    const [first, second] = [await open(), await open()], refreshing = [first.refresh()];
    await asked;   // the token of the first is not stored yet
    refreshing.push(second.refresh());
    await new Promise(setImmediate);
    store();
    const outcomes = await Promise.allSettled(refreshing);
    Object.defineProperty(globalThis, 'fetch', { get: () => (...given) => fetch(...given) });
    const calls = [1, 2].map(() => refreshAccessToken(map.get('a'), { environment: 'staging' }));
    outcomes.push(...await Promise.allSettled(calls));
    console.log(gateway.refreshes(), outcomes.map(({ status, reason }) => reason?.code ?? status).join());`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { cwd: import.meta.dirname, timeout: 60_000 })
  assert.equal(stdout, '2 fulfilled,fulfilled,fulfilled,fulfilled\n')
})

test('errors and events work if Object.prototype has a `get` and a `set`', async () => {
  const script = `import { TokenSession, refreshAccessToken } from 'transak-user-token';
    new Headers();   // which Node loads by a descriptor of its own
    Object.prototype.get = Object.prototype.set = () => 1;
    const error = await refreshAccessToken('x').catch((error) => error), heard = [];
    const session = new TokenSession(null, { environment: 'staging' });
    session.addEventListener('replaced', ({ type }) => heard.push(type));
    await session.replace('e30.eyJleHAiOjQwMDAwMDAwMDB9.c2ln');
    console.log(error.code, error.reason, heard.join());`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { cwd: import.meta.dirname, timeout: 60_000 })
  assert.equal(stdout, 'ERR_INVALID_TOKEN not_a_jwt replaced\n')
})
