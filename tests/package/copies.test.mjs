// Several copies of the package in one realm: the ES module, the CommonJS file and a bundle. They share requests in
// flight, the lock of the process, and the result of `instanceof`.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import test from 'node:test';
import { inspect, promisify } from 'node:util';
import * as module from 'transak-user-token';
import { createGateway } from 'transak-user-token/gateway';
import * as withoutWasm from 'transak-user-token/js';
import * as server from 'transak-user-token/server';
import * as status from 'transak-user-token/status';
import { isCore, sourceName } from './exports.mjs';

const require = createRequire(import.meta.url), folder = new URL('node_modules/transak-user-token/', import.meta.url);
const SHARED = Symbol.for('transak-user-token/1');

/** Each instance of the wasm that refreshes, with a function that makes it trap. */
const instances = [], { Instance } = WebAssembly;
WebAssembly.Instance = function (module, imports) {
  const { exports } = new Instance(module, imports), instance = { isTrapping: () => false };
  if (isCore(exports)) instances.push(instance);
  return { exports: Object.fromEntries(Object.entries(exports).map(([name, value]) => [name, typeof value !== 'function' ? value : (...given) => {
    if (instance.isTrapping(sourceName(name))) throw new WebAssembly.RuntimeError('unreachable');
    return value(...given);
  }])) };
};

/** Loads a CommonJS file of the package as a copy of its own. */
function load(file = 'index.cjs') {
  const path = new URL(file, folder).pathname;
  delete require.cache[path];
  return require(path);
}

/** Runs the script tag's bundle. */
const script = () => new Function(`${readFileSync(new URL('index.global.js', folder), 'utf8')}\nreturn TransakUserToken;`)();

/** Loads a copy with the instance of its wasm. */
async function loadWithInstance() {
  const api = load();
  await assert.rejects(api.refreshAccessToken('', { baseUrl: 'https://backend.test', fetch() {} }), { code: 'ERR_INVALID_TOKEN' });
  return { api, instance: instances.at(-1) };
}

/** A backend that answers when the test says so. */
async function backend(options) {
  const gateway = createGateway(options), token = await gateway.issue({ sub: 'someone' }), requests = [];
  let told = () => {};
  const fetch = (url, init) => new Promise((resolve, reject) => {
    init.signal.addEventListener('abort', () => reject(init.signal.reason));
    requests.push({ signal: init.signal, respond: resolve, answer: async () => resolve(await gateway.fetch(new Request(url, { headers: init.headers }))) });
    told();
  });
  return {
    gateway, token, requests, options: { baseUrl: 'https://backend.test', retries: 0, fetch },
    async sent(count = 1) {
      while (requests.length < count) await new Promise((resolve) => { told = resolve; });
      return requests[count - 1];
    },
  };
}

test('import and require load one copy of each entry', { skip: !process.features.require_module && 'this Node requires no ES module' }, async () => {
  const { exports } = JSON.parse(readFileSync(new URL('package.json', folder), 'utf8'));
  for (const [path, target] of Object.entries(exports)) {
    if (typeof target === 'string') continue;
    const name = `transak-user-token${path.slice(1)}`, imported = await import(name), required = require(name);
    assert.deepEqual(Object.keys(required), Object.keys(imported), name);
    for (const [key, value] of Object.entries(imported)) assert.equal(required[key], value, `${name}: ${key}`);
  }
});

for (const [what, copy] of [
  ['the CommonJS twin', () => load()], ['the twin without WebAssembly', () => load('js.cjs')],
  ['the entry without WebAssembly', () => withoutWasm], ['a script tag', script],
]) {
  test(`a call of the ES module and one of ${what} share one request, whichever is first`, async () => {
    const other = copy();
    for (const [first, second] of [[module, other], [other, module]]) {
      const { token, options, sent, requests } = await backend();
      const calls = [first.refreshAccessToken(token, options), second.ensureFreshToken(` ${token}\n`, { ...options, refreshWindowMs: 1e12 })];
      await (await sent()).answer();
      const [one, two] = await Promise.all(calls);
      assert.equal(one.accessToken, two.accessToken);
      assert.notEqual(one.refreshAt, two.refreshAt);
      assert.equal(requests.length, 1);
      assert.equal(two.refreshed, true);
    }
  });
}

test('calls of two copies that differ in server, headers, fetch or a time-out send two requests', async () => {
  for (const difference of [
    { baseUrl: 'https://other.test' }, { headers: { 'x-api-key': 'key' } }, { credentials: 'include' }, { timeoutMs: 9_999 }, { totalTimeoutMs: 29_999 },
  ]) {
    const { token, options, sent, requests } = await backend();
    const calls = [module.refreshAccessToken(token, options), load().refreshAccessToken(token, { ...options, ...difference })];
    for (const count of [1, 2]) await (await sent(count)).answer();
    await Promise.all(calls);
    assert.equal(requests.length, 2, Object.keys(difference)[0]);
  }
  const { token, options, sent, requests } = await backend();
  const calls = [module.refreshAccessToken(token, options), load().refreshAccessToken(token, { ...options, fetch: (...given) => options.fetch(...given) })];
  for (const count of [1, 2]) await (await sent(count)).answer();
  await Promise.all(calls);
  assert.equal(requests.length, 2);
});

test('a shared request is retried as often as the copy with the most retries asks', async () => {
  const { token, options, sent, requests } = await backend();
  const calls = [module.refreshAccessToken(token, options), load().refreshAccessToken(token, { ...options, retries: 1 })];
  (await sent()).respond(new Response('', { status: 503 }));
  (await sent(2)).respond(new Response('', { status: 503 }));
  for (const { status, reason } of await Promise.allSettled(calls)) {
    assert.equal(status, 'rejected');
    assert.deepEqual([reason.code, reason.status, reason.attempts, reason.outcomeUnknown], ['ERR_SERVER', 503, 2, true]);
  }
  assert.equal(requests.length, 2);
});

test('each copy interprets a shared answer with the tolerance and the server of its own caller', async () => {
  const { gateway, token, options, sent } = await backend();
  const calls = [module.refreshAccessToken(token, { ...options, clockToleranceMs: 1e12 }), load().refreshAccessToken(token, options)];
  const { respond } = await sent();
  const exp = Math.floor(Date.now() / 1000) - 60;
  respond(Response.json({ data: { accessToken: await gateway.issue({ sub: 'someone', iat: exp - 60, exp }) } }));
  const [tolerant, strict] = await Promise.allSettled(calls);
  assert.match(tolerant.reason.message, /expires before the old one/);
  assert.match(strict.reason.message, /expired already/);

  const refused = await backend(), { baseUrl, ...staging } = refused.options;
  const both = [module.refreshAccessToken(refused.token, staging), load().refreshAccessToken(refused.token, { ...staging, environment: 'staging' })];
  (await refused.sent()).respond(new Response('', { status: 401 }));
  const [defaulted, named] = await Promise.allSettled(both);
  assert.match(defaulted.reason.message, /by default/);
  assert.doesNotMatch(named.reason.message, /by default/);
});

test('an abort in one copy does not end the request, and the abort of the last copy does', async () => {
  const { token, options, sent, requests } = await backend(), leaving = new AbortController(), last = new AbortController();
  const calls = [module.refreshAccessToken(token, { ...options, signal: leaving.signal }), load().refreshAccessToken(token, { ...options, signal: last.signal })];
  const { signal } = await sent();
  leaving.abort('left');
  assert.equal(await calls[0].catch((reason) => reason), 'left');
  assert.equal(signal.aborted, false);
  const third = module.refreshAccessToken(token, options);
  last.abort('left too');
  assert.equal(await calls[1].catch((reason) => reason), 'left too');
  assert.equal(signal.aborted, false);
  await requests[0].answer();
  await third;

  const alone = await backend(), only = new AbortController();
  const calling = load().refreshAccessToken(alone.token, { ...alone.options, signal: only.signal }), request = await alone.sent();
  only.abort('nobody is left');
  assert.equal(await calling.catch((reason) => reason), 'nobody is left');
  assert.equal(request.signal.aborted, true);
});

test('no copy joins a request whose time is up', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
  const { token, options, sent, requests } = await backend();
  const first = module.refreshAccessToken(token, options);
  await sent();
  t.mock.timers.setTime(Date.now() + 10_000);
  const second = load().refreshAccessToken(token, options);
  for (const count of [1, 2]) await (await sent(count)).answer();
  await Promise.all([first, second]);
  assert.equal(requests.length, 2);
});

test('a trap in the copy that sends rejects the callers in another copy, and their next call starts afresh', async () => {
  const { api, instance } = await loadWithInstance(), { token, options, sent, requests } = await backend();
  const calls = [api.refreshAccessToken(token, options), module.refreshAccessToken(token, options), module.ensureFreshToken(token, { ...options, refreshWindowMs: 1e12 })];
  const { answer } = await sent();
  instance.isTrapping = (entered) => entered.includes('invoke');
  await answer();
  for (const { reason } of await Promise.allSettled(calls)) {
    assert.equal(reason?.code, 'ERR_INTERNAL');
    assert.equal(reason.outcomeUnknown, true);
    assert.ok(reason instanceof module.TransakTokenError);
  }
  const next = [module.refreshAccessToken(token, options), api.refreshAccessToken(token, options)];
  await (await sent(2)).answer();
  await Promise.all(next);
  assert.equal(requests.length, 2);
});

test('a trap rejects the callers in another copy even if no caller in the copy that sends waits any more', async () => {
  const { api, instance } = await loadWithInstance(), { token, options, sent } = await backend(), leaving = new AbortController();
  const left = api.refreshAccessToken(token, { ...options, signal: leaving.signal }), joined = module.refreshAccessToken(token, options);
  const { answer } = await sent();
  leaving.abort('left');
  assert.equal(await left.catch((reason) => reason), 'left');
  instance.isTrapping = (entered) => entered.includes('invoke');
  await answer();
  await assert.rejects(joined, { code: 'ERR_INTERNAL', outcomeUnknown: true });
});

test('after a trap in a copy that joined, the copy that sends ends the request when no caller waits', async () => {
  const { api, instance } = await loadWithInstance(), { token, options, sent } = await backend(), last = new AbortController();
  const sender = module.refreshAccessToken(token, { ...options, signal: last.signal }), joined = api.refreshAccessToken(token, options);
  const { signal } = await sent();
  instance.isTrapping = (entered) => entered === 'refreshAccessToken';
  await assert.rejects(api.refreshAccessToken(token, options), { code: 'ERR_INTERNAL' });
  await assert.rejects(joined, { code: 'ERR_INTERNAL', outcomeUnknown: true });
  assert.equal(signal.aborted, false);
  last.abort('left');
  assert.equal(await sender.catch((reason) => reason), 'left');
  assert.equal(signal.aborted, true);
});

test('sessions of two copies with one store send one request', async () => {
  const gateway = createGateway({ revoke: true, lifetimeMs: 60_000 }), map = new Map([['user-1', await gateway.issue()]]);
  const storage = { get: async (key) => map.get(key), set: async (key, value) => { map.set(key, value); }, delete: async (key) => { map.delete(key); } };
  const options = { baseUrl: 'https://backend.test', storage, key: 'user-1', refreshWindowMs: 59_999, fetch: (url, init) => gateway.fetch(new Request(url, init)) };
  const sessions = [await module.TokenSession.open(options), await load().TokenSession.open({ ...options, fetch: (...given) => options.fetch(...given) })];
  const tokens = await Promise.all(sessions.map((session) => session.accessToken()));
  assert.equal(gateway.refreshes(), 1);
  assert.deepEqual(tokens, [map.get('user-1'), map.get('user-1')]);
  for (const session of sessions) session[Symbol.dispose]();
});

test('the next waiter gets the lock of the process if its holder fails', async () => {
  const locked = globalThis[SHARED].part('locked'), order = [];
  const held = locked('a name', async () => {
    order.push('first');
    throw new Error('the holder failed');
  });
  const next = locked('a name', async () => { order.push('second'); });
  await assert.rejects(held, /the holder failed/);
  await next;
  assert.deepEqual(order, ['first', 'second']);
});

test('the copies share only frozen, not enumerable functions, and nothing there shows a token in flight', async () => {
  const { token, options, sent } = await backend(), calling = module.refreshAccessToken(token, options), { answer } = await sent();
  const { value, ...flags } = Object.getOwnPropertyDescriptor(globalThis, SHARED);
  assert.deepEqual(flags, { writable: false, enumerable: false, configurable: false });
  assert.ok(Object.isFrozen(value));
  for (const key of Reflect.ownKeys(value)) assert.equal(typeof value[key], 'function', String(key));
  const shown = inspect(value, { showHidden: true, depth: Infinity, getters: true, maxStringLength: Infinity }) + Object.values(value).join();
  for (const part of token.split('.')) assert.ok(!shown.includes(part));
  await answer();
  await calling;
});

/** Runs a module in a process of its own, and returns what it prints. */
async function run(source) {
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', source], { cwd: new URL('.', import.meta.url) });
  return stdout.trim();
}
const TWO_CALLS = `
  import { createRequire } from 'node:module';
  import * as module from 'transak-user-token';
  import { createGateway } from 'transak-user-token/gateway';
  const twin = createRequire(import.meta.url)('./node_modules/transak-user-token/index.cjs');
  const gateway = createGateway(), token = await gateway.issue();
  const options = { baseUrl: 'https://backend.test', fetch: (url, init) => gateway.fetch(new Request(url, init)) };
  const call = async () => {
    const calls = [module, module, twin].map(({ refreshAccessToken }) => refreshAccessToken(token, options));
    const tokens = await Promise.all(calls);
    console.log(gateway.refreshes(), tokens.every(({ accessToken }) => accessToken.length > 100));
  };
`;

test('importing the package defines nothing on the global object', async () => {
  assert.equal(await run(`import 'transak-user-token'; import 'transak-user-token/js'; console.log(Symbol.for('transak-user-token/1') in globalThis)`), 'false');
});

test('if the global object cannot be written to, each copy shares among its own calls', async () => {
  assert.equal(await run(`${TWO_CALLS} void [fetch, Headers, Request, Response]; Object.preventExtensions(globalThis); await call();`), '2 true');
});

test('if another value has the name of the shared functions, only the sharing is lost', async () => {
  for (const other of ['{}', 'null', '{ join: 1, locked: 1 }']) {
    assert.equal(await run(`${TWO_CALLS} Object.defineProperty(globalThis, Symbol.for('transak-user-token/1'), { value: ${other} }); await call();`), '2 true', other);
  }
});

/** An error of each entry and copy. */
function errors() {
  const checks = Object.entries({ module, status, withoutWasm, script: script(), twin: load(), 'status twin': load('status.cjs'), 'twin without WebAssembly': load('js.cjs') });
  const thrown = (act) => {
    try {
      act();
    } catch (error) {
      return error;
    }
    return assert.fail('it throws nothing');
  };
  return [
    ...checks.map(([name, { tokenStatus }]) => [name, thrown(() => tokenStatus('', { now: NaN }))]),
    ['server', thrown(() => server.createRefreshHandler({}))],
    ['server twin', thrown(() => load('server.cjs').createRefreshHandler({}))],
  ];
}

test('an error of any entry or copy is an instance of the class of every other', () => {
  for (const [name, error] of errors()) {
    for (const { TransakTokenError } of [module, status, withoutWasm, load()]) assert.ok(error instanceof TransakTokenError, name);
    assert.ok(error instanceof Error, name);
  }
});

test('no other value is an instance of the class, whichever prototypes it has', () => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  for (const value of [undefined, null, '', 1, {}, Object.create(null), new Error(), { name: 'TransakTokenError', code: 'ERR_NETWORK' }, proxy]) {
    assert.equal(value instanceof module.TransakTokenError, false);
  }
  const brand = Symbol.for('transak-user-token/error');
  try {
    Object.prototype[brand] = true;
    assert.equal({} instanceof module.TransakTokenError, false);
    assert.equal(new Error() instanceof module.TransakTokenError, false);
  } finally {
    delete Object.prototype[brand];
  }
});

test("an instance of a user's subclass is an instance of that subclass, and an error of the package everywhere", () => {
  class Mine extends module.TransakTokenError {}
  const fields = { code: 'ERR_NETWORK', action: 'retry', attempts: 1, outcomeUnknown: true };
  const mine = new Mine('mine', fields), other = new module.TransakTokenError('another', fields);
  assert.ok(mine instanceof Mine);
  assert.ok(mine instanceof module.TransakTokenError);
  assert.ok(mine instanceof load().TransakTokenError);
  assert.equal(other instanceof Mine, false);
});

test('an error is kept by JSON and by a message to a worker: each field that is set, and no stack', async () => {
  const { token, options, sent } = await backend();
  const refused = module.refreshAccessToken(token, options).catch((error) => error);
  (await sent()).respond(new Response('{"error":{"errorCode":1002}}', { status: 429, headers: { 'retry-after': '7', 'trace-id': 'abc-1' } }));
  const limited = await refused;
  assert.deepEqual(limited.toJSON(), {
    name: 'TransakTokenError', message: limited.message, code: 'ERR_RATE_LIMITED', action: 'retry',
    status: 429, errorCode: '1002', traceId: 'abc-1', retryAfterMs: 7_000, attempts: 1, outcomeUnknown: false,
  });
  const failing = { ...options, fetch: () => Promise.reject(Object.assign(new TypeError('no such host'), { code: 'ENOTFOUND' })) };
  const lost = await module.refreshAccessToken(token, failing).catch((error) => error);
  const expected = { name: 'TransakTokenError', message: lost.message, code: 'ERR_NETWORK', action: 'retry', attempts: 1, outcomeUnknown: false, cause: { name: 'TypeError', code: 'ENOTFOUND' } };
  assert.deepEqual(lost.toJSON(), expected);
  assert.deepEqual(JSON.parse(JSON.stringify({ lost })).lost, expected);
  assert.deepEqual(structuredClone(lost.toJSON()), expected);
  const invalid = await module.refreshAccessToken('', options).catch((error) => error);
  assert.equal(invalid.toJSON().reason, 'not_a_jwt');
});
