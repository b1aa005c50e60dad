// keepFresh and failures: it stops if a fix is needed, and waits if the server asks for it. Locks and headers depend on the key.
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { TransakTokenError } from 'transak-user-token';
import { createGateway } from 'transak-user-token/gateway';
import { keepFresh } from 'transak-user-token/server';

const DAY = 86_400_000, START = 1_750_329_735_000;
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** A gateway without a socket, due users, and a run of keepFresh by simulated time. */
function world(t) {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: START });
  const gateway = createGateway();
  const expiring = (sub) => gateway.issue({ sub, iat: (START - 29 * DAY) / 1000, exp: (START + DAY) / 1000 });
  const due = (count) => Promise.all(Array.from({ length: count }, async (_, at) => [`user-${at}`, await expiring(`user-${at}`)]));
  const options = { environment: 'production', fetch: (url, init) => gateway.fetch(new Request(url, { headers: init.headers })) };
  /** Runs keepFresh to its end, and lets time pass while it waits. Resolves with the entries and the time that it took. */
  const run = async (entries, more) => {
    const found = [], began = Date.now();
    let isOver = false;
    const done = (async () => {
      for await (const entry of keepFresh(entries, { ...options, ...more })) found.push(entry);
    })();
    const end = () => { isOver = true; };
    done.then(end, end);
    for (let idle = 0, seen = -1; !isOver; idle++) {
      await turn();
      if (gateway.requests.length + found.length !== seen) [seen, idle] = [gateway.requests.length + found.length, 0];
      if (idle > 10) t.mock.timers.tick(100);
    }
    await done;
    return { found, tookMs: Date.now() - began };
  };
  return { gateway, expiring, due, options, run };
}

const codes = (found) => found.map(({ error }) => error?.code);

for (const fault of [{ kind: 'error', status: 403 }, { kind: 'challenge', status: 429 }, { kind: 'error', status: 404 }]) {
  test(`of 60 due users at most four are sent if the first answer is ${JSON.stringify(fault)}`, async (t) => {
    const { gateway, due, run } = world(t), users = await due(60);
    gateway.fail(fault, { times: Infinity });
    const { found, tookMs } = await run(users);
    assert.equal(gateway.requests.length, 4);
    assert.deepEqual(codes(found), Array(60).fill(fault.status === 404 ? 'ERR_REJECTED' : 'ERR_FORBIDDEN'));
    assert.deepEqual(found.map(({ key }) => key).sort(), users.map(([key]) => key).sort());
    assert.ok(new Set(found.map(({ error }) => error)).size <= 4, 'the others have the same error');
    assert.ok(tookMs < 1_000);
    assert.ok(found.every(({ error, status }) => error instanceof TransakTokenError && status.state === 'expiring'));
  });
}

test('fresh entries are still yielded after such an error', async (t) => {
  const { gateway, due, run } = world(t), fresh = await gateway.issue({ sub: 'fresh' });
  gateway.fail({ kind: 'error', status: 403 });
  const { found } = await run([...await due(1), ['fresh', fresh], ...(await due(3)).slice(1)], { concurrency: 1 });
  assert.deepEqual(found.map(({ key, error }) => [key, error?.code]), [['fresh', undefined], ['user-0', 'ERR_FORBIDDEN'], ['user-1', 'ERR_FORBIDDEN'], ['user-2', 'ERR_FORBIDDEN']]);
  assert.equal(gateway.requests.length, 1);
});

test('a Retry-After of more than a minute is the error of all further users, and nothing more is sent', async (t) => {
  const { gateway, due, run } = world(t), users = await due(60);
  gateway.fail({ kind: 'rate-limit', retryAfter: 120 }, { times: Infinity });
  const { found } = await run(users);
  assert.equal(gateway.requests.length, 4);
  assert.deepEqual(codes(found), Array(60).fill('ERR_RATE_LIMITED'));
  assert.ok(found.every(({ error }) => error.retryAfterMs === 120_000));
});

test('after a Retry-After all users wait, and the refused ones are tried again', async (t) => {
  const { gateway, due, run } = world(t), users = await due(20);
  gateway.fail({ kind: 'rate-limit', retryAfter: 20 }, { times: 4 });
  const { found, tookMs } = await run(users);
  assert.deepEqual(codes(found), Array(20).fill(undefined));
  const [first] = gateway.requests, later = gateway.requests.slice(4);
  assert.equal(gateway.requests.length, 24);
  assert.ok(later.every(({ at }) => at - first.at >= 20_000), 'nobody is asked for meanwhile');
  assert.ok(tookMs >= 20_000 && tookMs < 40_000, `${tookMs} ms`);
});

test('all waits together are a minute at most', async (t) => {
  const { gateway, due, run } = world(t), users = await due(20);
  gateway.fail({ kind: 'rate-limit', retryAfter: 25 }, { times: Infinity });
  const { found } = await run(users, { concurrency: 1, retries: 0 });
  assert.equal(gateway.requests.length, 3, 'twice 25 s are waited for, the third time is beyond');
  assert.deepEqual(codes(found), Array(20).fill('ERR_RATE_LIMITED'));
});

test('a passing failure is retried for its user only, and counts all attempts', async (t) => {
  const { gateway, due, run } = world(t);
  gateway.fail({ kind: 'error', status: 503 }, { times: 5 });
  const { found } = await run(await due(2), { concurrency: 1 });
  assert.deepEqual(found.map(({ error }) => [error?.code, error?.attempts, error?.outcomeUnknown]), [['ERR_SERVER', 3, true], [undefined, undefined, undefined]]);
  assert.equal(gateway.requests.length, 6);
});

test('a refused token is the error of its user only', async (t) => {
  const { gateway, due, run } = world(t);
  gateway.fail({ kind: 'error', status: 401 });
  const { found } = await run(await due(3), { concurrency: 1 });
  assert.deepEqual(codes(found), ['ERR_UNAUTHORIZED', undefined, undefined]);
});

test('headers are a value, or a function of the key, which may fail for one of them', async (t) => {
  const { gateway, due, run } = world(t), users = await due(4), broken = new Error('no address');
  const headers = (key) => {
    if (key === 'user-1') throw broken;
    return key === 'user-2' ? { 'x user ip': '' } : { 'x-user-ip': `203.0.113.${key.at(-1)}`, accept: 'text/html' };
  };
  const { found } = await run(users, { headers });
  const errors = Object.fromEntries(found.map(({ key, error }) => [key, error]));
  assert.equal(errors['user-1'], broken);
  assert.equal(errors['user-2'].code, 'ERR_INVALID_OPTION');
  const sent = gateway.requests.map(({ headers: { accept, ...sent } }) => [sent['x-user-ip'], accept]).sort();
  assert.deepEqual(sent, [['203.0.113.0', 'text/html'], ['203.0.113.3', 'text/html']]);
  assert.match(gateway.requests[0].headers['user-agent'], /^transak-user-token\//);
  await run([['one', users[1][1]]], { headers: { 'x-api-key': 'k' } });
  assert.equal(gateway.requests.at(-1).headers['x-api-key'], 'k');
  assert.equal(gateway.requests.at(-1).headers.accept, 'application/json');
  await run(users.slice(2), { headers: new Map([['x-api-key', 'i']]).entries() });
  assert.deepEqual(gateway.requests.slice(-2).map(({ headers }) => headers['x-api-key']), ['i', 'i']);
  await assert.rejects(run(users, { headers: { authorization: 'x' } }), { code: 'ERR_INVALID_OPTION' });
});

test('the lock has the name of the session\'s lock, and reload is called while it is held', async (t) => {
  const { gateway, due, expiring, run } = world(t), users = await due(3), held = [], names = [];
  const [fresh, other] = [await gateway.issue({ sub: 'user-1' }), await expiring('user-2')];
  const lock = async (name, { timeoutMs, signal }, work) => {
    assert.ok(timeoutMs === 10_000 && signal instanceof AbortSignal);
    names.push(name);
    held.push(name);
    await work();
    held.splice(held.indexOf(name), 1);
  };
  const reload = async (key) => {
    assert.ok(held.includes(`transak-user-token:${key}`), 'the lock is held');
    if (key === 'user-0') throw new Error('the database is gone');
    return key === 'user-1' ? fresh : other;
  };
  const { found } = await run(users, { lock, reload });
  const entries = Object.fromEntries(found.map(({ key, ...entry }) => [key, entry]));
  assert.deepEqual(names.sort(), users.map(([key]) => `transak-user-token:${key}`));
  assert.equal(entries['user-0'].error.message, 'the database is gone');
  assert.deepEqual([entries['user-1'].status.state, entries['user-1'].refreshed], ['fresh', undefined]);
  assert.ok(entries['user-2'].refreshed);
  assert.deepEqual(gateway.requests.map(({ headers }) => headers.authorization), [other]);
});

test('without the lock in time the token is left to the lock\'s holder; if the lock fails, the job goes on without it', async (t) => {
  const { gateway, due, run } = world(t), users = await due(1);
  const late = await run(users, { lock: () => new Promise(() => {}), retries: 0 });
  assert.deepEqual([late.found[0].error.code, late.found[0].error.attempts, gateway.requests.length], ['ERR_TIMEOUT', 0, 0]);
  const failed = await run(users, { lock: async () => { throw new Error('ECONNREFUSED'); } });
  assert.ok(failed.found[0].refreshed);
});

for (const [how, lock] of [['hangs', () => new Promise(() => {})], ['is another\'s', async () => { throw new DOMException('held', 'TimeoutError'); }]]) {
  test(`a lock that ${how} is requested once, and once more for each retry`, async (t) => {
    const { due, run } = world(t), users = await due(1);
    for (const [retries, times] of [[0, 1], [1, 2], [undefined, 3]]) {
      const asked = t.mock.fn(lock), { found, tookMs } = await run(users, { lock: asked, retries, totalTimeoutMs: 300_000 });
      assert.deepEqual([found[0].error.code, found[0].error.attempts, asked.mock.callCount()], ['ERR_TIMEOUT', 0, times]);
      assert.ok(tookMs <= times * 12_000, `${tookMs}`);
    }
  });
}

test('a lock that hangs for three entries in a row is waited for two seconds from then on, and the job goes on without it', async (t) => {
  const { due, run } = world(t), users = await due(41), waits = [];
  const lock = (name, { timeoutMs }) => new Promise(() => waits.push(timeoutMs));
  const { found, tookMs } = await run(users, { lock, retries: 0 });
  assert.deepEqual(codes(found).filter(Boolean), ['ERR_TIMEOUT', 'ERR_TIMEOUT']);
  assert.equal(found.filter(({ refreshed }) => refreshed).length, 39);
  assert.deepEqual(waits.map((wait) => wait / 1000), [...Array(4).fill(10), ...Array(37).fill(2)]);
  assert.ok(tookMs < 45_000, `${tookMs}`);
});

test('a lock that other processes have for many entries is no lock that hangs: nothing is sent without it', async (t) => {
  const { gateway, due, run } = world(t), users = await due(12);
  const lock = (name, { timeoutMs }) => new Promise((_, reject) => setTimeout(reject, timeoutMs, new DOMException('held', 'TimeoutError')));
  const { found } = await run(users, { lock, retries: 0 });
  assert.deepEqual([codes(found), gateway.requests.length], [Array(12).fill('ERR_TIMEOUT'), 0]);
});

test('a function for headers that returns a promise is refused, and its rejection ends no process', async (t) => {
  const { gateway, due, run } = world(t), unhandled = [], hear = (reason) => unhandled.push(reason);
  process.on('unhandledRejection', hear);
  const { found } = await run(await due(2), { headers: async (key) => { throw new Error(`no headers for ${key}`); } });
  for (let turns = 0; turns < 5; turns++) await turn();
  process.off('unhandledRejection', hear);
  assert.deepEqual([codes(found), unhandled, gateway.requests.length], [Array(2).fill('ERR_INVALID_OPTION'), [], 0]);
});

test('a lock that comes again is waited for as before', async (t) => {
  const { due, run } = world(t), users = await due(5), waits = [];
  const lock = (name, { timeoutMs }, work) => waits.push(timeoutMs) < 4 ? new Promise(() => {}) : work();
  await run(users, { lock, retries: 0, concurrency: 1 });
  assert.deepEqual(waits.map((wait) => wait / 1000), [10, 10, 10, 2, 10]);
});

test('an abort ends a wait, yields the refreshes in flight, and leaves no listener', async (t) => {
  const { gateway, due, options } = world(t), users = await due(10), controller = new AbortController();
  gateway.fail({ kind: 'rate-limit', retryAfter: 50 });
  const found = [];
  const run = (async () => {
    for await (const entry of keepFresh(users, { ...options, concurrency: 2, signal: controller.signal })) found.push(entry);
  })();
  run.catch(() => {});
  while (gateway.requests.length < 2 || !found.length) await turn();
  for (let turns = 0; turns < 10; turns++) await turn();
  controller.abort('enough');
  await assert.rejects(run, (reason) => reason === 'enough');
  assert.deepEqual(found.map(({ error, refreshed }) => error?.code ?? Boolean(refreshed)).sort(), [true, 'ERR_RATE_LIMITED'].sort());
  assert.equal(gateway.requests.length, 2);
  assert.equal(getEventListeners(controller.signal, 'abort').length, 0);
});

test('a fresh entry needs no request and no timer', async (t) => {
  const { gateway, run } = world(t), tokens = await Promise.all(Array.from({ length: 100 }, async (_, at) => [at, await gateway.issue({ sub: `u${at}` })]));
  const timers = t.mock.method(globalThis, 'setTimeout', () => assert.fail('a timer is set'));
  const { found } = await run(tokens, { signal: new AbortController().signal });
  assert.deepEqual([found.length, gateway.requests.length, timers.mock.callCount()], [100, 0, 0]);
});

test('a break during a wait sends nothing more, and ends at once', async (t) => {
  const { gateway, due, options } = world(t), users = await due(1), fresh = await gateway.issue({ sub: 'fresh' });
  gateway.fail({ kind: 'rate-limit', retryAfter: 20 });
  for await (const { key } of keepFresh([...users, ['fresh', fresh]], options)) {
    assert.equal(key, 'fresh');
    while (!gateway.requests.length) await turn();
    for (let turns = 0; turns < 10; turns++) await turn();
    break;
  }
  assert.equal(gateway.requests.length, 1);
});

test('a failure that comes after an abort is not waited for', async (t) => {
  const { due, options } = world(t), users = await due(1), controller = new AbortController();
  let answer;
  const fetch = () => new Promise((resolve) => { answer = resolve; });
  const run = keepFresh(users, { ...options, fetch, signal: controller.signal }), first = run.next();
  while (!answer) await turn();
  controller.abort('enough');
  answer(new Response('', { status: 429, headers: { 'retry-after': '20' } }));
  assert.equal((await first).value.error.code, 'ERR_RATE_LIMITED');
  await assert.rejects(run.next(), (reason) => reason === 'enough');
});

test('an abort ends the wait for a lock or for reload, which never come, and nothing is sent', async (t) => {
  const { gateway, due, options } = world(t), users = await due(1);
  let asked;
  const never = () => new Promise(() => asked());
  for (const option of [{ lock: never }, { reload: never }]) {
    const controller = new AbortController(), isAsked = new Promise((resolve) => { asked = resolve; });
    const run = keepFresh(users, { ...options, ...option, signal: controller.signal }).next();
    run.catch(() => {});
    await isAsked;
    controller.abort('enough');
    await assert.rejects(run, (reason) => reason === 'enough');
  }
  assert.equal(gateway.requests.length, 0);
});

test('if headers or reload throws an error of this package, only that entry has it', async (t) => {
  const { due, run } = world(t), users = await due(3), error = new TransakTokenError('mine', { code: 'ERR_FORBIDDEN', action: 'fix', attempts: 0, outcomeUnknown: false });
  for (const name of ['headers', 'reload']) {
    const own = (key) => {
      if (key === 'user-0') throw error;
      return name === 'headers' ? {} : users.find(([user]) => user === key)[1];
    };
    const { found } = await run(users, { [name]: own, concurrency: 1 });
    assert.deepEqual(found.map(({ error, refreshed }) => error?.message ?? Boolean(refreshed)), ['mine', true, true], name);
  }
});

test('a promise and a function of a function are refused as headers, because they would be taken for none', async (t) => {
  const { gateway, due, run } = world(t), headers = async () => ({ 'x-user-ip': '203.0.113.7' });
  const { found } = await run(await due(2), { headers });
  assert.deepEqual(codes(found), ['ERR_INVALID_OPTION', 'ERR_INVALID_OPTION']);
  await assert.rejects(run(await due(1), { headers: headers() }), { code: 'ERR_INVALID_OPTION', message: /headers .*promise/ });
  const { found: [{ error }] } = await run(await due(1), { headers: () => () => ({}) });
  assert.deepEqual([error.code, /headers .*function/.test(error.message)], ['ERR_INVALID_OPTION', true]);
  assert.equal(gateway.requests.length, 0);
});
