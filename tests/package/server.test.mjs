// The backend route: who is let through, what Transak sees, what is answered.
import assert from 'node:assert/strict';
import { request as nodeRequest } from 'node:http';
import { isIP } from 'node:net';
import { describe, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { TransakTokenError, refreshAccessToken } from 'transak-user-token';
import { createGateway } from 'transak-user-token/gateway';
import { createRefreshHandler } from 'transak-user-token/server';
import { API_KEY, APP, REFRESH, arrived, world } from './server.world.mjs';

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc');
const error = (statusCode, message, more) => ({ error: { statusCode, message, ...more } });

describe('options', () => {
  const good = { environment: 'staging', allowedOrigins: [APP], authorize: 'none' };
  const rows = [
    [{ environment: undefined }, 'environment or baseUrl'], [{ environment: 'sandbox' }, 'environment'], [{ baseUrl: 'http://example.com' }, 'baseUrl'],
    [{ baseUrl: '/transak' }, 'baseUrl'], [{ authorize: undefined }, 'authorize'], [{ authorize: true }, 'authorize'], [{ authorize: 'all' }, 'authorize'],
    [{ allowedOrigins: undefined }, 'allowedOrigins'], [{ allowedOrigins: ['*'] }, 'allowedOrigins'], [{ allowedOrigins: APP }, 'allowedOrigins'],
    [{ allowedOrigins: [`${APP}/`] }, 'allowedOrigins'], [{ allowedOrigins: [7] }, 'allowedOrigins'], [{ allowServerCalls: 'yes' }, 'allowServerCalls'],
    [{ apiKey: '' }, 'apiKey'], [{ apiKey: ' \r\n' }, 'apiKey'], [{ apiKey: 'a\nb' }, 'apiKey'], [{ apiKey: 7 }, 'apiKey'], [{ timeoutMs: 0 }, 'timeoutMs'], [{ fetch: 1 }, 'fetch'],
    [{ userIp: '1.2.3.4' }, 'userIp'], [{ onEvent: {} }, 'onEvent'], [{ trustedProxies: '10.0.0.0/8' }, 'trustedProxies'],
    [{ trustedProxies: ['10.0.0.0/33'] }, 'trustedProxies'], [{ limit: true }, 'limit'], [{ limiter: true }, 'limiter'], [{ limit: { refused: 1 } }, 'limit'], [{ limit: { refusedTotal: { max: 1 } } }, 'limit'],
    [{ headers: { authorization: 'x' } }, 'authorization'], [{ headers: [['X-User-IP', '1.1.1.1']] }, 'x-user-ip'], [{ headers: { 'x-api-key': 'a' }, apiKey: 'b' }, 'x-api-key'], [{ headers: 'a b' }, 'headers'], [{ headers: () => ({ 'x-api-key': 'a' }) }, 'headers'],
    [{ allowCredentials: 1 }, 'allowCredentials'], [{ storage: {} }, 'storage'], [{ lock: {} }, 'lock'], [{ limit: 5 }, 'limit'], [{ limit: { total: 5 } }, 'limit'],
    [{ limit: { total: { max: 0, windowMs: 1 } } }, 'limit'], [{ limit: { perToken: { max: 1 } } }, 'limit'], [{ limit: { perAddress: { max: 1.5, windowMs: 1 } } }, 'limit'],
  ];
  for (const [wrong, name] of rows) {
    test(`${JSON.stringify(wrong)} is refused`, () => {
      assert.throws(() => createRefreshHandler({ ...good, ...wrong }), (thrown) => {
        assert.ok(thrown instanceof TransakTokenError);
        assert.equal(thrown.code, 'ERR_INVALID_OPTION');
        assert.ok(thrown.message.includes(name), thrown.message);
        return !thrown.message.includes('a\nb');
      });
    });
  }
  test('the error for an empty apiKey says that it is empty', () => {
    for (const apiKey of ['', ' ', '\n']) assert.throws(() => createRefreshHandler({ ...good, apiKey }), { message: 'an option is invalid: apiKey must not be empty' });
  });
  test('no options and no object are refused', () => {
    for (const options of [undefined, null, 7, {}]) assert.throws(() => createRefreshHandler(options), { code: 'ERR_INVALID_OPTION' });
  });
  test('a handler accepts all of them together', () => {
    createRefreshHandler({
      ...good, baseUrl: new URL('http://10.0.0.1/'), allowHttp: true, apiKey: 'k', timeoutMs: 5, fetch, allowServerCalls: true, userIp: () => '', onEvent: () => {},
      trustedProxies: ['10.0.0.0/8', '::1'], limit: { total: { max: 1, windowMs: 1 } },
    });
  });

  test('a list that throws when it is read is refused', () => {
    const { proxy, revoke } = Proxy.revocable([], {});
    revoke();
    const throwing = Object.assign([APP], { [Symbol.iterator]() { throw new RangeError('no'); } });
    for (const list of [proxy, throwing]) for (const name of ['allowedOrigins', 'trustedProxies']) {
      assert.throws(() => createRefreshHandler({ ...good, [name]: list }), { code: 'ERR_INVALID_OPTION', message: new RegExp(name) });
    }
  });
});

describe('a request that is passed on', () => {
  test('Transak sees the token, the key and the address, and nothing of the browser', async (t) => {
    const { gateway, ask, expiring, events } = await world(t);
    const token = await expiring();
    const { status, headers, body } = await ask(token, { headers: {
      referer: `${APP}/account`, cookie: 'session=1', 'user-agent': 'Mozilla/5.0 (of the user)', 'x-forwarded-for': '6.6.6.6', forwarded: 'for=6.6.6.6', 'x-real-ip': '6.6.6.6',
      'x-api-key': 'theirs', 'x-user-ip': '6.6.6.6', 'accept-language': 'tlh', 'x-more': 'more', 'sec-fetch-site': 'cross-site',
    } });
    assert.equal(status, 200);
    assert.deepEqual(Object.keys(body), ['data']);
    assert.deepEqual(Object.keys(body.data), ['accessToken']);
    assert.equal((await gateway.verify(body.data.accessToken)).sub, (await gateway.verify(token)).sub);

    assert.equal(gateway.requests.length, 1);
    const [{ method, path, headers: seen }] = gateway.requests;
    assert.deepEqual([method, path], ['GET', REFRESH]);
    assert.equal(seen.authorization, token);
    assert.equal(seen['x-api-key'], API_KEY);
    assert.equal(seen['x-user-ip'], '127.0.0.1');
    // The remaining headers come from the fetch of this server.
    const { authorization, 'x-api-key': key, 'x-user-ip': address, host, connection, ...rest } = seen;
    for (const name of ['origin', 'referer', 'cookie', 'forwarded', 'x-forwarded-for', 'x-real-ip', 'x-more', 'sec-fetch-site']) assert.ok(!(name in rest), name);
    assert.deepEqual(Object.keys(rest).sort(), ['accept', 'accept-encoding', 'accept-language', 'cache-control', 'pragma', 'sec-fetch-mode', 'user-agent']);
    assert.equal(rest.accept, 'application/json');
    assert.match(rest['user-agent'], /^transak-user-token\/\d+\.\d+\.\d+$/);
    for (const name of Object.keys(rest)) assert.doesNotMatch(rest[name], /user\)|tlh|6\.6/, name);

    assert.equal(headers.get('access-control-allow-origin'), APP);
    assert.equal(headers.get('access-control-allow-credentials'), null);
    assert.equal(headers.get('access-control-expose-headers'), 'trace-id, retry-after');
    assert.equal(headers.get('vary'), 'Origin');
    assert.equal(headers.get('cache-control'), 'no-store');
    assert.match(headers.get('content-type'), /^application\/json/);
    assert.deepEqual(events.map(({ outcome, status }) => [outcome, status]), [['refreshed', 200]]);
    assert.ok(events[0].durationMs >= 0);
  });

  test('headers of the backend go with it, in place of the defaults if they have their names', async (t) => {
    const headers = new Headers({ 'User-Agent': 'shop/1.0', 'x-partner': 'p' });
    const { gateway, ask, expiring } = await world(t, { headers, apiKey: undefined });
    headers.set('x-partner', 'changed');
    assert.equal((await ask(await expiring())).status, 200);
    const [{ headers: seen }] = gateway.requests;
    assert.deepEqual([seen['user-agent'], seen.accept, seen['x-partner'], seen['x-api-key']], ['shop/1.0', 'application/json', 'p', undefined]);
    const keyed = await world(t, { headers: { 'x-api-key': API_KEY }, apiKey: undefined });
    assert.equal((await keyed.ask(await keyed.expiring())).status, 200);
    assert.equal(keyed.gateway.requests[0].headers['x-api-key'], API_KEY);
  });

  test('an iterator of headers is read once', async (t) => {
    const { gateway, ask, expiring } = await world(t, { headers: new Map([['x-partner', 'p']]).entries() });
    for (let time = 0; time < 2; time++) await ask(await expiring());
    assert.deepEqual(gateway.requests.map(({ headers }) => headers['x-partner']), ['p', 'p']);
  });

  test("the client's baseUrl may be the mount, as it is", async (t) => {
    const { gateway, mount, expiring } = await world(t, { allowServerCalls: true });
    const { accessToken } = await refreshAccessToken(await expiring(), { baseUrl: mount });
    assert.ok(await gateway.verify(accessToken));
    await assert.rejects(refreshAccessToken(await expiring(), { baseUrl: mount, headers: { origin: 'https://evil.test' } }), { code: 'ERR_FORBIDDEN' });
    assert.equal(gateway.requests.length, 1);
  });

  test('it works with a Request only, and sends no x-user-ip without a known address', async (t) => {
    const { gateway, handler, expiring } = await world(t);
    const request = async (more) => new Request(`https://api.example.com${REFRESH}`, { headers: { authorization: await expiring(), ...more } });
    assert.equal((await handler(await request({ origin: APP }))).status, 200);
    assert.equal((await handler(await request({ 'sec-fetch-site': 'same-origin' }), { remoteAddress: '::ffff:203.0.113.7' })).status, 200);
    assert.equal((await handler(await request({ origin: APP }), { remoteAddress: 'unknown' })).status, 200);
    assert.deepEqual(gateway.requests.map(({ headers }) => headers['x-user-ip']), [undefined, '203.0.113.7', undefined]);
  });

  test('it answers the same through toNodeListener and on a Request, with and without authorize', async (t) => {
    for (const authorize of ['none', (request) => request instanceof Request && request.method === 'GET']) {
      const { handler, ask, expiring, gateway } = await world(t, { authorize });
      const [good, other] = [await expiring(), await expiring()];
      const rows = [[good, {}, 200], [good, {}, 200], ['x.y.z', {}, 401], [good, { headers: { origin: 'https://evil.test' } }, 403], [other, { method: 'OPTIONS' }, 204]];
      for (const [token, { method, headers }, expected] of rows) {
        const listened = await ask(token, { method, headers });
        const answer = await handler(new Request(`https://api.example.com${REFRESH}`, { method, headers: { origin: APP, authorization: token, ...headers } }));
        const body = await answer.text();
        assert.deepEqual([answer.status, listened.status], [expected, expected]);
        assert.deepEqual(body && JSON.parse(body), listened.body);
        for (const [name, value] of answer.headers) assert.equal(listened.headers.get(name), value, name);
      }
      assert.equal(gateway.requests.length, 1);
    }
  });

  test('a remoteAddress that is no address counts as absent', async (t) => {
    for (const authorize of ['none', () => true]) {
      const { gateway, handler, expiring } = await world(t, { authorize });
      for (const remoteAddress of [7, null, {}, ['203.0.113.7'], Symbol('x'), '9'.repeat(100_000), '\ud800', '203.0.113.7']) {
        const request = new Request(`https://api.example.com${REFRESH}`, { headers: { origin: APP, authorization: await expiring() } });
        assert.equal((await handler(request, { remoteAddress })).status, 200);
      }
      assert.deepEqual(gateway.requests.map(({ headers }) => headers['x-user-ip']), [...Array(7).fill(undefined), '203.0.113.7']);
    }
  });

  const addresses = [
    ['an untrusted header', {}, '6.6.6.6', '127.0.0.1'],
    ['a trusted proxy', { trustedProxies: ['127.0.0.0/8'] }, '6.6.6.6, 203.0.113.7', '203.0.113.7'],
    ['two of them', { trustedProxies: ['127.0.0.1', '10.0.0.0/8'] }, '6.6.6.6, 2001:DB8::7, 10.0.0.1', '2001:db8::7'],
    ['a proxy that names nobody', { trustedProxies: ['127.0.0.1'] }, 'unknown', undefined],
    ['a function', { userIp: (request) => request.headers.get('x-forwarded-for') }, '203.0.113.9', '203.0.113.9'],
    ['a function that finds a port, too', { userIp: (request) => `${request.headers.get('x-forwarded-for')}:46532` }, '203.0.113.9', '203.0.113.9'],
    ['a function that finds no address', { userIp: () => 'nobody' }, '6.6.6.6', '127.0.0.1'],
  ];
  for (const [name, options, forwarded, expected] of addresses) {
    test(`the address comes from ${name}`, async (t) => {
      const { gateway, ask, expiring } = await world(t, options);
      assert.equal((await ask(await expiring(), { headers: { 'x-forwarded-for': forwarded } })).status, 200);
      assert.equal(gateway.requests[0].headers['x-user-ip'], expected);
      assert.ok(expected === undefined || isIP(expected));
    });
  }
});

describe('a request that ends here', () => {
  test('by its path, its method, its origin or its token', async (t) => {
    const { gateway, ask, issue } = await world(t);
    const good = await issue(), expired = await issue({ iat: 1, exp: 2 });
    const rows = [
      [good, { path: '/api/v2/auth/login' }, 404, undefined], [good, { path: `${REFRESH}/` }, 404, undefined],
      [good, { method: 'POST', body: 'x' }, 405, undefined], [good, { method: 'DELETE' }, 405, undefined],
      [good, { headers: { origin: 'https://evil.test' } }, 403, undefined], [good, { headers: { origin: 'null' } }, 403, undefined],
      [expired, {}, 401, 1002], [null, {}, 401, 1002], ['x.y.z', {}, 401, 1002], [`Bearer ${good}`, {}, 401, 1002], [`${good}, ${good}`, {}, 401, 1002],
      [`e30.${'A'.repeat(17_000)}.c2ln`, {}, 401, 1002],
    ];
    for (const [token, init, expected, errorCode] of rows) {
      const { status, body, headers } = await ask(token, init);
      assert.equal(status, expected, JSON.stringify(init));
      assert.deepEqual(body, error(expected, body.error.message, errorCode && { errorCode }));
      assert.equal(headers.get('access-control-allow-origin'), init.headers ? null : APP);
      assert.equal(headers.get('cache-control'), 'no-store');
      if (status === 405) assert.equal(headers.get('allow'), 'GET, OPTIONS');
    }
    assert.equal(gateway.requests.length, 0);
  });

  test('a preflight is answered for a listed origin only', async (t) => {
    const { gateway, ask, events } = await world(t);
    const asks = { 'access-control-request-method': 'GET', 'access-control-request-headers': 'authorization,x-session' };
    const { status, headers, body } = await ask(null, { method: 'OPTIONS', headers: asks });
    assert.deepEqual([status, body], [204, '']);
    assert.equal(headers.get('access-control-allow-origin'), APP);
    assert.equal(headers.get('access-control-allow-headers'), 'authorization,x-session');
    assert.equal(headers.get('access-control-allow-methods'), 'GET');
    assert.equal(headers.get('vary'), 'Origin');
    const refused = await ask(null, { method: 'OPTIONS', headers: { ...asks, origin: 'https://evil.test' } });
    assert.equal(refused.status, 403);
    assert.equal(refused.headers.get('access-control-allow-origin'), null);
    assert.equal(gateway.requests.length, 0);
    assert.deepEqual(events.map(({ outcome, reason }) => [outcome, reason]), [['preflight', undefined], ['refused', 'origin']]);
  });

  test('without an origin only the same-origin page and, if allowed, a server get through', async (t) => {
    const closed = await world(t), open = await world(t, { allowServerCalls: true });
    const plain = async ({ mount, expiring }, headers) => (await fetch(mount + REFRESH, { headers: { authorization: await expiring(), ...headers } })).status;
    assert.equal(await plain(closed, {}), 403);
    assert.equal(await plain(closed, { 'sec-fetch-site': 'cross-site' }), 403);
    assert.equal(await plain(closed, { 'sec-fetch-site': 'same-origin' }), 200);
    assert.equal(await plain(open, {}), 200);
    assert.deepEqual([closed, open].map(({ gateway }) => gateway.requests.length), [1, 1]);
  });

  test('unless authorize returns true, whatever else it does', async (t) => {
    const asked = [], answers = [false, 'yes', undefined, Promise.resolve(false), new Error('thrown'), Promise.reject(new Error('session=1 of user@example.com')), true];
    answers[5].catch(() => {});
    const { gateway, ask, events, issue } = await world(t, { authorize: (request, info) => {
      asked.push([request.headers.get('cookie'), new URL(request.url).pathname, info.remoteAddress]);
      const answer = answers[asked.length - 1];
      if (answer instanceof Error) throw answer;
      return answer;
    } });
    const madeUp = `e30.${Buffer.from(JSON.stringify({ sub: 'x', exp: Math.floor(Date.now() / 1000) + 9999 })).toString('base64url')}.c2ln`;
    const statuses = [];
    for (const [at] of answers.entries()) statuses.push((await ask(at === 6 ? await issue() : madeUp, { headers: { cookie: 'a=b' } })).status);
    assert.deepEqual(statuses, [403, 403, 403, 403, 500, 500, 200]);
    assert.deepEqual(asked[0], ['a=b', `/transak${REFRESH}`, '127.0.0.1']);
    assert.equal(gateway.requests.length, 1);
    assert.deepEqual(events.map(({ code }) => code), ['ERR_FORBIDDEN', 'ERR_FORBIDDEN', 'ERR_FORBIDDEN', 'ERR_FORBIDDEN', 'ERR_INTERNAL', 'ERR_INTERNAL', undefined]);
    await ask('x.y.z');
    assert.equal(asked.length, 7, 'it is asked about nothing that ends before');
    assert.deepEqual(events.map(({ reason }) => reason), [...Array(6).fill('authorize'), undefined, 'token']);
  });

  test('by the limits on refused tokens, if the tokens are made up', async (t) => {
    const { gateway, ask, events } = await world(t, { limit: { refusedTotal: { max: 5, windowMs: 60_000 } } });
    const statuses = [];
    for (let at = 0; at < 20; at++) {
      const token = `e30.${Buffer.from(JSON.stringify({ sub: `x${at}`, exp: Math.floor(Date.now() / 1000) + 9999 })).toString('base64url')}.c2ln`;
      const { status, headers } = await ask(token);
      statuses.push(status);
      if (status !== 429) continue;
      assert.ok(headers.get('retry-after') > 0 && headers.get('retry-after') <= 60);
      assert.equal(headers.get('access-control-allow-origin'), APP);
    }
    assert.deepEqual(statuses, [...Array(5).fill(401), ...Array(15).fill(429)]);
    assert.equal(gateway.requests.length, 5);
    assert.equal(events.filter(({ outcome, code }) => outcome === 'limited' && code === 'ERR_RATE_LIMITED').length, 15);
  });

  test('by the limits on an address and on a token', async (t) => {
    const one = { max: 1, windowMs: 60_000 }, address = (at) => ({ headers: { 'x-forwarded-for': at } });
    const { gateway, ask, issue } = await world(t, { trustedProxies: ['127.0.0.1'], limit: { perAddress: one } });
    assert.equal((await ask(await issue(), address('2001:db8::1'))).status, 200);
    assert.equal((await ask(await issue(), address('2001:db8::2'))).status, 429);
    assert.equal((await ask(await issue(), address('2001:db8:0:1::2'))).status, 200);
    assert.equal(gateway.requests.length, 2);

    const other = await world(t, { limit: { perToken: one } }), token = await other.issue();
    other.gateway.fail({ kind: 'error', status: 500 });
    assert.deepEqual([(await other.ask(token)).status, (await other.ask(token)).status, (await other.ask(await other.issue())).status], [500, 429, 200]);
  });
});

describe('one request for all clients with one token', () => {
  test('2,000 requests at once with 100 tokens are 100 requests to Transak, and leave nothing behind', async (t) => {
    const { gateway, ask, expiring, events, said } = await world(t, { timeoutMs: 60_000 });
    const tokens = await Promise.all(Array.from({ length: 100 }, () => expiring()));
    const round = (tokens) => Promise.all(Array.from({ length: 2000 }, (_, at) => ask(tokens[at % 100], { headers: { 'user-agent': `client ${at}`, 'x-more': String(at) } })));
    const answers = await round(tokens);
    assert.ok(answers.every(({ status }) => status === 200));
    assert.deepEqual(tokens.map((token) => gateway.refreshes(token)), Array(100).fill(1));
    assert.equal(new Set(answers.map(({ body }) => body.data.accessToken)).size, 100);
    answers.forEach(({ body }, at) => assert.equal(body.data.accessToken, answers[at % 100].body.data.accessToken));
    assert.equal(events.filter(({ outcome }) => outcome === 'refreshed').length, 100);
    assert.equal(events.filter(({ outcome }) => ['shared', 'repeated'].includes(outcome)).length, 1900);

    /** Returns the memory in use after the last requests have ended. */
    const used = async (rounds) => {
      for (let at = 0; at < rounds; at++) {
        await round(await Promise.all(Array.from({ length: 100 }, () => expiring())));
        gateway.reset();
        [events, said, answers].forEach((list) => list.splice(0));
      }
      // The first collection may make more objects collectable, so it runs a few times.
      for (let turn = 0; turn < 5; turn++) {
        await setImmediate();
        gc();
      }
      return process.memoryUsage().heapUsed / 2 ** 20;
    };
    // The connections of 2,000 clients stay open: the first rounds open them, on a busy machine later ones too. What is
    // kept for good grows with every one.
    let before = await used(3), grown = [];
    do {
      const now = await used(3);
      grown.push(now - before);
      before = now;
    } while (grown.at(-1) >= 6 && grown.length < 4);
    assert.ok(grown.at(-1) < 6, `${grown.map((each) => each.toFixed(1))} MiB more after 6,000 requests each`);
  });

  test('a client that lost the answer gets the same one again', async (t) => {
    const { gateway, mount, ask, expiring, events } = await world(t);
    gateway.revoke = true;
    const token = await expiring();
    gateway.fail({ kind: 'latency', ms: 100 });
    const lost = nodeRequest(`${mount}${REFRESH}`, { headers: { authorization: token, origin: APP } }).on('error', () => {});
    lost.end();
    await arrived(gateway);
    lost.destroy();
    const [again, andAgain] = [await ask(token), await ask(token)];
    assert.deepEqual([again.status, andAgain.status], [200, 200]);
    assert.equal(again.body.data.accessToken, andAgain.body.data.accessToken);
    assert.ok(await gateway.verify(again.body.data.accessToken));
    assert.equal(gateway.refreshes(token), 1);
    assert.equal(events.at(-1).outcome, 'repeated');
  });

  for (const authorize of ['none', () => true]) {
    test(`a clock that calls the route mixes up no tokens${authorize === 'none' ? '' : ', with an authorize function'}`, async (t) => {
      const gateway = createGateway(), [first, other] = await Promise.all(['a', 'b'].map((sub) => gateway.issue({ sub })));
      const handle = createRefreshHandler({
        baseUrl: 'https://gateway.test', allowedOrigins: [], allowServerCalls: true, authorize, limit: false,
        fetch: async (url, init) => gateway.fetch(new Request(url, { headers: init.headers })),
      });
      const sub = async (token) => {
        const answer = await handle(new Request(`https://api.test${REFRESH}`, { headers: { authorization: token } }));
        return (await gateway.verify((await answer.json()).data.accessToken)).sub;
      };
      const clock = Date.now, called = [];
      t.after(() => { Date.now = clock; });
      let isInside = false;
      Date.now = () => {
        if (!isInside && called.length < 50) {
          isInside = true;
          called.push(sub(other));
          isInside = false;
        }
        return clock();
      };
      assert.equal(await sub(first), 'a');
      Date.now = clock;
      assert.ok(called.length > 1);
      assert.deepEqual(new Set(await Promise.all(called)), new Set(['b']));
      assert.deepEqual([await sub(first), await sub(other)], ['a', 'b']);
    });
  }

  test('a client that asks again gets an answer that came after the time-out', async (t) => {
    const { gateway, ask, expiring } = await world(t, { timeoutMs: 100 }), token = await expiring();
    gateway.revoke = true;
    gateway.fail({ kind: 'latency', ms: 400 });
    assert.equal((await ask(token)).status, 504);
    let again;
    do again = await ask(token); while (again.status === 504);
    assert.equal(again.status, 200);
    assert.ok(await gateway.verify(again.body.data.accessToken));
    assert.equal(gateway.refreshes(token), 1);
  });

  test('a failure is shared, and not repeated later', async (t) => {
    const { gateway, ask, expiring } = await world(t), token = await expiring();
    gateway.fail({ kind: 'error', status: 503, latencyMs: 1_000 });
    assert.deepEqual((await Promise.all([ask(token), ask(token)])).map(({ status }) => status), [503, 503]);
    assert.equal((await ask(token)).status, 200);
    assert.equal(gateway.refreshes(token), 2);
  });
});

describe("Transak's failures in its own shape", () => {
  const rows = [
    [{ kind: 'error', status: 401, errorCode: 1002 }, 401, { errorCode: 1002 }], [{ kind: 'error', status: 401 }, 401, { errorCode: 1002 }], [{ kind: 'error', status: 401, errorCode: 1010 }, 401, { errorCode: 1010 }],
    [{ kind: 'error', status: 400, message: 'Session Expired' }, 401, { errorCode: 1002 }], [{ kind: 'error', status: 403 }, 502], [{ kind: 'ban' }, 502, { errorCode: 1001 }],
    ...[403, 429, 503].map((status) => [{ kind: 'challenge', status }, 502]),
    [{ kind: 'error', status: 422, errorCode: 'E_9001' }, 422, { errorCode: 'E_9001' }], [{ kind: 'error', status: 500 }, 500], [{ kind: 'error', status: 503 }, 503],
    [{ kind: 'rate-limit', retryAfter: 7 }, 429], [{ kind: 'rate-limit' }, 429], [{ kind: 'hang' }, 504], [{ kind: 'error', status: 408 }, 504],
    [{ kind: 'drop', when: 'before' }, 502], [{ kind: 'html' }, 502], [{ kind: 'truncated' }, 502], [{ kind: 'truncated', how: 'json' }, 502], [{ kind: 'oversized' }, 502],
    [{ kind: 'redirect' }, 502], ...['same', 'foreign', 'expired', 'garbage'].map((which) => [{ kind: 'token', which }, 502]),
  ];
  for (const [fault, expected, more] of rows) {
    test(`${JSON.stringify(fault)} is ${expected}`, async (t) => {
      const { gateway, ask, expiring, events } = await world(t, { timeoutMs: fault.kind === 'hang' ? 200 : 8000 });
      gateway.fail(fault);
      const { status, headers, body } = await ask(await expiring());
      assert.equal(status, expected);
      assert.deepEqual(body, error(expected, body.error.message, more));
      assert.doesNotMatch(body.error.message, /told to fail/);
      assert.equal(headers.get('access-control-allow-origin'), APP);
      if (fault.kind === 'rate-limit') assert.equal(headers.get('retry-after'), fault.retryAfter ? '7' : null);
      if (fault.kind === 'error') assert.match(headers.get('trace-id'), /^[0-9a-f-]{36}$/);
      if (fault.kind === 'challenge') assert.equal(headers.get('trace-id'), '8f3a2b1c4d5e6f70-FRA');
      const isForbidden = events[0].code === 'ERR_FORBIDDEN';
      assert.equal(isForbidden, ['challenge', 'ban'].includes(fault.kind) || fault.status === 403);
      if (isForbidden) assert.equal(headers.get('retry-after'), '60');
      assert.deepEqual(events.map(({ outcome, reason, status }) => [outcome, reason, status]), [['failed', expected === 504 ? 'timeout' : 'upstream', expected]]);
      assert.equal(events[0].traceId, headers.get('trace-id') ?? undefined);
      assert.equal(gateway.requests.length, 1);
    });
  }

  test('a page gets a 401 with errorCode 1002, whatever the body of Transak\'s 401 is', async (t) => {
    const bodies = [
      [401, '{"error":{"statusCode":401,"errorCode":1002}}'], [401, '{"error":{"statusCode":401,"errorCode":1003}}'], [401, '{"error":{"statusCode":401,"errorCode":"NO_KEY"}}'],
      [401, '{"error":{"statusCode":401,"message":"Unauthorized"}}'], [401, '<html>'], [401, ''], [401, null], [401, 'x'.repeat(100_000)],
      [400, '{"error":{"errorCode":1003}}'], [404, '{"error":{"errorCode":"1010"}}'], [400, '{"error":{"message":"Session Expired"}}'],
    ];
    for (const [status, body] of bodies) {
      const refused = async () => new Response(body, { status });
      const { expiring, mount, events } = await world(t, { allowServerCalls: true, fetch: refused }), token = await expiring();
      const directly = refreshAccessToken(token, { environment: 'staging', retries: 0, fetch: refused });
      await assert.rejects(directly, { code: 'ERR_UNAUTHORIZED', action: 'login' });
      await assert.rejects(refreshAccessToken(token, { baseUrl: mount, retries: 0 }), { code: 'ERR_UNAUTHORIZED', action: 'login', status: 401 }, body ?? '');
      assert.deepEqual(events.map(({ outcome, status, code }) => [outcome, status, code]), [['failed', 401, 'ERR_UNAUTHORIZED']]);
    }
  });

  test('an onEvent that throws changes no answer', async (t) => {
    const { ask, issue } = await world(t, { onEvent: () => { throw new Error('no'); } });
    assert.equal((await ask(await issue())).status, 200);
  });
});
