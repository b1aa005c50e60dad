// Several handlers stand for several processes of the route: one request for one token, and a store from which nobody can read a token.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createGateway } from 'transak-user-token/gateway';
import { createRefreshHandler } from 'transak-user-token/server';
import { APP, REFRESH } from './server.world.mjs';

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** A store like a Keyv on Redis. It records the last value. */
function memoryStorage() {
  const entries = new Map(), calls = [];
  const call = (name, work) => async (...given) => {
    calls.push([name, ...given]);
    await turn();
    return work(...given);
  };
  const set = (key, value) => { entries.set(key, value); };
  return { entries, calls, get: call('get', (key) => entries.get(key)), set: call('set', set), delete: call('delete', (key) => entries.delete(key)) };
}

/** A lock of several processes: one holder at a time for each name, and a time-out for a waiter. */
function memoryLock() {
  const tails = new Map(), held = [];
  return { held, lock: async (name, { timeoutMs, signal }, work) => {
    const before = tails.get(name) ?? Promise.resolve();
    let release;
    tails.set(name, before.then(() => new Promise((resolve) => { release = resolve; })));
    const left = new Promise((_, reject) => signal.addEventListener('abort', () => reject(new DOMException('left', 'AbortError'))));
    left.catch(() => {});
    await Promise.race([before, left]).catch((reason) => {
      before.then(() => release());
      throw reason;
    });
    held.push(name);
    try {
      await work();
    } finally {
      release();
    }
  } };
}

/** Handlers that share a gateway, and the store and lock that they are given. */
function world(count, options = {}) {
  const gateway = createGateway({ revoke: true }), events = [];
  const handlers = Array.from({ length: count }, (_, at) => createRefreshHandler({
    environment: 'production', apiKey: 'k3y', allowedOrigins: [APP], authorize: 'none', limit: false, onEvent: (event) => events.push({ at, ...event }),
    fetch: (url, init) => gateway.fetch(new Request(url, { headers: init.headers })), ...options,
  }));
  const ask = async (at, token, headers) => {
    const answer = await handlers[at](new Request(`https://api.example.com${REFRESH}`, { headers: { origin: APP, authorization: token, ...headers } }));
    return { status: answer.status, token: (await answer.json()).data?.accessToken };
  };
  const outcomes = () => events.map(({ outcome }) => outcome).sort();
  const degraded = () => events.filter(({ outcome }) => outcome === 'degraded').map(({ reason }) => reason);
  return { gateway, handlers, events, ask, outcomes, degraded };
}

test('two requests for one token at two processes are one request to Transak', async () => {
  const storage = memoryStorage(), { lock } = memoryLock(), { gateway, ask, outcomes } = world(2, { storage, lock });
  const tokens = await Promise.all(Array.from({ length: 50 }, (_, at) => gateway.issue({ sub: `user${at}` })));
  const answers = await Promise.all(tokens.map(async (token) => Promise.all([ask(0, token), ask(1, token)])));
  for (const [one, other] of answers) {
    assert.deepEqual([one.status, other.status], [200, 200]);
    assert.equal(one.token, other.token);
    assert.ok(await gateway.verify(one.token));
  }
  assert.deepEqual(tokens.map((token) => gateway.refreshes(token)), Array(50).fill(1));
  assert.deepEqual(outcomes(), [...Array(50).fill('refreshed'), ...Array(50).fill('repeated')].sort());
});

test('both processes repeat the answer for 60 s, and authorize is called each time', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
  let isAllowed = true, asked = 0;
  const authorize = () => ++asked > 0 && isAllowed;
  const storage = memoryStorage(), { lock } = memoryLock(), { gateway, ask } = world(3, { storage, lock, authorize }), token = await gateway.issue();
  gateway.revoke = false;
  const first = await ask(0, token);
  t.mock.timers.tick(30_000);
  assert.equal((await ask(1, token)).token, first.token);
  isAllowed = false;
  assert.equal((await ask(1, token)).status, 403);
  isAllowed = true;
  t.mock.timers.tick(29_999);
  for (const at of [0, 1, 2]) assert.equal((await ask(at, token)).token, first.token);
  assert.equal(gateway.refreshes(), 1);
  t.mock.timers.tick(1);
  assert.notEqual((await ask(1, token)).token, first.token);
  assert.deepEqual([gateway.refreshes(), asked], [2, 7]);
});

test('the store holds neither token, and its entry can be read only with the old token', async () => {
  const storage = memoryStorage(), { gateway, ask } = world(2, { storage }), [token, other] = await Promise.all([gateway.issue(), gateway.issue()]);
  const { token: refreshed } = await ask(0, token);
  const [[, name, value, ttlMs]] = storage.calls.filter(([call]) => call === 'set');
  assert.match(name, /^transak-user-token:answer:[0-9a-f]{64}$/);
  assert.equal(ttlMs, 60_000);
  const shown = JSON.stringify([...storage.entries]) + Buffer.from(value, 'base64').toString('latin1');
  for (const part of [token, refreshed].flatMap((each) => each.split('.'))) assert.ok(!shown.includes(part.slice(0, 12)), 'a part of a token is stored');
  // Nobody can decrypt an entry under the name of another token, or an entry that was changed.
  const others = `transak-user-token:answer:${'0'.repeat(64)}`;
  await ask(0, other);
  const [otherName] = [...storage.entries.keys()].filter((key) => key !== name && key !== others);
  for (const stolen of [storage.entries.get(otherName), `${value.slice(0, -5)}AAAA=`, 'garbage', '', 7, {}, null]) {
    const fresh = world(1, { storage });
    fresh.gateway.revoke = false;
    storage.entries.set(name, stolen);
    const answer = await fresh.ask(0, token);
    assert.notEqual(answer.token, refreshed);
    assert.equal(answer.status, 401, 'it is asked, and this gateway knows no such token');
  }
});

test('processes with another server or key share nothing', async () => {
  const storage = memoryStorage(), { gateway, ask } = world(1, { storage }), token = await gateway.issue();
  gateway.revoke = false;
  await ask(0, token);
  for (const options of [{ environment: 'staging' }, { apiKey: 'other' }, { apiKey: undefined }, { apiKey: undefined, headers: { 'X-Api-Key': 'third' } }]) {
    const other = world(1, { storage, fetch: (url, init) => gateway.fetch(new Request(url, { headers: init.headers })), ...options });
    assert.equal((await other.ask(0, token)).status, 200);
    assert.equal(other.events.at(-1).outcome, 'refreshed');
  }
});

const down = { throws: () => { throw new Error('ECONNREFUSED'); }, rejects: async () => { throw new Error('ECONNREFUSED'); }, hangs: (hang) => hang() };

/** Serves requests. Simulated time passes only while something hangs, because hashes take real time. */
function clockOf(t) {
  let owedMs = 0;
  const hang = (ms) => {
    owedMs += ms;
    return new Promise(() => {});
  };
  const serve = async (work) => {
    let settled = false;
    const done = work().finally(() => { settled = true; });
    while (!settled) {
      await turn();
      // In steps, so that what a timer begins goes on before the next one.
      if (owedMs > 0) t.mock.timers.tick(500);
      owedMs = Math.max(owedMs - 500, 0);
    }
    return done;
  };
  return { hang, serve };
}

for (const [how, fail] of Object.entries(down)) test(`a store that ${how} costs the sharing alone, and is told once an outage`, async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: Date.now() });
  let isDown = true;
  const memory = memoryStorage(), { lock, held } = memoryLock(), clock = clockOf(t);
  const storage = Object.fromEntries(['get', 'set', 'delete'].map((name) => [name, (...given) => isDown ? fail(() => clock.hang(2_000)) : memory[name](...given)]));
  const { gateway, ask, degraded } = world(2, { storage, lock });
  const serve = (at, token) => clock.serve(() => ask(at, token));
  for (let at = 0; at < 3; at++) assert.equal((await serve(0, await gateway.issue())).status, 200);
  assert.deepEqual([degraded(), held.length], [['storage'], 0], 'without the store the lock is not asked');
  isDown = false;
  t.mock.timers.tick(5_000);
  const token = await gateway.issue();
  assert.equal((await serve(0, token)).token, (await serve(1, token)).token);
  assert.equal(gateway.refreshes(token), 1);
  assert.deepEqual(degraded(), ['storage']);
  isDown = true;
  assert.equal((await serve(0, await gateway.issue())).status, 200);
  assert.deepEqual(degraded(), ['storage', 'storage']);
});

/** Resolves once the store has answered this many calls. Some of them come after the answer to the page, in real time. */
async function called(storage, count) {
  while (storage.calls.length < count) await turn();
  for (let turns = 0; turns < 5; turns++) await turn();
}

const broken = { ...down, 'resolves without a call': async () => {}, 'resolves at once': () => undefined };
for (const [how, fail] of Object.entries(broken)) test(`a lock that ${how} costs the sharing alone, and is told`, async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: Date.now() });
  const clock = clockOf(t), storage = memoryStorage(), { gateway, ask, degraded } = world(1, { storage, lock: () => fail(() => clock.hang(hangMs)) });
  // A lock that works rejects within a second after its time-out.
  let hangMs = 9_000;
  const statuses = [];
  for (let at = 0; at < 5; at++) {
    // The fifth request comes after the pause. Then the lock gets 2 s.
    if (at === 4) {
      t.mock.timers.tick(5_000);
      hangMs = 3_000;
    }
    statuses.push((await clock.serve(async () => ask(0, await gateway.issue()))).status);
    // There is a look before the lock, a look under the lock, and a write. Or there is a look by the waiter, and a look after the 504.
    await called(storage, how === 'hangs' ? [3, 6, 10, 13, 16][at] : 3 * (at + 1));
  }
  // At first the route cannot know whether another process has the lock, or whether the lock is broken.
  if (how === 'hangs') assert.deepEqual([statuses.slice(0, 2), statuses.slice(3)], [[504, 504], [200, 200]]);
  else assert.deepEqual(statuses, [200, 200, 200, 200, 200]);
  assert.deepEqual(degraded(), ['lock']);
});

test('while Transak is slow, clients that ask another process cause no second request', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: Date.now() });
  const storage = memoryStorage(), { lock } = memoryLock(), clock = clockOf(t);
  let answer;
  const answered = new Promise((resolve) => { answer = resolve; });
  const other = world(1, { storage, lock: (...given) => {
    clock.hang(9_000);
    return lock(...given);
  } });
  const slow = world(1, { storage, lock, fetch: async (url, init) => {
    const response = await other.gateway.fetch(new Request(url, { headers: init.headers }));
    clock.hang(8_000);
    await answered;
    return response;
  } });
  const { gateway, degraded } = other, tokens = await Promise.all(Array.from({ length: 6 }, () => gateway.issue()));
  for (const { ask } of [slow, other]) {
    for (const token of tokens) assert.equal((await clock.serve(() => ask(0, token))).status, 504);
  }
  assert.deepEqual([gateway.refreshes(), degraded()], [6, []]);
  answer();
  for (const token of tokens) while ((await clock.serve(() => other.ask(0, token))).status !== 200) await turn();
  assert.deepEqual(tokens.map((token) => gateway.refreshes(token)), Array(6).fill(1));
});

test('once the lock was given, the result of the work counts, whatever the lock does afterwards', async () => {
  const lock = async (_, __, work) => {
    await work();
    throw new Error('the lease had ended');
  };
  const { gateway, ask, degraded } = world(1, { storage: memoryStorage(), lock }), token = await gateway.issue();
  assert.equal((await ask(0, token)).status, 200);
  assert.deepEqual([gateway.refreshes(token), degraded()], [1, []]);
});

test('a client that waits for a process that never answers gets 504, and is served after the end of the lock', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: Date.now() });
  const storage = memoryStorage(), { lock } = memoryLock(), clock = clockOf(t);
  const waiting = (...given) => {
    clock.hang(8_000);
    return lock(...given);
  };
  const { gateway, ask, events } = world(1, { storage, lock: (...given) => isDead ? waiting(...given) : lock(...given) }), token = await gateway.issue();
  const dead = world(1, { storage, lock, fetch: () => clock.hang(8_000) });
  let isDead = true;
  assert.equal((await clock.serve(() => dead.ask(0, token))).status, 504);
  assert.equal((await clock.serve(() => ask(0, token))).status, 504);
  // Each process looked before the lock, under the lock, and after the time-out of its page.
  await called(storage, 6);
  assert.deepEqual(events.map(({ outcome, reason, status }) => [outcome, reason, status]), [['failed', 'timeout', 504]]);
  // The process's own limit on an answer ends the lock, as a lease would.
  isDead = false;
  t.mock.timers.tick(120_000);
  await called(storage, 7);
  assert.equal((await clock.serve(() => ask(0, token))).status, 200);
  assert.equal(gateway.refreshes(token), 1);
});

test('a refusal and a failure are not stored', async () => {
  const storage = memoryStorage(), { lock } = memoryLock(), { gateway, ask } = world(2, { storage, lock }), token = await gateway.issue();
  gateway.fail({ kind: 'error', status: 503 });
  gateway.fail({ kind: 'error', status: 401 });
  assert.deepEqual([(await ask(0, token)).status, (await ask(1, token)).status, (await ask(0, token)).status], [503, 401, 200]);
  assert.equal(storage.entries.size, 1);
});

test('an answer of another process counts in no limit here', async () => {
  const storage = memoryStorage(), { lock } = memoryLock(), one = { max: 1, windowMs: 60_000 };
  const { gateway, ask } = world(2, { storage, lock, limit: { total: one } });
  const tokens = await Promise.all([gateway.issue(), gateway.issue({ sub: 'other' })]);
  assert.equal((await ask(0, tokens[0])).status, 200);
  assert.equal((await ask(1, tokens[0])).status, 200);
  assert.equal((await ask(1, tokens[1])).status, 200);
});

test('a fault of the platform\'s cryptography costs one request, not every later one with the same token', async (t) => {
  const gateway = createGateway(), token = await gateway.issue();
  const handler = createRefreshHandler({
    baseUrl: 'http://127.0.0.1', fetch: (url, init) => gateway.fetch(new Request(url, init)), allowedOrigins: [APP], authorize: 'none', storage: memoryStorage(),
  });
  const status = async () => (await handler(new Request(`https://api.example.com${REFRESH}`, { headers: { origin: APP, authorization: token } }))).status;
  t.mock.method(crypto.subtle, 'digest', async () => { throw new Error('failed'); }, { times: 1 });
  assert.deepEqual([await status(), await status()], [500, 200]);
});
