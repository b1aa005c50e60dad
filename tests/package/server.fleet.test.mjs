// keepFresh: many tokens, of which few are refreshed, with a few requests at a time and in little memory.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createGateway } from 'transak-user-token/gateway';
import { keepFresh } from 'transak-user-token/server';

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc');
const DAY_S = 86_400, now = Math.floor(Date.now() / 1000);
const unsigned = (claims) => `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.c2ln`;
const fresh = (sub) => unsigned({ sub, iat: now - DAY_S, exp: now + 29 * DAY_S });

async function world(t) {
  const gateway = createGateway(), { url, close } = await gateway.listen();
  t.after(close);
  const expiring = (sub) => gateway.issue({ sub, iat: now - 29 * DAY_S, exp: now + DAY_S });
  return { gateway, expiring, options: { baseUrl: url, retries: 0 } };
}

async function all(entries) {
  const found = [];
  for await (const entry of entries) found.push(entry);
  return found;
}

test('a million tokens of which 0.1 % are expiring: those are refreshed, in flat memory', async (t) => {
  const TOKENS = 1_000_000, EVERY = 1000;
  const { gateway, expiring, options } = await world(t);
  const due = await Promise.all(Array.from({ length: TOKENS / EVERY }, (_, at) => expiring(`user${at}`)));
  function* users() {
    for (let at = 0; at < TOKENS; at++) yield [at, at % EVERY === EVERY - 1 ? due[(at + 1) / EVERY - 1] : fresh(`user${at}`)];
  }
  let seen = 0, sum = 0, refreshed = 0, early = 0;
  const used = () => {
    gc();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return (heapUsed + arrayBuffers) / 2 ** 20;
  };
  for await (const { key, status, refreshed: renewed, error } of keepFresh(users(), options)) {
    assert.equal(error, undefined);
    seen += 1;
    sum += key;
    if (renewed) {
      assert.equal(key % EVERY, EVERY - 1);
      refreshed += 1;
    }
    if ((status.state === 'expiring') !== Boolean(renewed)) assert.fail(`${key} is ${status.state}`);
    if (seen === TOKENS / 10) early = used();
    if (seen % (TOKENS / 5) === 0) t.diagnostic(`${seen} checked, ${refreshed} refreshed`);
  }
  assert.deepEqual([seen, sum, refreshed], [TOKENS, TOKENS * (TOKENS - 1) / 2, TOKENS / EVERY]);
  assert.deepEqual(due.map((token) => gateway.refreshes(token)), Array(TOKENS / EVERY).fill(1));
  gateway.reset();
  const grown = used() - early;
  assert.ok(grown < 10, `${grown.toFixed(1)} MiB more after 900,000 tokens`);
});

describe('the entries', () => {
  test('may be async, and each comes back once with its verdict', async (t) => {
    const { gateway, expiring, options } = await world(t), old = await expiring('a');
    async function* users() {
      yield ['fresh', fresh('f')];
      yield ['expiring', old];
      yield ['expired', unsigned({ exp: 1 })];
      yield ['invalid', undefined];
      yield undefined;
    }
    const found = await all(keepFresh(users(), options));
    assert.deepEqual(found.map(({ key, status }) => [key, status.action]).sort(), [['expired', 'login'], ['expiring', 'refresh'], ['fresh', 'use'], ['invalid', 'login'], [undefined, 'login']].sort());
    const { refreshed } = found.find(({ key }) => key === 'expiring');
    assert.equal((await gateway.verify(refreshed.accessToken)).sub, 'a');
    assert.equal(gateway.requests.length, 1);
  });

  test('that are no pairs say so, and end no job', async (t) => {
    const { gateway, expiring, options } = await world(t), token = fresh('f');
    for (const wrong of [token, { key: 'f', token }, undefined, null, 7]) {
      const [first, second] = await all(keepFresh([wrong, ['a', await expiring('a')]], options));
      assert.deepEqual([first.key, first.status.state, first.error.code, first.error.action], [undefined, 'invalid', 'ERR_INVALID_OPTION', 'fix']);
      assert.match(first.error.message, /an array of a key and a token/);
      assert.ok(second.refreshed);
    }
    assert.equal(gateway.requests.length, 5);
  });

  test('an option decides what is about to expire', async (t) => {
    const { gateway, expiring, options } = await world(t);
    const [{ status }] = await all(keepFresh(new Map([['a', await expiring('a')]]), { ...options, refreshWindowMs: 1000 }));
    assert.equal(status.state, 'fresh');
    assert.equal(gateway.requests.length, 0);
  });

  test('a failure is yielded with its key, and does not end the job', async (t) => {
    const { gateway, expiring, options } = await world(t);
    gateway.fail({ kind: 'error', status: 500 }, { times: 2 });
    const found = await all(keepFresh([['a', await expiring('a')], ['b', await expiring('b')], ['c', await expiring('c')]], { ...options, concurrency: 1 }));
    assert.deepEqual(found.map(({ key, error, refreshed }) => [key, error?.code, Boolean(refreshed)]), [['a', 'ERR_SERVER', false], ['b', 'ERR_SERVER', false], ['c', undefined, true]]);
  });

  test('if they fail, the entries read before are finished first', async (t) => {
    const { gateway, expiring, options } = await world(t), old = await expiring('a'), found = [];
    function* users() {
      yield ['a', old];
      throw new Error('the database is gone');
    }
    await assert.rejects(async () => {
      for await (const entry of keepFresh(users(), options)) found.push(entry);
    }, /the database is gone/);
    assert.ok(found[0].refreshed);
    assert.equal(gateway.requests.length, 1);
  });

  test('wrong ones and wrong options are refused at once', () => {
    for (const entries of [undefined, null, 7, 'x.y.z', {}]) assert.throws(() => keepFresh(entries, { environment: 'staging' }), { code: 'ERR_INVALID_OPTION' });
    assert.throws(() => keepFresh([], { environment: 'staging', concurrency: Infinity }), { message: /concurrency must be a whole number, 1 or more/ });
    for (const options of [undefined, {}, { environment: 'staging', concurrency: 0 }, { environment: 'staging', concurrency: 1.5 }, { environment: 'staging', retries: -1 }]) {
      assert.throws(() => keepFresh([], options), { code: 'ERR_INVALID_OPTION' });
    }
  });
});

describe('it does no more than it is asked for', () => {
  /** A fetch that answers when the test says so, and counts the requests in flight. */
  function held(gateway) {
    const waiting = [], at = { once: 0 };
    let under = 0;
    const fetch = async (url, init) => {
      at.once = Math.max(at.once, ++under);
      await new Promise((resolve) => waiting.push(resolve));
      under -= 1;
      return gateway.fetch(new Request(url, { headers: init.headers }));
    };
    return { fetch, at, waiting, letGo: () => waiting.splice(0).forEach((go) => go()) };
  }
  const tick = () => new Promise((resolve) => setImmediate(resolve));

  test('at most `concurrency` requests are in flight at once', async (t) => {
    const { gateway, expiring, options } = await world(t), { fetch, at, letGo } = held(gateway);
    const users = await Promise.all(Array.from({ length: 20 }, async (_, at) => [at, await expiring(`u${at}`)]));
    const done = all(keepFresh(users, { ...options, fetch, concurrency: 3 }));
    let isDone = false;
    done.finally(() => { isDone = true; });
    while (!isDone) {
      await tick();
      letGo();
    }
    assert.equal((await done).filter(({ refreshed }) => refreshed).length, 20);
    assert.equal(at.once, 3);
  });

  test('if the loop takes no results, no more entries are read', async (t) => {
    const { options } = await world(t);
    let read = 0, ended = false;
    function* users() {
      try {
        for (;;) yield [read++, fresh('x')];
      } finally {
        ended = true;
      }
    }
    for await (const { key } of keepFresh(users(), options)) if (key === 10) break;
    assert.ok(read <= 1000, `${read} were read`);
    assert.ok(ended, 'the entries are told');
  });

  test('a break ends after the refreshes in flight', async (t) => {
    const { gateway, expiring, options } = await world(t), { fetch, waiting, letGo } = held(gateway);
    const run = keepFresh([['a', await expiring('a')], ['b', fresh('b')], ['c', await expiring('c')]], { ...options, fetch });
    assert.equal((await run.next()).value.key, 'b');
    const ended = run.return();
    await tick();
    assert.equal(waiting.length, 1, 'nothing more is sent');
    letGo();
    assert.deepEqual(await ended, { done: true, value: undefined });
    assert.equal(gateway.refreshes(), 1);
  });

  test('an abort yields the refreshes in flight, and then throws the reason', async (t) => {
    const { gateway, expiring, options } = await world(t), { fetch, letGo } = held(gateway), controller = new AbortController();
    const run = keepFresh([['a', await expiring('a')], ['b', fresh('b')], ['c', await expiring('c')]], { ...options, fetch, signal: controller.signal });
    assert.equal((await run.next()).value.key, 'b');
    controller.abort('enough');
    const last = run.next();
    await tick();
    letGo();
    const { value: { key, refreshed } } = await last;
    assert.equal(key, 'a');
    assert.ok(refreshed);
    await assert.rejects(run.next(), (reason) => reason === 'enough');
    assert.equal(gateway.refreshes(), 1);
  });

  test('a signal without a reason, as in a polyfill, ends the job with an AbortError', async (t) => {
    const { options } = await world(t), signal = Object.assign(new EventTarget(), { aborted: true })
    await assert.rejects(keepFresh([], { ...options, signal }).next(), { name: 'AbortError' })
  })

  test('an abort ends a job whose entries never come, and yields the refreshes before', async (t) => {
    const { gateway, expiring, options } = await world(t), controller = new AbortController(), due = await expiring('due');
    let reads = 0;
    async function* users() {
      yield ['due', due];
      for (let at = 1; at < 1000; at++) yield [at, fresh('x')];
      reads++;
      await new Promise(() => {});
    }
    const run = keepFresh(users(), { ...options, signal: controller.signal }), keys = [];
    for (let at = 0; at < 1000; at++) keys.push((await run.next()).value.key);
    assert.ok(keys.includes('due'), 'it is yielded while the next entries are read');
    const last = run.next();
    while (!reads) await tick();
    controller.abort('enough');
    await assert.rejects(last, (reason) => reason === 'enough');
    assert.equal(gateway.refreshes(), 1);
    assert.deepEqual(await run.next(), { done: true, value: undefined });
  });
});
