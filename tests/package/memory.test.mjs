// After a call no secret is left in the wasm's memory, and the package keeps no object of the caller.
// The engine decides what is left of JavaScript's own strings.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import test from 'node:test';
import { promisify } from 'node:util';
import { createGateway } from 'transak-user-token/gateway';

const { Instance } = WebAssembly, DAY_S = 86_400;
/** The memory of every instance, whichever build of the crate it is of. */
const memories = [];

// This class is replaced before the package is loaded. The first call makes the instance.
WebAssembly.Instance = class extends Instance {
  constructor(...given) {
    super(...given);
    memories.push(...Object.values(this.exports).filter((value) => value instanceof WebAssembly.Memory));
  }
};
const main = await import('transak-user-token');
const { workers } = await import('./workers.mjs');
const { createRefreshHandler } = await import('transak-user-token/server');

/** Returns the parts of a text. So a part is found even if the rest of the text is overwritten. */
const parts = (text) => Array.from({ length: Math.floor(text.length / 8) }, (_, at) => text.slice(8 * at, 8 * at + 8));
/** Returns a token without its header, which is the same in all tokens. */
const own = (token) => token.slice(token.indexOf('.') + 1);

/** Returns how many parts of which secrets are in any memory, as bytes of UTF-8 or UTF-16. */
function left(secrets) {
  const found = {};
  for (const [name, secret] of Object.entries(secrets)) {
    const isThere = (bytes) => memories.some(({ buffer }) => Buffer.from(buffer).includes(bytes));
    const count = parts(secret).filter((part) => isThere(Buffer.from(part, 'utf8')) || isThere(Buffer.from(part, 'utf16le'))).length;
    if (count) found[name] = count;
  }
  return found;
}

let users = 0;
/** A gateway without a socket, and secrets that must not be found. Each test has another user. */
async function world() {
  const gateway = createGateway(), sub = `somebody-${++users}-of-a-kind@mail.test`, key = `k3y-number-${users}-0f-the-partner`, now = Math.floor(Date.now() / 1000);
  const token = await gateway.issue({ sub, iat: now - 29 * DAY_S, exp: now + DAY_S });
  const fetch = (url, init) => gateway.fetch(new Request(url, { headers: init.headers }));
  return { gateway, token, secrets: { old: own(token), sub, key }, options: { baseUrl: 'https://gateway.test', fetch, headers: { 'x-api-key': key } } };
}

/** Waits until the last reactions to a promise have run. */
const turn = () => new Promise(setImmediate);

test('the test finds a secret that is in a memory', async () => {
  const memory = new WebAssembly.Memory({ initial: 1 });
  memories.push(memory);
  Buffer.from(memory.buffer).write('--a-secret-of-16-', 7);
  Buffer.from(memory.buffer).write('another-one-here', 101, 'utf16le');
  assert.deepEqual(left({ utf8: '-a-secret-of-16-', utf16: 'another-one-here', none: 'not-there-at-all' }), { utf8: 2, utf16: 2 });
  memories.pop();
});

for (const [name, { refreshAccessToken, ensureFreshToken, tokenStatus, tokenStatuses }] of [['the main entry', main], ['Workers', workers]]) {
  test(`no token is left in the memory after a check: ${name}`, async () => {
    const { token, secrets } = await world();
    for (const given of [token, `  ${token}\n`, token.padEnd(16_384), token.padEnd(20_000), `${token}é`, `Bearer ${token}`, `${token}=`]) tokenStatus(given);
    tokenStatuses([token, token], { now: 0 });
    assert.deepEqual(left(secrets), {});
  });

  test(`no token, claim or header is left in the memory after a refresh: ${name}`, async () => {
    const { token, secrets, options } = await world();
    const { accessToken } = await refreshAccessToken(token, options);
    const again = await ensureFreshToken(accessToken.replace(/^/, ' '), options);
    await turn();
    assert.equal(again.refreshed, false);
    assert.deepEqual(left({ ...secrets, new: own(accessToken) }), {});
  });

  test(`no token, claim or header is left in the memory after a refresh that failed: ${name}`, async () => {
    const { gateway, token, secrets, options } = await world();
    const foreign = await gateway.issue({ sub: 'another-user@example.com' });
    const body = JSON.stringify({ data: { accessToken: foreign }, error: { errorCode: secrets.sub, message: token } });
    const response = (status) => async () => new Response(body, { status, headers: { 'trace-id': secrets.key } });
    const controller = new AbortController(), aborted = { ...options, signal: controller.signal, fetch: () => new Promise(() => controller.abort()) };
    for (const given of [
      { ...options, fetch: response(401) }, { ...options, fetch: response(200) }, { ...options, retries: 1, fetch: response(503) },
      { ...options, timeoutMs: 1, retries: 0, fetch: () => new Promise(() => {}) }, aborted,
      { ...options, headers: { ...options.headers, authorization: token } }, { ...options, baseUrl: `https://${secrets.key}:${secrets.sub}@gateway.test` },
    ]) await assert.rejects(refreshAccessToken(token, given));
    await turn();
    assert.deepEqual(left({ ...secrets, foreign: own(foreign) }), {});
  });

  test(`no token with other characters is left in the memory: ${name}`, async () => {
    const { token, secrets, options } = await world();
    // Characters outside ASCII make the copy grow and shrink.
    for (const given of [`${token}é`, `${token}${'é'.repeat(999)}`]) await assert.rejects(refreshAccessToken(given, options), { code: 'ERR_INVALID_TOKEN' });
    await turn();
    assert.deepEqual(left(secrets), {});
  });

  test(`no token is left in the memory when a session has ended: ${name}`, async () => {
    const { token, secrets, options } = await world(), { TokenSession } = name === 'Workers' ? workers : main;
    const map = new Map(), storage = { get: (key) => map.get(key), set: (key, value) => map.set(key, value), delete: (key) => map.delete(key) };
    for (const more of [{}, { storage, key: secrets.sub }]) {
      const session = new TokenSession(token, { ...options, ...more });
      const first = await session.accessToken();
      await session.refresh();
      const second = await session.accessToken();
      session.status();
      await session.replace(token);
      await session.clear();
      session.dispose();
      await turn();
      assert.notEqual(first, token);
      assert.notEqual(second, token);
      assert.deepEqual(left({ ...secrets, first: own(first), second: own(second) }), {});
    }
  });
}

test('the route keeps the new token for a client that asks again, and no other secret', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
  const { token, secrets, options: { baseUrl, fetch }, gateway } = await world();
  const handle = createRefreshHandler({ baseUrl, fetch, apiKey: secrets.key, allowedOrigins: [], allowServerCalls: true, authorize: 'none', userIp: () => '203.0.113.77' });
  const ask = async (given) => (await handle(new Request('https://api.test/api/v2/auth/refresh', { headers: { authorization: given } }))).json();
  const { data: { accessToken } } = await ask(token);
  assert.deepEqual(await ask(token), { data: { accessToken } });
  // The old token and the new one begin alike.
  const [, , signature] = token.split('.');
  assert.deepEqual(Object.keys(left({ ...secrets, old: signature, new: own(accessToken) })), ['new']);
  t.mock.timers.tick(10 * 60_000);
  const other = await gateway.issue({ sub: 'another-user@example.com' });
  gateway.fail({ kind: 'error', status: 401 });
  assert.ok((await ask(other)).error);
  assert.deepEqual(left({ ...secrets, new: own(accessToken), other: own(other) }), {});
});

test("the last call's `fetch`, headers and signal are not kept, nor are a session's", async () => {
  const script = `
    import { TokenSession, refreshAccessToken } from 'transak-user-token';
    import { createGateway } from 'transak-user-token/gateway';
    const gateway = createGateway(), now = Math.floor(Date.now() / 1000), kept = {};
    const given = async (name, call) => {
      const token = await gateway.issue({ iat: now - ${29 * DAY_S}, exp: now + ${DAY_S} });
      const fetch = (url, init) => gateway.fetch(new Request(url, { headers: init.headers }));
      const headers = { 'x-api-key': 'k3y' }, { signal } = new AbortController(), options = { baseUrl: 'https://gateway.test', fetch, headers };
      for (const [what, value] of Object.entries({ fetch, headers, signal, options })) kept[name + ' ' + what] = new WeakRef(value);
      await call(token, options, signal);
    };
    await given('refresh', (token, options, signal) => refreshAccessToken(token, { ...options, signal }));
    await given('failure', (token, options, signal) => refreshAccessToken(token, { ...options, signal, baseUrl: 'ftp://none' }).catch(() => {}));
    await given('session', async (token, options, signal) => {
      const session = new TokenSession(token, options);
      await session.accessToken({ signal });
      await session.clear();
      session.dispose();
    });
    const left = () => Object.keys(kept).filter((name) => kept[name].deref());
    // deref() keeps an object alive until the end of the turn.
    for (let turns = 0; turns < 20 && left().length; turns++) {
      await new Promise(setImmediate);
      gc();
    }
    console.log(JSON.stringify(left()));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', '--input-type=module', '-e', script], { cwd: import.meta.dirname });
  assert.deepEqual(JSON.parse(stdout), []);
});
