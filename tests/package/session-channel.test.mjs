// Messages between sessions: there is one channel for each realm, and a message does not cause too many looks at the store.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { describe, test } from 'node:test'
import { promisify } from 'node:util'
import { TokenSession } from 'transak-user-token'
import { clock } from './session.clock.mjs'
import { MINUTE, SECOND, memory, next, turn, unique, world } from './session.world.mjs'

/** Another tab, which may send any message. */
function tab(t, key) {
  const channel = new BroadcastChannel('transak-user-token')
  channel.unref()
  t.after(() => channel.close())
  return { tell: (what) => channel.postMessage({ name: `transak-user-token:${key}`, what }), channel }
}

describe('the channel', () => {
  test('is one for all sessions of a realm, of all copies of the package, and closed with the last of them', async () => {
    const script = `import { createRequire } from 'node:module'; import * as module from 'transak-user-token';
      let open = 0, opened = 0;
      globalThis.BroadcastChannel = class { constructor() { open++; opened++; } postMessage() {} close() { open--; } unref() {} };
      const twin = createRequire(import.meta.url)('./node_modules/transak-user-token/index.cjs'), sessions = [];
      for (let i = 0; i < 50; i++) for (const { TokenSession } of [module, twin]) {
        sessions.push(new TokenSession(null, { environment: 'staging', storage: new Map(), key: 'user-' + i % 7 }));
      }
      const counts = [open, opened];
      for (const session of sessions) session.dispose();
      await new Promise(setImmediate);
      console.log(...counts, open);`
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { cwd: import.meta.dirname })
    assert.equal(stdout, '1 1 0\n')
  })

  test('is closed again after a call of a session that was disposed of, and after dispose() without a storage area', async () => {
    const script = `import { TokenSession, webStorage } from 'transak-user-token'; import { createGateway } from 'transak-user-token/gateway';
      let open = 0;
      globalThis.BroadcastChannel = class { constructor() { open++; } postMessage() {} close() { open--; } unref() {} };
      const token = await createGateway().issue(), counts = [];
      for (const storage of [new Map(), webStorage(() => null)]) {
        const session = new TokenSession(token, { environment: 'staging', storage, key: 'user' });
        await session.accessToken();
        session.dispose();
        await session.accessToken();
        await new Promise((resolve) => setTimeout(resolve));
        counts.push(open);
      }
      console.log(...counts);`
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { cwd: import.meta.dirname })
    assert.equal(stdout, '0 0\n')
  })

  test('keeps no session that nobody holds any more', async () => {
    const script = `import { TokenSession } from 'transak-user-token'; import { createGateway } from 'transak-user-token/gateway';
      const token = await createGateway().issue(), references = [];
      for (let i = 0; i < 100; i++) {
        const session = new TokenSession(token, { environment: 'staging', storage: new Map(), key: 'user-' + i });
        await session.accessToken();
        references.push(new WeakRef(session));
      }
      for (let i = 0; i < 20; i++) { await new Promise((resolve) => setTimeout(resolve, 10)); gc(); }
      console.log(references.filter((reference) => reference.deref()).length < 10);`
    const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', '--input-type=module', '-e', script], { cwd: import.meta.dirname })
    assert.equal(stdout, 'true\n')
  })

  test('may carry an unknown or invalid message, which has no effect', async (t) => {
    const { open, fresh } = await world(t)
    const key = unique(), storage = memory(), session = open(fresh, { storage, key }), other = tab(t, key)
    await session.accessToken()
    const { length } = storage.calls
    for (const what of [null, undefined, 1, {}, 'Cleared', ['cleared'], new Uint8Array(5)]) other.tell(what)
    for (const message of [null, 'cleared', 1, { what: 'cleared' }, { name: 'another', what: 'cleared' }]) other.channel.postMessage(message)
    const heard = next(session, 'cleared')
    other.tell('cleared')
    await heard
    assert.deepEqual(session.heard, ['cleared'])
    assert.ok(storage.calls.slice(length).every(([method]) => method !== 'set'))
  })
})

test('2,000 messages lead to a few looks, and the last message is not missed', async (t) => {
  const time = clock(t)
  const { open, aged } = await world(t, { listen: false, now: () => Date.now() })
  const key = unique(), storage = memory(), session = open(await aged(2), { storage, key }), other = tab(t, key)
  await session.accessToken()
  const { length } = storage.calls, last = new Promise((resolve) => {
    const own = new BroadcastChannel('transak-user-token')
    own.onmessage = ({ data }) => data.what === 'last' && (own.close(), resolve())
  })
  for (let count = 0; count < 2_000; count++) other.tell('refreshed')
  other.tell('last')
  await last
  const newer = await aged(1)
  storage.map.set(key, newer)
  await time.advance(5 * SECOND)
  assert.ok(storage.calls.length - length <= 4, `${storage.calls.length - length} calls`)
  assert.equal(await session.accessToken(), newer)
})

test('a page that was frozen looks at the store before a call gets a token, although it got no message', async () => {
  const script = `const listeners = {}; globalThis.addEventListener = (type, listener) => (listeners[type] ??= []).push(listener);
    const { TokenSession } = await import('transak-user-token'); const { createGateway } = await import('transak-user-token/gateway');
    let open = 0; globalThis.BroadcastChannel = class { constructor() { open++; } postMessage() {} close() { open--; } };
    const token = await createGateway().issue(), storage = new Map([['user', token]]), heard = [];
    const session = await TokenSession.open({ environment: 'staging', storage, key: 'user' });
    session.addEventListener('cleared', () => heard.push('cleared'));
    await session.accessToken();
    for (const hide of listeners.pagehide) hide({ persisted: true });
    heard.push(open);
    storage.clear();
    heard.push(await session.accessToken().catch(({ code }) => code));
    for (const show of listeners.pageshow) show({ persisted: true });
    heard.push(open);
    console.log(heard.join());`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { cwd: import.meta.dirname })
  assert.equal(stdout, '0,cleared,ERR_INVALID_TOKEN,1\n')
})

test('after two replace() at once both sessions hold the stored token', async (t) => {
  const { open, fresh, aged } = await world(t)
  const key = unique(), storage = memory(), sessions = [open(fresh, { storage, key }), open(fresh, { storage, key })]
  await Promise.all(sessions.map((session) => session.accessToken()))
  await Promise.all([sessions[0].replace(await aged(3)), sessions[1].replace(await aged(2))])
  const end = Date.now() + MINUTE
  while (new Set(await Promise.all([...sessions.map((session) => session.accessToken()), storage.map.get(key)])).size > 1) {
    assert.ok(Date.now() < end, 'in time')
    await new Promise(setImmediate)
  }
})

for (const [how, login] of [['the constructor', (...given) => new TokenSession(...given)], ['login()', TokenSession.login]]) {
  test(`a login by ${how} that follows clear() at once is not lost, although clear() has not resolved`, async (t) => {
    const { open, adopt, aged, baseUrl } = await world(t)
    const key = unique(), storage = memory(), first = open(await aged(1), { storage, key }), token = await aged(0)
    await first.accessToken()
    const cleared = first.clear(), second = adopt(await login(token, { baseUrl, storage, key }))
    await cleared
    assert.equal(await second.accessToken(), token)
    assert.equal(storage.map.get(key), token)
  })
}

test('a login by replace() that follows the clear() of another session of the key at once is not lost', async (t) => {
  const { open, aged } = await world(t)
  const key = unique(), storage = memory(), token = await aged(1), next = await aged(0)
  const [first, second] = [open(token, { storage, key }), open(token, { storage, key })]
  await Promise.all([first.accessToken(), second.accessToken()])
  await Promise.all([first.clear(), second.replace(next)])
  assert.equal(await second.accessToken(), next)
  assert.equal(storage.map.get(key), next)

  // In the other order the logout counts.
  await Promise.all([second.replace(await aged(0)), first.clear()])
  await assert.rejects(second.accessToken(), { code: 'ERR_INVALID_TOKEN' })
  assert.equal(storage.map.get(key), undefined)
})

test('a login() that follows the clear() of another session at once is stored, whatever the age of its token', async (t) => {
  const { open, adopt, aged, baseUrl } = await world(t)
  for (const held of [null, await aged(2)]) {
    const key = unique(), storage = memory(), token = await aged(1), options = { baseUrl, storage, key }
    // The look of the first session is under way, and its delete waits for that.
    const cleared = open(held, options).clear()
    const session = adopt(await TokenSession.login(token, options))
    await cleared
    assert.deepEqual([session.snapshot().stored, storage.map.get(key), await session.accessToken()], [true, token, token])
    assert.ok(!session.heard.includes('storageerror'))
  }
})

test('a delete that failed is not tried again once another session has logged in, even if its token is older than the logout', async (t) => {
  const { open, adopt, aged, baseUrl } = await world(t)
  const key = unique(), storage = memory(), token = await aged(1), first = open(await aged(2), { storage, key })
  await first.accessToken()
  Object.assign(storage, { fault: () => { throw new Error('down') }, only: 'delete' })
  await assert.rejects(first.clear(), { code: 'ERR_STORAGE' })
  const second = adopt(await TokenSession.login(token, { baseUrl, storage, key }))
  storage.fault = null
  for (const end = Date.now() + 30_000; Date.now() < end && await first.accessToken().catch(() => {}) !== token;) await turn()
  assert.equal(await first.accessToken(), token)
  assert.deepEqual([storage.map.get(key), await second.accessToken()], [token, token])
})

test('a logout in another tab that was told before a login here, and is heard after it, does not end that login', async (t) => {
  const { open, aged } = await world(t)
  const key = unique(), storage = memory(), session = open(await aged(1), { storage, key }), token = await aged(0), at = Date.now() - 1
  await session.accessToken()
  await session.replace(token)
  const channel = new BroadcastChannel('transak-user-token'), looked = new Promise((resolve) => { storage.fault = () => (storage.fault = null, resolve(), token) })
  t.after(() => channel.close())
  channel.postMessage({ name: `transak-user-token:${key}`, what: 'cleared', at })
  await looked
  assert.equal(await session.accessToken(), token)
  assert.equal(storage.map.get(key), token)
  assert.deepEqual(session.heard, ['replaced'])
})

test('a logout that was told before a look adopted the next login does not end that login, however often it is heard', async (t) => {
  for (const sub of ['user@example.com', 'ann@example.com']) {
    const { open, aged } = await world(t)
    const key = unique(), storage = memory(), session = open(await aged(1), { storage, key }), token = await aged(0, { sub })
    await session.accessToken()
    const channel = new BroadcastChannel('transak-user-token'), tell = (what, at) => channel.postMessage({ name: `transak-user-token:${key}`, what, at })
    t.after(() => channel.close())
    // A worker logs out and in again while this realm is busy. Its first message is heard after this session has looked.
    const at = Date.now() - 1, adopted = next(session, 'replaced')
    storage.map.set(key, token)
    tell('replaced', Date.now())
    await adopted
    const { length } = storage.calls, looked = new Promise((resolve) => { storage.fault = () => (storage.fault = null, resolve(), token) })
    for (let times = 0; times < 200; times++) tell('cleared', at)
    await looked
    assert.equal(await session.accessToken(), token)
    assert.equal(storage.map.get(key), token)
    assert.ok(!session.heard.includes('cleared'))
    assert.ok(storage.calls.length - length < 10, `${storage.calls.length - length} calls of the store`)

    // If the store is empty by then, it is a logout all the same.
    storage.map.delete(key)
    const cleared = next(session, 'cleared')
    tell('cleared', at)
    await cleared
  }
})

test('a logout that a page hears late, because it was frozen, does not end the login that followed it', async (t) => {
  const { open, aged } = await world(t)
  const key = unique(), storage = memory(), session = open(await aged(1), { storage, key }), token = await aged(0)
  await session.accessToken()
  const channel = new BroadcastChannel('transak-user-token')
  channel.unref()
  t.after(() => channel.close())
  // Another tab has logged out and in again. The page wakes, looks at the store, and then gets the messages.
  storage.map.set(key, token)
  const adopted = next(session, 'refreshed')
  dispatch('returned')
  await adopted
  const looked = new Promise((resolve) => { storage.fault = () => (storage.fault = null, resolve(), token) })
  dispatch('cleared', Date.now() - MINUTE)
  await looked
  assert.equal(await session.accessToken(), token)
  assert.equal(storage.map.get(key), token)

  // If the store is empty, the late message is still a logout.
  storage.map.delete(key)
  const heard = next(session, 'cleared')
  dispatch('cleared', Date.now() - MINUTE)
  await heard
  assert.deepEqual(session.heard, ['refreshed', 'cleared'])

  function dispatch(what, at = Date.now()) {
    channel.postMessage({ name: `transak-user-token:${key}`, what, at })
  }
})
