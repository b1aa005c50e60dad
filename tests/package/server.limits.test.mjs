// The limits of the route affect the sender of forged tokens, and nobody else.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createGateway } from 'transak-user-token/gateway';
import { createRefreshHandler } from 'transak-user-token/server';
import { APP, REFRESH } from './server.world.mjs';

let users = 0;
const forged = () => {
  const exp = Math.floor(Date.now() / 1000) + 9999;
  return `e30.${Buffer.from(JSON.stringify({ sub: `forged${users++}`, exp })).toString('base64url')}.c2ln`;
};

/** A route before a gateway, with the limits that it has by default. */
function world(options = {}) {
  const gateway = createGateway(), events = [];
  const handler = createRefreshHandler({
    environment: 'production', allowedOrigins: [APP], authorize: 'none', onEvent: (event) => events.push(event),
    fetch: (url, init) => gateway.fetch(new Request(url, { headers: init.headers })), ...options,
  });
  /** Asks as a page does, from an address; `forwarded` is what a proxy adds. */
  const ask = async (token, remoteAddress, { forwarded, ...more } = {}) => {
    const headers = { origin: APP, authorization: token, ...forwarded && { 'x-forwarded-for': forwarded }, ...more };
    const answer = await handler(new Request(`https://api.example.com${REFRESH}`, { headers }), { remoteAddress });
    return { status: answer.status, retryAfter: Number(answer.headers.get('retry-after')) };
  };
  const real = async (remoteAddress, more) => (await ask(await gateway.issue({ sub: `user${users++}` }), remoteAddress, more)).status;
  const counts = async (requests) => {
    const counted = {};
    for (const { status } of await requests) counted[status] = (counted[status] ?? 0) + 1;
    return counted;
  };
  /** Sends requests one after another, so that each is counted before the next one comes. */
  const inTurn = (calls) => counts((async () => {
    const answers = [];
    for (const call of calls) answers.push(await call());
    return answers;
  })());
  return { gateway, events, ask, real, counts, inTurn };
}

const times = (count, call) => Array.from({ length: count }, (_, at) => () => call(at));
const network = (at) => `2001:db8:0:${(at % 10).toString(16)}::1`;

test('600 forged tokens of ten addresses lock out these ten addresses alone', async () => {
  const { ask, real, inTurn, gateway, events } = world();
  assert.deepEqual(await inTurn(times(600, (at) => ask(forged(), network(at)))), { 401: 100, 429: 500 });
  assert.equal(gateway.requests.length, 100);
  assert.equal(await real('198.51.100.77'), 200);
  assert.equal(await real(network(0)), 429);
  assert.equal(await real('2001:db8:0:a::1'), 200);
  assert.deepEqual(new Set(events.filter(({ status }) => status === 429).map(({ reason }) => reason)), new Set(['address']));
});

test('600 forged tokens at once lock nobody else out, neither before Transak answers nor afterwards', async () => {
  const { ask, real, counts, gateway } = world();
  gateway.fail({ kind: 'latency', ms: 200 }, { times: 600 });
  const burst = counts(Promise.all(times(600, (at) => ask(forged(), network(at))).map((call) => call())));
  while (gateway.refreshes() < 600) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(await real('198.51.100.77'), 200);
  assert.deepEqual(await burst, { 401: 600 });
  assert.equal(await real('198.51.100.78'), 200);
  assert.equal(await real(network(0)), 429);
});

test('an authorised user who forges 600 tokens locks out nobody else', async () => {
  const { ask, real, inTurn } = world({ authorize: ({ headers }) => ['attacker', 'user'].includes(headers.get('x-session')) });
  await inTurn(times(600, (at) => ask(forged(), network(at), { 'x-session': 'attacker' })));
  assert.equal(await real('198.51.100.77', { 'x-session': 'user' }), 200);
});

test('behind a trusted proxy 60 forged tokens lock out the client that sent them', async () => {
  const { ask, real, inTurn } = world({ trustedProxies: ['10.0.0.0/8'] });
  assert.deepEqual(await inTurn(times(60, () => ask(forged(), '10.0.0.1', { forwarded: '6.6.6.6' }))), { 401: 10, 429: 50 });
  assert.equal(await real('10.0.0.1', { forwarded: '198.51.100.77' }), 200);
  assert.equal(await real('10.0.0.1', { forwarded: '6.6.6.6' }), 429);
});

test('behind a proxy that no option names they lock out everyone behind it, and misconfigured is reported', async () => {
  const { ask, real, inTurn, events } = world();
  await inTurn(times(60, (at) => ask(forged(), '10.0.0.1', { forwarded: `6.6.6.${at}` })));
  assert.equal(await real('10.0.0.1', { forwarded: '198.51.100.77' }), 429);
  const told = events.filter(({ outcome }) => outcome === 'misconfigured').map(({ reason, status, durationMs }) => [reason, status, durationMs]);
  assert.deepEqual(told, [['refused', 0, 0], ['proxy', 0, 0]]);
});

test('without an address the refusals of all count together, up to 300 a minute', async () => {
  const { ask, real, inTurn, events } = world();
  assert.deepEqual(await inTurn(times(700, () => ask(forged()))), { 401: 300, 429: 400 });
  assert.equal(await real(undefined), 429);
  assert.equal(await real('198.51.100.77'), 429);
  assert.equal(events.at(-1).reason, 'limit');
});

test('a wrong key is a 502, and locks nobody out', async () => {
  for (const fault of [{ kind: 'error', status: 403 }, { kind: 'ban' }, { kind: 'challenge', status: 429 }, { kind: 'error', status: 400 }]) {
    const { gateway, real, inTurn, events } = world({ limit: { perAddress: { max: 10_000, windowMs: 60_000 } } });
    gateway.fail(fault, { times: 1_000 });
    const status = fault.status === 400 ? 400 : 502;
    assert.deepEqual(await inTurn(times(1_000, async () => ({ status: await real('198.51.100.77') }))), { [status]: 1_000 });
    assert.equal(await real('198.51.100.77'), 200);
    assert.deepEqual(events.filter(({ outcome }) => outcome === 'misconfigured'), []);
  }
});

test('ten different tokens that Transak refuses in a row are reported as misconfigured, once', async () => {
  const { ask, inTurn, events } = world({ environment: undefined, baseUrl: 'https://gateway.test' });
  await inTurn(times(30, (at) => ask(forged(), `198.51.100.${at}`)));
  assert.deepEqual(events.filter(({ outcome }) => outcome === 'misconfigured').map(({ reason }) => reason), ['refused']);
});

/** A limiter like that of rate-limiter-flexible: it counts by key, here in memory. */
function memoryLimiter() {
  const counts = new Map(), asked = [];
  const limiter = async (key, limit) => {
    asked.push([key, limit]);
    const count = (counts.get(key) ?? 0) + limit.cost;
    counts.set(key, count);
    return limit.cost ? count <= limit.max : count < limit.max;
  };
  return { limiter, asked, counts };
}

test('a limiter counts in place of the memory, for two processes alike', async () => {
  const { limiter, counts } = memoryLimiter(), [one, two] = [world({ limiter }), world({ limiter })];
  assert.deepEqual(await one.inTurn(times(30, () => one.ask(forged(), '6.6.6.6'))), { 401: 10, 429: 20 });
  assert.equal(await two.real('6.6.6.6'), 429);
  assert.equal(await two.real('198.51.100.77'), 200);
  assert.equal(one.events.at(-1).reason, 'address');
  assert.equal(counts.get('refused:6.6.6.6'), 10);
  assert.equal(counts.get('refusedTotal'), 10);
  assert.equal(counts.get('total'), 1);
});

test('a limiter gets limits, addresses and hashes, and no token', async () => {
  const { limiter, asked } = memoryLimiter(), { gateway, ask } = world({ limiter }), token = await gateway.issue();
  assert.equal((await ask(token, '2001:db8:1:2:3::4')).status, 200);
  assert.equal((await ask(forged(), '2001:db8:1:2:3::4')).status, 401);
  assert.equal((await ask(token, undefined)).status, 200, 'a repeat');
  const minute = 60_000, names = asked.map(([key, { max, windowMs, cost }]) => [key.replace(/[0-9a-f]{64}$/, 'hash'), max, windowMs, cost]);
  const sent = [['refused:2001:db8:1:2::/64', 10, minute, 0], ['refusedTotal', 300, minute, 0], ['total', 600, minute, 0], ['perToken:hash', 5, minute, 1]];
  assert.deepEqual(names, [
    ['perAddress:2001:db8:1:2::/64', 60, minute, 1], ...sent, ['total', 600, minute, 1],
    ['perAddress:2001:db8:1:2::/64', 60, minute, 1], ...sent, ['refused:2001:db8:1:2::/64', 10, minute, 1], ['refusedTotal', 300, minute, 1],
  ]);
  for (const part of token.split('.').slice(1)) assert.ok(!JSON.stringify(asked).includes(part));
});

const failing = {
  throws: () => { throw new Error('ECONNREFUSED'); }, rejects: async () => { throw new Error('ECONNREFUSED'); },
  'gives no answer': () => new Promise(() => {}), 'gives something else': () => ({ remainingPoints: 3 }),
};
for (const [how, limiter] of Object.entries(failing)) test(`a limiter that ${how} lets pass, which is told once an outage`, async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: Date.now() });
  let isDown = true, hangs = 0;
  const { real, events } = world({ limiter: (...given) => {
    if (isDown && how === 'gives no answer') hangs++;
    return isDown ? limiter(...given) : true;
  } });
  const serve = async () => {
    let status;
    const served = real('198.51.100.77').then((done) => { status = done; });
    while (status === undefined) {
      await new Promise((resolve) => setImmediate(resolve));
      // Simulated time passes only while something waits for it.
      for (; hangs; hangs--) t.mock.timers.tick(2_000);
    }
    await served;
    return status;
  };
  const told = () => events.filter(({ outcome }) => outcome === 'degraded').map(({ reason }) => reason);
  for (let at = 0; at < 5; at++) assert.equal(await serve(), 200);
  assert.deepEqual(told(), ['limiter']);
  isDown = false;
  t.mock.timers.tick(10_000);
  assert.equal(await serve(), 200);
  assert.deepEqual(told(), ['limiter']);
  isDown = true;
  assert.equal(await serve(), 200);
  assert.deepEqual(told(), ['limiter', 'limiter']);
});

test('with limit: false no limiter is called', async () => {
  const { real } = world({ limit: false, limiter: () => assert.fail('it is asked') });
  for (let at = 0; at < 100; at++) assert.equal(await real('198.51.100.77'), 200);
});
