// How many requests are sent, to which server, what the gateway sees of them, and when they are retried.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { getEventListeners } from 'node:events';
import { createServer } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import vm from 'node:vm';
import * as everything from 'transak-user-token';
import { createGateway } from 'transak-user-token/gateway';
import { ofPackage, openBrowser, plain } from './browser.mjs';

// A plain build has no sessions.
const { TokenSession, TransakTokenError, ensureFreshToken, refreshAccessToken } = everything;
const DAY = 86_400_000;
let browser, gateway, baseUrl, closeGateway;

before(async () => {
  if (!plain) browser = await openBrowser();
  gateway = createGateway({ allowedOrigins: browser ? [browser.origin] : [] });
  ({ url: baseUrl, close: closeGateway } = await gateway.listen());
});
after(async () => {
  await browser?.close();
  await closeGateway?.();
});

/** A token that no other test has. */
let users = 0;
const issue = (lifetimeMs, claims) => gateway.issue({ sub: `user${users++}@example.com`, ...claims }, lifetimeMs);

const failsWith = (code, more = {}) => (error) => {
  assert.ok(error instanceof TransakTokenError, `not a TransakTokenError: ${error?.stack ?? error}`);
  const actual = Object.fromEntries(['code', ...Object.keys(more)].map((field) => [field, error[field]]));
  assert.deepEqual(actual, { code, ...more });
  return true;
};

/** A fetch of the caller that answers with this token and records its arguments. */
function recorder(token, answer = () => Response.json({ data: { accessToken: token } })) {
  const calls = [];
  const fetch = async (url, init) => {
    calls.push({ url, init });
    return answer(calls.length);
  };
  return { calls, fetch };
}

/** Resolves once the gateway has got this many refreshes of a token. */
async function arrived(token, count = 1) {
  while (gateway.refreshes(token) < count) await new Promise((resolve) => setTimeout(resolve, 2));
}

const unsigned = (claims) => `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.c2ln`;
const inSeconds = (ms) => Math.floor((Date.now() + ms) / 1000);

describe('no request is made', () => {
  const rows = [
    ['for an expired token',
      unsigned({ sub: 'x', iat: inSeconds(-2 * DAY), exp: inSeconds(-DAY) }), 'ERR_TOKEN_EXPIRED', { action: 'login', reason: undefined }],
    ['for a token of the year 1970', unsigned({ sub: 'x', exp: 0 }), 'ERR_TOKEN_EXPIRED', { action: 'login' }],
    ['for no string', 7, 'ERR_INVALID_TOKEN', { action: 'login', reason: 'not_a_string' }],
    ['for an empty string', '', 'ERR_INVALID_TOKEN', { action: 'login', reason: 'not_a_jwt' }],
    ['for a Bearer prefix',
      `Bearer ${unsigned({ sub: 'x', exp: inSeconds(DAY) })}`, 'ERR_INVALID_TOKEN', { action: 'fix', reason: 'bearer_prefix' }],
    ['for a partner token',
      unsigned({ API_KEY: 'x', exp: inSeconds(DAY) }), 'ERR_INVALID_TOKEN', { action: 'fix', reason: 'partner_token' }],
    ['for the token of a widget session',
      unsigned({ ott: 'x', exp: inSeconds(DAY) }), 'ERR_INVALID_TOKEN', { action: 'fix', reason: 'session_token' }],
    ['for a token without exp', unsigned({ sub: 'x' }), 'ERR_INVALID_TOKEN', { action: 'login', reason: 'no_expiry' }],
    ['for milliseconds', unsigned({ sub: 'x', exp: Date.now() }), 'ERR_INVALID_TOKEN', { action: 'login', reason: 'bad_expiry' }],
    ['for broken JSON', 'e30.e30x.c2ln', 'ERR_INVALID_TOKEN', { action: 'login', reason: 'bad_json' }],
    ['for 17,000 characters', 'x'.repeat(17_000), 'ERR_INVALID_TOKEN', { action: 'login', reason: 'too_long' }],
  ];
  for (const [name, token, code, more] of rows) {
    test(name, async () => {
      const { calls, fetch } = recorder('unused');
      const expected = failsWith(code, { attempts: 0, outcomeUnknown: false, ...more });
      await assert.rejects(refreshAccessToken(token, { baseUrl, fetch }), expected);
      await assert.rejects(ensureFreshToken(token, { baseUrl, fetch }), expected);
      assert.equal(calls.length, 0);
    });
  }

  test('within the tolerance an expired token is still refreshed', async () => {
    const token = unsigned({ sub: 'x', exp: inSeconds(-60_000) });
    const { calls, fetch } = recorder(unsigned({ sub: 'x', exp: inSeconds(DAY) }));
    await refreshAccessToken(token, { fetch, clockToleranceMs: 120_000 });
    assert.equal(calls.length, 1);
  });
});

describe('the order of checks is options, signal, token', () => {
  const gone = AbortSignal.abort('left');
  test('wrong options come before an aborted signal and a bad token', async () => {
    for (const call of [refreshAccessToken, ensureFreshToken]) {
      await assert.rejects(call('bad', { signal: gone, retries: -1 }), failsWith('ERR_INVALID_OPTION'));
      await assert.rejects(call('bad', { signal: gone, headers: { Authorization: 'x' } }), failsWith('ERR_INVALID_OPTION'));
    }
  });
  test('an aborted signal comes before a bad token', async () => {
    for (const call of [refreshAccessToken, ensureFreshToken]) {
      await call('bad', { signal: gone }).then(assert.fail, (reason) => assert.equal(reason, 'left'));
    }
  });
  test('an aborted signal ends ensureFreshToken even if the token is fresh', async () => {
    const token = await issue();
    await ensureFreshToken(token, { signal: gone }).then(assert.fail, (reason) => assert.equal(reason, 'left'));
  });
});

describe('calls that ask for the same share one request', () => {
  test('100 calls at once with one token are one request, and all get the same token', async () => {
    const token = await issue();
    const answers = await Promise.all(Array.from({ length: 100 }, () => refreshAccessToken(token, { baseUrl })));
    assert.equal(gateway.refreshes(token), 1);
    assert.equal(new Set(answers.map(({ accessToken }) => accessToken)).size, 1);
    assert.notEqual(answers[0].accessToken, token);
  });

  test('100 calls at once that fail are one request, too, and each gets the error', async () => {
    const token = await issue();
    gateway.fail({ kind: 'error', status: 403, errorCode: 7 });
    const answers = await Promise.allSettled(Array.from({ length: 100 }, () => refreshAccessToken(token, { baseUrl })));
    assert.equal(gateway.refreshes(token), 1);
    for (const { reason } of answers) assert.ok(failsWith('ERR_FORBIDDEN', { errorCode: '7', attempts: 1 })(reason));
  });

  test('a call after the first one has settled is a new request', async () => {
    const token = await issue();
    await refreshAccessToken(token, { baseUrl });
    await refreshAccessToken(token, { baseUrl });
    assert.equal(gateway.refreshes(token), 2);
  });

  test('two tokens are two requests', async () => {
    const tokens = await Promise.all([issue(), issue()]);
    const [a, b] = await Promise.all(tokens.map((token) => refreshAccessToken(token, { baseUrl })));
    assert.deepEqual(tokens.map((token) => gateway.refreshes(token)), [1, 1]);
    assert.notEqual(a.accessToken, b.accessToken);
  });

  for (const [what, given] of [['an attempt', { timeoutMs: 8_000 }], ['all attempts', { totalTimeoutMs: 8_000 }]]) {
    test(`no call joins a request whose time is up, even before its timer has fired: ${what}`, async (t) => {
      const token = await issue(), next = await issue(60 * DAY, { sub: (await gateway.verify(token)).sub });
      const { calls, fetch } = recorder(next, (count) => (count === 1 ? new Promise(() => {}) : Response.json({ data: { accessToken: next } })));
      const options = { ...given, fetch, retries: 0 }, caller = new AbortController();
      const late = refreshAccessToken(token, { ...options, signal: caller.signal }).catch((reason) => reason);
      while (!calls.length) await new Promise(setImmediate);
      const { now } = Date;
      t.after(() => (Date.now = now));
      Date.now = () => now() + 8_000;
      assert.equal((await refreshAccessToken(token, options)).accessToken, next);
      assert.equal(calls.length, 2);
      caller.abort('left');
      assert.ok(['left', 'ERR_TIMEOUT'].includes((await late).code ?? await late));
    });
  }

  /** Returns how many requests two calls with these options send. Both use one fetch, unless an option is `fetch`. */
  async function requests(one, two, pad = '') {
    const token = await issue();
    const next = await issue(60 * DAY, { sub: (await gateway.verify(token)).sub });
    const { calls, fetch } = recorder(next);
    const own = (options) => ({ fetch, ...options, ...(options.fetch && { fetch: options.fetch(fetch) }) });
    await Promise.all([refreshAccessToken(token, own(one)), refreshAccessToken(pad + token + pad, own(two))]);
    return calls.length;
  }
  const B = 'https://a.example';
  const table = [
    ['the same options', {}, {}, 1],
    ['spaces around the token', {}, {}, 1, ' '],
    ['staging, whether by default or not: the base is the same', {}, { environment: 'staging' }, 1],
    ['staging by its name or its URL: the base is the same',
      { environment: 'staging' }, { baseUrl: 'https://api-gateway-stg.transak.com' }, 1],
    ['another environment', {}, { environment: 'production' }, 2],
    ['another base', { baseUrl: B }, { baseUrl: 'https://b.example' }, 2],
    ['the same base, once with a slash', { baseUrl: B }, { baseUrl: `${B}/` }, 1],
    ['the same base, once as a URL', { baseUrl: B }, { baseUrl: new URL(B) }, 1],
    ['another path', { baseUrl: B }, { baseUrl: `${B}/x` }, 2],
    ['another header', { headers: { 'x-api-key': 'a' } }, { headers: { 'x-api-key': 'b' } }, 2],
    ['a header more', {}, { headers: { 'x-api-key': 'b' } }, 2],
    ['no headers, and an object of none', {}, { headers: {} }, 1],
    ['the same headers in another shape and order',
      { headers: { 'X-B': '2', 'x-a': '1' } }, { headers: new Headers([['x-a', '1'], ['x-b', '2']]) }, 1],
    ['other credentials', { baseUrl: B }, { baseUrl: B, credentials: 'include' }, 2],
    ['credentials as by default', { baseUrl: B }, { baseUrl: B, credentials: 'omit' }, 1],
    ['another fetch', {}, { fetch: (fetch) => (...args) => fetch(...args) }, 2],
    ['another timeoutMs', {}, { timeoutMs: 9_999 }, 2],
    ['another totalTimeoutMs', {}, { totalTimeoutMs: 9_999 }, 2],
    ['timeoutMs as by default', {}, { timeoutMs: 10_000, totalTimeoutMs: 30_000 }, 1],
    ['another window', { refreshWindowMs: 1 }, { refreshWindowMs: 2 }, 1],
    ['another tolerance', {}, { clockToleranceMs: 5_000 }, 1],
    ['a signal', {}, { signal: new AbortController().signal }, 1],
  ];
  for (const [name, one, two, count, pad] of table) {
    test(`${name}: ${count}`, async () => assert.equal(await requests(one, two, pad), count));
  }

  test('each gets its own refreshAt', async () => {
    const token = await issue();
    const windows = [0, 1_000, 5 * DAY, undefined];
    const answers = await Promise.all(windows.map((refreshWindowMs) => refreshAccessToken(token, { baseUrl, refreshWindowMs })));
    assert.equal(gateway.refreshes(token), 1);
    assert.deepEqual(answers.map(({ refreshAt, expiresAt }) => expiresAt - refreshAt), [0, 1_000, 5 * DAY, 3 * DAY]);
  });

  test('a refreshed token has its four fields', async () => {
    const token = await issue();
    const { accessToken, ...times } = await refreshAccessToken(token, { baseUrl });
    const { iat, exp } = await gateway.verify(accessToken);
    assert.deepEqual(times, { issuedAt: iat * 1000, expiresAt: exp * 1000, refreshAt: exp * 1000 - 3 * DAY });
  });

  test('each has its own tolerance: if the token expires meanwhile, one of two callers may still get a new one', async () => {
    const token = await issue(200);
    gateway.fail({ kind: 'error', status: 500, latencyMs: 250 });
    const tolerances = [0, 60_000];
    const answers = await Promise.allSettled(tolerances.map((clockToleranceMs) =>
      refreshAccessToken(token, { baseUrl, retries: 0, clockToleranceMs })));
    assert.equal(gateway.refreshes(token), 1);
    assert.deepEqual(answers.map(({ reason }) => reason?.code), ['ERR_TOKEN_EXPIRED', 'ERR_SERVER']);
  });

  test('each refuses an expired new token by its own tolerance, and the request counts', async () => {
    const exp = (Date.now() + 150) / 1000;
    const token = unsigned({ sub: 'x', exp });
    const answer = () => Response.json({ data: { accessToken: unsigned({ sub: 'x', exp: exp + 0.05 }) } });
    const { fetch } = recorder(undefined, () => new Promise((resolve) => setTimeout(() => resolve(answer()), 250)));
    const tolerances = [0, 60_000];
    const [strict, lenient] = await Promise.allSettled(tolerances.map((clockToleranceMs) =>
      refreshAccessToken(token, { fetch, retries: 0, clockToleranceMs })));
    assert.ok(lenient.value?.accessToken);
    assert.ok(['ERR_BAD_RESPONSE', 'ERR_TOKEN_EXPIRED'].includes(strict.reason?.code), strict.reason?.code);
    assert.deepEqual([strict.reason.attempts, strict.reason.outcomeUnknown], [1, true]);
  });

  test('refreshAccessToken and ensureFreshToken share one request, too', async () => {
    const token = await issue(60_000);
    const [one, two] = await Promise.all([
      refreshAccessToken(token, { baseUrl }), ensureFreshToken(token, { baseUrl, refreshWindowMs: DAY }),
    ]);
    assert.equal(gateway.refreshes(token), 1);
    assert.equal(one.accessToken, two.accessToken);
  });
});

describe('an abort', () => {
  test('ends the wait of its caller only', async () => {
    const token = await issue();
    gateway.fail({ kind: 'latency', ms: 60 });
    const leaving = new AbortController();
    const gone = refreshAccessToken(token, { baseUrl, signal: leaving.signal });
    const staying = refreshAccessToken(token, { baseUrl, signal: new AbortController().signal });
    await arrived(token);
    leaving.abort('left');
    await gone.then(assert.fail, (reason) => assert.equal(reason, 'left'));
    assert.ok((await staying).accessToken);
    assert.equal(gateway.refreshes(token), 1);
  });

  test('of the last caller closes the connection', async () => {
    const token = await issue();
    const { came, left, url, close } = await silent();
    const callers = [new AbortController(), new AbortController()];
    const calls = callers.map(({ signal }) => refreshAccessToken(token, { baseUrl: url, signal }));
    await came;
    callers.forEach((caller) => caller.abort('left'));
    for (const call of calls) await call.then(assert.fail, (reason) => assert.equal(reason, 'left'));
    await left;
    await close();
  });

  test('of the only caller in a page closes the connection', ofPackage, async () => {
    const token = await issue();
    const { came, left, url, close } = await silent();
    const page = await browser.open();
    await page.evaluate(async (given, target) => {
      const { refreshAccessToken } = await import('/node_modules/transak-user-token/index.js');
      window.caller = new AbortController();
      window.call = refreshAccessToken(given, { baseUrl: target, signal: window.caller.signal }).catch((reason) => reason);
    }, token, url);
    await came;
    assert.equal(await page.evaluate(() => (window.caller.abort('left'), window.call)), 'left');
    await left;
    await page.close();
    await close();
  });

  test('of the last caller, and not of the first, aborts the signal that fetch was given', async () => {
    const token = await issue();
    let given;
    const fetch = (url, init) => new Promise(() => (given = init.signal));
    const callers = [new AbortController(), new AbortController()];
    const calls = callers.map(({ signal }) => refreshAccessToken(token, { fetch, signal }).catch((reason) => reason));
    while (!given) await new Promise(setImmediate);
    callers[0].abort('left');
    assert.equal(await calls[0], 'left');
    assert.equal(given.aborted, false);
    callers[1].abort('gone');
    assert.equal(await calls[1], 'gone');
    await new Promise(setImmediate);
    assert.equal(given.aborted, true);
  });

  test('leaves no trace: the next call is a new request', async () => {
    const token = await issue();
    gateway.fail({ kind: 'hang' });
    const caller = new AbortController();
    const call = refreshAccessToken(token, { baseUrl, signal: caller.signal });
    await arrived(token);
    caller.abort();
    await call.then(assert.fail, (reason) => assert.equal(reason, caller.signal.reason));
    assert.ok((await refreshAccessToken(token, { baseUrl })).accessToken);
    assert.equal(gateway.refreshes(token), 2);
  });

  test('leaves no listener on the signal, however the call ends', async () => {
    const token = await issue();
    const { signal } = new AbortController();
    const listeners = [];
    const { addEventListener, removeEventListener } = signal;
    signal.addEventListener = (name, listener, ...rest) => (listeners.push(listener), addEventListener.call(signal, name, listener, ...rest));
    signal.removeEventListener = (name, listener) => (listeners.splice(listeners.indexOf(listener), 1), removeEventListener.call(signal, name, listener));
    await refreshAccessToken(token, { baseUrl, signal });
    gateway.fail({ kind: 'error', status: 404 });
    await assert.rejects(refreshAccessToken(token, { baseUrl, signal }));
    await new Promise(setImmediate);
    assert.deepEqual(listeners, []);
  });

  test('of one signal ends all the calls that wait with it, which share one listener and leave none', async () => {
    const { signal } = new AbortController(), listeners = () => getEventListeners(signal, 'abort').length;
    const tokens = await Promise.all(Array.from({ length: 20 }, () => issue()));
    const sessions = tokens.map((token) => TokenSession && new TokenSession(token, { baseUrl, maxWaitMs: 60_000, refreshWindowMs: 40 * DAY }));
    const kinds = [
      (token, options) => refreshAccessToken(token, { baseUrl, ...options }),
      (token, options) => ensureFreshToken(token, { baseUrl, refreshWindowMs: 40 * DAY, ...options }),
      ...TokenSession ? [(token, options) => sessions[tokens.indexOf(token)].accessToken(options)] : [],
    ];
    for (const call of kinds) {
      gateway.fail({ kind: 'hang' }, { times: 20 });
      const caller = new AbortController(), before = tokens.map((token) => gateway.refreshes(token));
      const calls = tokens.map((token) => call(token, { signal: caller.signal }).catch((reason) => reason));
      await Promise.all(tokens.map((token, at) => arrived(token, before[at] + 1)));
      assert.equal(getEventListeners(caller.signal, 'abort').length, 1);
      caller.abort('left');
      assert.deepEqual(await Promise.all(calls), Array(20).fill('left'));
      assert.equal(getEventListeners(caller.signal, 'abort').length, 0);
    }
    // A later call adds a listener again. It has another time-out: the sessions' requests are in flight still.
    const answers = tokens.map((token) => refreshAccessToken(token, { baseUrl, signal, timeoutMs: 9_000 }));
    assert.equal(listeners(), 1);
    await Promise.all(answers);
    assert.equal(listeners(), 0);
    const later = refreshAccessToken(tokens[0], { baseUrl, signal, timeoutMs: 9_000 });
    assert.equal(listeners(), 1);
    await later;
    assert.equal(listeners(), 0);
  });

  test('after the time-out of an attempt the request is aborted', async () => {
    const token = await issue();
    const { came, left, url, close } = await silent();
    await assert.rejects(refreshAccessToken(token, { baseUrl: url, timeoutMs: 2_000, retries: 0 }), failsWith('ERR_TIMEOUT'));
    await came;
    await left;
    await close();
  });
});

/** A server that never answers. It records when a request comes and when its connection ends. */
async function silent() {
  let came, left;
  const promises = { came: new Promise((resolve) => (came = resolve)), left: new Promise((resolve) => (left = resolve)) };
  const server = createServer((req, res) => {
    const cors = { 'access-control-allow-origin': '*', 'access-control-allow-headers': 'authorization' };
    if (req.method === 'OPTIONS') return void res.writeHead(204, cors).end();
    came();
    res.on('close', left);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  return { ...promises, url: `http://127.0.0.1:${server.address().port}`, close };
}

describe('the request', () => {
  /** The one request of a token, as the gateway saw it. */
  const seen = (token) => {
    const found = gateway.requests.filter(({ method, headers }) => method === 'GET' && headers.authorization === token);
    assert.equal(found.length, 1);
    assert.equal(found[0].path, '/api/v2/auth/refresh');
    return found[0].headers;
  };

  const shapes = {
    'an object': { 'X-Api-Key': 'key', 'x-user-ip': '192.0.2.1' },
    'a list': [['x-api-key', 'key'], ['X-USER-IP', '192.0.2.1']],
    'Headers': 'Headers',
  };
  const headersOf = (shape) => (shapes[shape] === 'Headers' ? new Headers(shapes['an object']) : shapes[shape]);

  test('from Node: the bare token, trimmed, and no other header of this package', async () => {
    const token = await issue();
    await refreshAccessToken(` \t\r\n${token}\f\n`, { baseUrl });
    const { authorization, host, connection, ...rest } = seen(token);
    assert.equal(authorization, token);
    // What Node's own fetch adds.
    for (const name of ['accept', 'accept-language', 'sec-fetch-mode', 'user-agent', 'accept-encoding', 'cache-control', 'pragma']) delete rest[name];
    assert.deepEqual(rest, {});
  });

  for (const shape of Object.keys(shapes)) {
    test(`from Node: headers that were asked for, given as ${shape}`, async () => {
      const token = await issue();
      await refreshAccessToken(token, { baseUrl, headers: headersOf(shape) });
      const headers = seen(token);
      assert.deepEqual([headers['x-api-key'], headers['x-user-ip']], ['key', '192.0.2.1']);
    });
  }

  test('from a page: no cookie, no referrer, and a preflight that asks for authorization alone', ofPackage, async () => {
    const token = await issue();
    const page = await browser.open();
    gateway.requests.length = 0;
    const cookie = await page.evaluate(async (given, target) => {
      document.cookie = 'session=secret; path=/';
      const { refreshAccessToken } = await import('/node_modules/transak-user-token/index.js');
      await refreshAccessToken(`\n${given} `, { baseUrl: target });
      // The cookie is one that the gateway's host would get.
      await fetch(`${target}/cookie`, { credentials: 'include', mode: 'no-cors' });
      return document.cookie;
    }, token, baseUrl);
    assert.match(cookie, /session=secret/);
    assert.match(gateway.requests.find(({ path }) => path === '/cookie').headers.cookie, /session=secret/);
    const headers = seen(token);
    assert.equal(headers.cookie, undefined);
    assert.equal(headers.referer, undefined);
    assert.equal(headers.origin, browser.origin);
    const preflights = gateway.requests.filter(({ method }) => method === 'OPTIONS');
    for (const { headers: { 'access-control-request-headers': asked, referer } } of preflights) {
      assert.equal(asked, 'authorization');
      assert.equal(referer, undefined);
    }
    assert.equal(preflights.length, 1);
    const known = /^(accept|accept-encoding|accept-language|authorization|cache-control|connection|host|origin|pragma|user-agent|sec-.*)$/;
    assert.deepEqual(Object.keys(headers).filter((name) => !known.test(name)), []);
    await page.close();
  });

  for (const shape of Object.keys(shapes)) {
    test(`from a page: headers that were asked for, given as ${shape}`, ofPackage, async () => {
      const token = await issue();
      const page = await browser.open();
      await page.evaluate(async (given, target, headers, plain) => {
        const { refreshAccessToken } = await import('/node_modules/transak-user-token/index.js');
        await refreshAccessToken(given, { baseUrl: target, headers: headers === 'Headers' ? new Headers(plain) : headers });
      }, token, baseUrl, shapes[shape], shapes['an object']);
      const headers = seen(token);
      assert.deepEqual([headers['x-api-key'], headers['x-user-ip']], ['key', '192.0.2.1']);
      await page.close();
    });
  }

  const replacing = [
    { authorization: 'x' }, { Authorization: 'x' }, { AUTHORIZATION: '' }, [['aUthorization', 'x']],
    [['x-api-key', 'k'], ['authorization', 'x']],
    new Headers({ authorization: 'x' }), new Map([['Authorization', 'x']]),
  ];
  for (const headers of replacing) {
    test(`may not have another authorization: ${headers.constructor.name} ${JSON.stringify([...headers.entries?.() ?? Object.entries(headers)])}`, async () => {
      const { calls, fetch } = recorder();
      await assert.rejects(refreshAccessToken(await issue(), { headers, fetch }), failsWith('ERR_INVALID_OPTION'));
      assert.equal(calls.length, 0);
    });
  }
  for (const headers of [7, 'x: y', null, { 'a b': 'x' }, { 'x-api-key': 'a\nb' }, { 'x-api-key': '😀' }, [['x']], [['x', 'y', 'z']], { '': 'x' }]) {
    test(`refuses invalid headers: ${JSON.stringify(headers)}`, async () => {
      const { calls, fetch } = recorder();
      const token = await issue();
      await assert.rejects(refreshAccessToken(token, { headers, fetch }), failsWith('ERR_INVALID_OPTION'));
      assert.equal(calls.length, 0);
    });
  }

  test('has the fields that keep the token from caches, referrers and redirects', async () => {
    const token = await issue();
    const { calls, fetch } = recorder(await issue());
    await assert.rejects(refreshAccessToken(token, { fetch }), failsWith('ERR_BAD_RESPONSE'));
    const [{ url, init: { method, redirect, credentials, cache, referrerPolicy, headers, signal, body } }] = calls;
    assert.equal(typeof url, 'string');
    assert.deepEqual({ method, redirect, credentials, cache, referrerPolicy, body }, {
      method: 'GET', redirect: 'error', credentials: 'omit', cache: 'no-store', referrerPolicy: 'no-referrer', body: undefined,
    });
    assert.deepEqual([...new Headers(headers)], [['authorization', token]]);
    assert.ok(signal === undefined || signal instanceof AbortSignal);
  });

  for (const credentials of ['omit', 'same-origin', 'include']) {
    test(`has the credentials that were asked for: ${credentials}`, async () => {
      const { calls, fetch } = recorder(undefined);
      await assert.rejects(refreshAccessToken(await issue(), { fetch, baseUrl, credentials }), failsWith('ERR_BAD_RESPONSE'));
      assert.deepEqual(calls.map(({ init }) => [init.credentials, init.redirect, init.cache]), [[credentials, 'error', 'no-store']]);
    });

    test(`has no credentials for Transak itself: ${credentials} is refused without a baseUrl`, async () => {
      const { calls, fetch } = recorder(undefined);
      for (const options of [{}, { environment: 'production' }]) {
        await assert.rejects(refreshAccessToken(await issue(), { fetch, ...options, credentials }), failsWith('ERR_INVALID_OPTION'));
      }
      assert.equal(calls.length, 0);
    });
  }
  for (const credentials of ['Include', '', null, true, ['include']]) {
    test(`refuses invalid credentials: ${JSON.stringify(credentials)}`, async () => {
      await assert.rejects(refreshAccessToken(await issue(), { baseUrl, credentials }), failsWith('ERR_INVALID_OPTION'));
    });
  }

  test('needs the class Headers, and says so if it is missing', async () => {
    const { calls, fetch } = recorder(undefined), { Headers } = globalThis;
    globalThis.Headers = undefined;
    try {
      await assert.rejects(refreshAccessToken(await issue(), { fetch }), { code: 'ERR_INVALID_OPTION', message: /: headers need the class Headers/ });
    } finally {
      globalThis.Headers = Headers;
    }
    assert.equal(calls.length, 0);
  });

  test('has no cache field on React Native, whose fetch puts a parameter into the URL for it', async () => {
    const script = `Object.defineProperty(globalThis, 'navigator', { value: { product: 'ReactNative' } });
      const { refreshAccessToken } = await import('transak-user-token');
      const fetch = async (url, { cache, redirect }) => (console.log(JSON.stringify({ cache, redirect })), new Response('{}'));
      await refreshAccessToken(process.argv[1], { fetch }).catch(() => {});`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script, await issue()], { cwd: import.meta.dirname });
    assert.deepEqual(JSON.parse(stdout), { redirect: 'error' });
  });

  test('is sent by the global fetch of the time of the call', async () => {
    const token = await issue();
    const { calls, fetch } = recorder(await issue());
    const { fetch: platform } = globalThis;
    globalThis.fetch = fetch;
    const call = refreshAccessToken(token, { baseUrl });
    globalThis.fetch = platform;
    await call.catch(() => {});
    assert.equal(calls.length, 1);
    assert.equal(gateway.refreshes(token), 0);
  });
});

describe('the URL', () => {
  const PATH = '/api/v2/auth/refresh';
  const STAGING = `https://api-gateway-stg.transak.com${PATH}`;
  const PRODUCTION = `https://api-gateway.transak.com${PATH}`;
  const good = [
    ['staging by default', {}, STAGING],
    ['staging by name', { environment: 'staging' }, STAGING],
    ['production', { environment: 'production' }, PRODUCTION],
    ['undefined options are absent ones', { environment: undefined, allowHttp: undefined, retries: undefined }, STAGING],
    ['baseUrl overrides environment', { environment: 'production', baseUrl: 'https://own.example' }, `https://own.example${PATH}`],
    ['a slash at the end', { baseUrl: 'https://own.example/' }, `https://own.example${PATH}`],
    ['a path', { baseUrl: 'https://own.example/a/b' }, `https://own.example/a/b${PATH}`],
    ['a path with a slash at the end', { baseUrl: 'https://own.example/a/b/' }, `https://own.example/a/b${PATH}`],
    ['a port', { baseUrl: 'https://own.example:8443' }, `https://own.example:8443${PATH}`],
    ['a URL object', { baseUrl: new URL('https://own.example/a') }, `https://own.example/a${PATH}`],
    ['a URL object of another realm',
      { baseUrl: vm.runInNewContext('new URL("https://own.example/a")', { URL }) }, `https://own.example/a${PATH}`],
    ['capitals', { baseUrl: 'HTTPS://OWN.example' }, `https://own.example${PATH}`],
    ['http on localhost', { baseUrl: 'http://localhost' }, `http://localhost${PATH}`],
    ['http on localhost with a port', { baseUrl: 'http://LOCALHOST:3000' }, `http://localhost:3000${PATH}`],
    ['http below localhost', { baseUrl: 'http://app.localhost:3000/x' }, `http://app.localhost:3000/x${PATH}`],
    ['http on 127.0.0.1', { baseUrl: 'http://127.0.0.1:8080' }, `http://127.0.0.1:8080${PATH}`],
    ['http on 127.255.255.254', { baseUrl: 'http://127.255.255.254' }, `http://127.255.255.254${PATH}`],
    ['http on 127.1, which is 127.0.0.1', { baseUrl: 'http://127.1' }, `http://127.0.0.1${PATH}`],
    ['http on 0x7f000001, which is that too', { baseUrl: 'http://0x7f000001' }, `http://127.0.0.1${PATH}`],
    ['http on [::1]', { baseUrl: 'http://[::1]' }, `http://[::1]${PATH}`],
    ['http on [::1] with a port', { baseUrl: 'http://[0:0:0:0:0:0:0:1]:8080' }, `http://[::1]:8080${PATH}`],
    ['http elsewhere with allowHttp', { baseUrl: 'http://own.example', allowHttp: true }, `http://own.example${PATH}`],
  ];
  for (const [name, options, url] of good) {
    test(name, async () => {
      const token = await issue();
      const { calls, fetch } = recorder(await issue());
      await refreshAccessToken(token, { fetch, ...options }).catch(failsWith('ERR_BAD_RESPONSE'));
      assert.deepEqual(calls.map((call) => call.url), [url]);
    });
  }

  const bad = [
    ['http elsewhere', { baseUrl: 'http://own.example' }],
    ['http elsewhere, allowHttp false', { baseUrl: 'http://own.example', allowHttp: false }],
    ['http on a private address', { baseUrl: 'http://192.168.0.1' }],
    ['http on 128.0.0.1', { baseUrl: 'http://128.0.0.1' }],
    ['http on 0.0.0.0', { baseUrl: 'http://0.0.0.0' }],
    ['http on [::2]', { baseUrl: 'http://[::2]' }],
    ['http on [::1:1]', { baseUrl: 'http://[::1:1]' }],
    ['http on a name that only ends so', { baseUrl: 'http://notlocalhost' }],
    ['http on a name that only begins so', { baseUrl: 'http://localhost.example' }],
    ['http on a name that looks like an address', { baseUrl: 'http://127.0.0.1.example' }],
    ['another scheme', { baseUrl: 'ftp://own.example', allowHttp: true }],
    ['a file', { baseUrl: 'file:///tmp' }],
    ['data', { baseUrl: 'data:text/plain,x' }],
    ['a script', { baseUrl: 'javascript:0' }],
    ['a user', { baseUrl: 'https://user@own.example' }],
    ['a user and password', { baseUrl: 'https://user:secret@own.example' }],
    ['a password alone', { baseUrl: 'https://:secret@own.example' }],
    ['a user on loopback', { baseUrl: 'http://127.0.0.1@own.example' }],
    ['a query', { baseUrl: 'https://own.example/?a=b' }],
    ['an empty query', { baseUrl: 'https://own.example/?' }],
    ['a query without a path', { baseUrl: 'https://own.example?a' }],
    ['a fragment', { baseUrl: 'https://own.example/#a' }],
    ['an empty fragment', { baseUrl: 'https://own.example/#' }],
    ['an empty fragment of a URL object', { baseUrl: new URL('https://own.example/#') }],
    ['a relative one in Node', { baseUrl: '/api' }],
    ['a relative one with a host', { baseUrl: '//own.example' }],
    ['a host without a scheme', { baseUrl: 'own.example' }],
    ['an empty one', { baseUrl: '' }],
    ['no URL at all', { baseUrl: 'https://' }],
    ['a port that is none', { baseUrl: 'https://own.example:99999' }],
    ['null', { baseUrl: null }],
    ['a number', { baseUrl: 7 }],
    ['another environment', { environment: 'development' }],
    ['an environment in capitals', { environment: 'PRODUCTION' }],
    ['a wrong environment beside a good baseUrl', { environment: 7, baseUrl: 'https://own.example' }],
    ['allowHttp that is no boolean', { baseUrl: 'http://own.example', allowHttp: 1 }],
  ];
  for (const [name, options] of bad) {
    test(`refuses ${name}`, async () => {
      const token = await issue();
      const { calls, fetch } = recorder();
      await assert.rejects(refreshAccessToken(token, { fetch, ...options }), failsWith('ERR_INVALID_OPTION', { action: 'fix', attempts: 0, outcomeUnknown: false }));
      assert.equal(calls.length, 0);
    });
  }

  test('in a page a relative one resolves against the location', ofPackage, async () => {
    const page = await browser.open('/blank.html?query#fragment');
    const token = await issue();
    const urls = await page.evaluate(async (given) => {
      const { refreshAccessToken } = await import('/node_modules/transak-user-token/index.js');
      const calls = [];
      const fetch = async (url) => (calls.push(url), new Response('{}'));
      for (const baseUrl of ['/', '/own', '/own/', 'own', './own', '//127.0.0.1:9/own']) await refreshAccessToken(given, { baseUrl, fetch }).catch(() => {});
      return calls;
    }, token);
    const own = `${browser.origin}/own${PATH}`;
    assert.deepEqual(urls, [`${browser.origin}${PATH}`, own, own, own, own, `http://127.0.0.1:9/own${PATH}`]);
    await page.close();
  });

  test('in a page a relative one follows the location, and a refused one stays refused', ofPackage, async () => {
    const page = await browser.open('/blank.html');
    const token = await issue();
    const outcome = await page.evaluate(async (given) => {
      const { refreshAccessToken } = await import('/node_modules/transak-user-token/index.js');
      const calls = [];
      const fetch = async (url) => (calls.push(url), new Response('{}'));
      const ask = (baseUrl) => refreshAccessToken(given, { baseUrl, fetch }).catch(({ code }) => code);
      const codes = [await ask('own'), await ask('own')];
      history.replaceState(null, '', '/there/blank.html');
      codes.push(await ask('own'), await ask('http://['), await ask('http://['), await ask('own'), await ask(new URL('/own', location.href)));
      return { calls, codes };
    }, token);
    const [own, there] = ['', '/there'].map((folder) => `${browser.origin}${folder}/own${PATH}`);
    assert.deepEqual(outcome.calls, [own, own, there, there, own]);
    assert.deepEqual(outcome.codes, [...Array(3).fill('ERR_BAD_RESPONSE'), 'ERR_INVALID_OPTION', 'ERR_INVALID_OPTION', 'ERR_BAD_RESPONSE', 'ERR_BAD_RESPONSE']);
    await page.close();
  });

  test('options that changed since the last call are checked again', async () => {
    const token = await issue();
    const { calls, fetch } = recorder();
    const ask = async (options) => {
      const code = await refreshAccessToken(token, options).catch((error) => error.code);
      return code === 'ERR_INVALID_OPTION' ? code : `${calls.at(-1).url.replace(PATH, '')} ${new Headers(calls.at(-1).init.headers).get('x-a')}`;
    };
    const own = new URL('https://own.example'), headers = { 'x-a': '1' };
    const plain = { fetch, baseUrl: 'https://plain.example' }, gone = AbortSignal.abort(), here = new AbortController().signal;
    const rows = [
      [() => plain, 'https://plain.example null'],
      [() => plain, 'https://plain.example null'],
      [() => Object.assign(plain, { baseUrl: 'https://other.example' }), 'https://other.example null'],
      [() => ({ fetch, baseUrl: own }), 'https://own.example null'],
      [() => (own.hostname = 'moved.example', { fetch, baseUrl: own }), 'https://moved.example null'],
      [() => (own.protocol = 'http:', { fetch, baseUrl: own }), 'ERR_INVALID_OPTION'],
      [() => ({ fetch, baseUrl: own, allowHttp: true }), 'http://moved.example null'],
      [() => ({ fetch, baseUrl: own.href, allowHttp: true }), 'http://moved.example null'],
      [() => ({ fetch, baseUrl: own.href }), 'ERR_INVALID_OPTION'],
      [() => ({ ...plain, headers }), 'https://other.example 1'],
      [() => plain, 'https://other.example null'],
      [() => (headers['x-a'] = '2', { ...plain, headers }), 'https://other.example 2'],
      [() => (headers.authorization = 'x', { ...plain, headers }), 'ERR_INVALID_OPTION'],
      [() => ({ ...plain, headers: () => headers }), 'ERR_INVALID_OPTION'],
      [() => ({ fetch }), 'https://api-gateway-stg.transak.com null'],
      [() => ({ fetch, environment: 'production' }), 'https://api-gateway.transak.com null'],
      [() => ({ fetch, environment: 'Production' }), 'ERR_INVALID_OPTION'],
      [() => ({ ...plain, signal: here }), 'https://other.example null'],
      [() => ({ ...plain, signal: {} }), 'ERR_INVALID_OPTION'],
      [() => ({ ...plain, fetch: {} }), 'ERR_INVALID_OPTION'],
      [() => ({ ...plain, retries: 0 }), 'https://other.example null'],
      [() => ({ ...plain, retries: -1 }), 'ERR_INVALID_OPTION'],
      [() => ({ ...plain, retries: NaN }), 'ERR_INVALID_OPTION'],
      [() => ({ ...plain, retries: NaN }), 'ERR_INVALID_OPTION'],
      [() => plain, 'https://other.example null'],
    ];
    for (const [index, [options, expected]] of rows.entries()) {
      assert.equal(await ask(options()), expected, `row ${index}`);
    }
    const count = calls.length, before = { fetch: globalThis.fetch, Headers };
    await assert.rejects(refreshAccessToken(token, { ...plain, signal: gone }), { name: 'AbortError' });
    try {
      Object.assign(globalThis, { fetch });
      assert.equal(await ask({}), 'https://api-gateway-stg.transak.com null');
      for (const none of [7, null, 'x', true]) assert.equal(await ask(none), 'ERR_INVALID_OPTION');
      Object.assign(globalThis, { Headers: undefined });
      await assert.rejects(refreshAccessToken(token), failsWith('ERR_INVALID_OPTION'));
    } finally {
      Object.assign(globalThis, before);
    }
    assert.equal(calls.length, count + 1);
  });

  const hints = [
    ['staging by default', {}, /staging, by default.*; https:\/\/api-gateway-stg\.transak\.com answered 401$/],
    ['staging', { environment: 'staging' }, /staging; https:\/\/api-gateway-stg\.transak\.com answered 401$/],
    ['production', { environment: 'production' }, /production; https:\/\/api-gateway\.transak\.com answered 401$/],
    ['one\'s own', { baseUrl: 'https://own.example/path' }, /your own baseUrl; https:\/\/own\.example answered 401$/],
  ];
  for (const [name, options, message] of hints) {
    test(`a refused token's error says where it was asked: ${name}`, async () => {
      const token = await issue();
      const { fetch } = recorder(token, () => new Response('{}', { status: 401 }));
      await assert.rejects(refreshAccessToken(token, { fetch, ...options }), (error) => {
        assert.match(error.message, message);
        return failsWith('ERR_UNAUTHORIZED', { action: 'login', status: 401 })(error);
      });
    });
  }

  const messages = [
    ['a 403 of one\'s own backend', { baseUrl: 'https://api.example.com/transak' }, () => new Response('', { status: 403 }),
      'the server refused the caller: https://api.example.com answered 403'],
    ['a 403 of Transak itself', { environment: 'production' }, () => new Response('', { status: 403 }),
      'the server refused the caller: its address or its api key; https://api-gateway.transak.com answered 403'],
    ['an answer that cannot be used', { baseUrl: 'https://api.example.com' }, () => new Response('{}'),
      'the answer cannot be used: it has no data.accessToken; https://api.example.com answered 200'],
    ['no answer', { baseUrl: 'https://api.example.com:8443' }, () => { throw new TypeError('fetch failed'); },
      'no answer came: https://api.example.com:8443 was asked'],
  ];
  for (const [name, options, answer, message] of messages) {
    test(`the error of ${name} names the origin that was asked, and the status if there is one`, async () => {
      const { fetch } = recorder(undefined, answer);
      await assert.rejects(refreshAccessToken(await issue(), { ...options, fetch, retries: 0 }), { message });
      const { error } = await ensureFreshToken(await issue(), { ...options, fetch, retries: 0, refreshWindowMs: 40 * DAY });
      assert.equal(error.message, message);
      if (!TokenSession) return;
      const session = new TokenSession(await issue(), { ...options, fetch });
      await assert.rejects(session.refresh(), { message });
    });
  }

  test('an error without a request names no server', async () => {
    const baseUrl = 'https://api.example.com';
    for (const token of ['x', unsigned({ sub: 'x', exp: 0 })]) {
      await assert.rejects(refreshAccessToken(token, { baseUrl }), ({ message }) => !message.includes('example'));
    }
  });
});

describe('ensureFreshToken', () => {
  const WINDOW = { refreshWindowMs: 40 * DAY };

  test('gives a fresh token back as it is, without a request', async () => {
    const token = await issue();
    const { iat, exp } = await gateway.verify(token);
    assert.deepEqual(await ensureFreshToken(token, { baseUrl }), {
      accessToken: token, refreshed: false, issuedAt: iat * 1000, expiresAt: exp * 1000, refreshAt: exp * 1000 - 3 * DAY,
    });
    assert.equal(gateway.refreshes(token), 0);
  });

  test('refreshes one that is about to expire', async () => {
    const token = await issue(DAY);
    const { refreshed, accessToken, error } = await ensureFreshToken(token, { baseUrl, refreshWindowMs: 2 * DAY });
    assert.deepEqual([refreshed, error, accessToken === token], [true, undefined, false]);
    assert.equal(gateway.refreshes(token), 1);
  });

  const kept = [
    ['500', { kind: 'error', status: 500 }, 'ERR_SERVER'],
    ['429', { kind: 'rate-limit' }, 'ERR_RATE_LIMITED'],
    ['403', { kind: 'error', status: 403 }, 'ERR_FORBIDDEN'],
    ['404', { kind: 'error', status: 404 }, 'ERR_REJECTED'],
    ['a dropped connection', { kind: 'drop', when: 'before' }, 'ERR_NETWORK'],
    ['a garbled answer', { kind: 'html' }, 'ERR_BAD_RESPONSE'],
    ['no answer', { kind: 'hang' }, 'ERR_TIMEOUT'],
  ];
  for (const [name, fault, code] of kept) {
    test(`gives the old token back with the error after ${name}`, async () => {
      const token = await issue();
      gateway.fail(fault);
      const { accessToken, refreshed, error, expiresAt } = await ensureFreshToken(token, { ...WINDOW, baseUrl, retries: 0, timeoutMs: fault.kind === 'hang' ? 60 : 5_000 });
      assert.deepEqual([accessToken, refreshed], [token, false]);
      assert.ok(expiresAt > Date.now());
      assert.ok(failsWith(code, { attempts: 1 })(error));
    });
  }

  for (const fault of [{ status: 401 }, { status: 400, errorCode: 1002 }, { status: 400, message: 'Session Expired' }]) {
    test(`rejects if only a login helps: ${JSON.stringify(fault)}`, async () => {
      const token = await issue();
      gateway.fail({ kind: 'error', ...fault });
      await assert.rejects(ensureFreshToken(token, { ...WINDOW, baseUrl }), failsWith('ERR_UNAUTHORIZED', { action: 'login' }));
    });
  }

  test('rejects if the token expires while the refresh fails', async () => {
    const token = await issue(300);
    gateway.fail({ kind: 'error', status: 503 }, { times: Infinity });
    await assert.rejects(ensureFreshToken(token, { ...WINDOW, baseUrl, retries: 100 }), failsWith('ERR_TOKEN_EXPIRED', { action: 'login' }));
    gateway.heal();
  });

  test('rejects with the reason when its caller aborts', async () => {
    const token = await issue();
    gateway.fail({ kind: 'hang' });
    const caller = new AbortController();
    const call = ensureFreshToken(token, { ...WINDOW, baseUrl, signal: caller.signal });
    await arrived(token);
    const reason = new Error('left');
    caller.abort(reason);
    await call.then(assert.fail, (got) => assert.equal(got, reason));
  });
});

describe('attempts', () => {
  const again = [
    ['500', { kind: 'error', status: 500 }], ['502', { kind: 'error', status: 502 }], ['503', { kind: 'error', status: 503 }],
    ['504', { kind: 'error', status: 504 }], ['408', { kind: 'error', status: 408 }], ['429', { kind: 'rate-limit' }],
    ['a dropped connection', { kind: 'drop', when: 'before' }], ['a body that breaks off', { kind: 'truncated' }], ['a time-out', { kind: 'hang' }],
  ];
  for (const [name, fault] of again) {
    test(`another one follows ${name}`, async () => {
      const token = await issue();
      gateway.fail(fault);
      const { accessToken } = await refreshAccessToken(token, { baseUrl, retries: 1, timeoutMs: fault.kind === 'hang' ? 2_000 : 20_000 });
      assert.ok(accessToken);
      assert.equal(gateway.refreshes(token), 2);
    });
  }

  const once = [
    ['501', { kind: 'error', status: 501 }], ['505', { kind: 'error', status: 505 }], ['400', { kind: 'error', status: 400 }],
    ['401', { kind: 'error', status: 401 }],
    ['403', { kind: 'error', status: 403 }], ['404', { kind: 'error', status: 404 }], ['a garbled answer', { kind: 'html' }],
    ['a challenge with 429', { kind: 'challenge', status: 429 }], ['a challenge with 503', { kind: 'challenge', status: 503 }],
    ['a cut JSON', { kind: 'truncated', how: 'json' }], ['an oversized answer', { kind: 'oversized' }],
    ['a wrong token', { kind: 'token', which: 'same' }],
  ];
  for (const [name, fault] of once) {
    test(`none follows ${name}`, async () => {
      const token = await issue();
      gateway.fail(fault);
      await assert.rejects(refreshAccessToken(token, { baseUrl, retries: 3 }), { attempts: 1 });
      assert.equal(gateway.refreshes(token), 1);
    });
  }

  for (const status of [403, 429, 503]) test(`a challenge with ${status} is told as one, with the id that the CDN gave it`, async () => {
    gateway.fail({ kind: 'challenge', status });
    await assert.rejects(refreshAccessToken(await issue(), { baseUrl }), failsWith('ERR_FORBIDDEN', {
      action: 'fix', status, attempts: 1, outcomeUnknown: false, traceId: '8f3a2b1c4d5e6f70-FRA', retryAfterMs: undefined,
      message: `the server refused the caller: the CDN's bot protection refused this client; ${baseUrl} answered ${status}`,
    }));
  });

  test('a body that breaks off leaves its cause', async () => {
    gateway.fail({ kind: 'truncated' });
    await assert.rejects(refreshAccessToken(await issue(), { baseUrl, retries: 0 }), ({ code, status, cause }) => {
      assert.deepEqual([code, status, cause.name, cause.code], ['ERR_NETWORK', 200, 'TypeError', 'UND_ERR_SOCKET']);
      return true;
    });
  });

  test('outcomeUnknown is false if nothing was sent, and true if an answer was lost', async () => {
    const token = await issue(), refused = Object.assign(new TypeError('fetch failed'), { cause: { code: 'ECONNREFUSED' } });
    const lost = Object.assign(new TypeError('fetch failed'), { cause: { code: 'ECONNRESET' } });
    for (const [failures, outcomeUnknown] of [[[refused, refused], false], [[refused, lost], true], [[lost, refused], true]]) {
      const left = failures.values(), fetch = async () => { throw left.next().value; };
      await assert.rejects(refreshAccessToken(token, { baseUrl, fetch, retries: 1 }), failsWith('ERR_NETWORK', { attempts: 2, outcomeUnknown }));
    }
  });

  const refusing = async () => {
    const { url, close } = await createGateway().listen();
    await close();
    return url;
  };
  for (const [what, address] of [['a connection that is refused', refusing], ['a host that nobody knows', async () => 'https://nobody.invalid']]) {
    test(`outcomeUnknown is false after ${what}, and the error has its cause`, async () => {
      const url = await address();
      await assert.rejects(refreshAccessToken(await issue(), { baseUrl: url, retries: 1 }), ({ code, attempts, outcomeUnknown, cause }) => {
        assert.deepEqual([code, attempts, outcomeUnknown], ['ERR_NETWORK', 2, false]);
        assert.match(cause.code, /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN)$/);
        return true;
      });
    });
  }

  test('are three by default', async () => {
    const token = await issue();
    gateway.fail({ kind: 'error', status: 503 }, { times: 3 });
    await assert.rejects(refreshAccessToken(token, { baseUrl }), failsWith('ERR_SERVER', { attempts: 3, status: 503, outcomeUnknown: true }));
    assert.equal(gateway.refreshes(token), 3);
  });

  test('an unknown outcome stays unknown: a 503 and then a 429', async () => {
    const token = await issue();
    gateway.fail({ kind: 'error', status: 503 });
    gateway.fail({ kind: 'rate-limit' });
    await assert.rejects(refreshAccessToken(token, { baseUrl, retries: 1 }), failsWith('ERR_RATE_LIMITED', { attempts: 2, outcomeUnknown: true }));
  });

  test('Retry-After is honoured', async () => {
    const token = await issue();
    gateway.fail({ kind: 'rate-limit', retryAfter: 1 });
    await refreshAccessToken(token, { baseUrl, retries: 1 });
    const [first, second] = gateway.requests.filter(({ headers }) => headers.authorization === token);
    assert.ok(second.at - first.at >= 990, `it waited ${second.at - first.at} ms`);
  });

  test('Retry-After as a date is honoured', async () => {
    const token = await issue();
    const date = new Date(Date.now() + 2_000).toUTCString();
    gateway.fail({ kind: 'error', status: 503, headers: { 'retry-after': date } });
    await refreshAccessToken(token, { baseUrl, retries: 1 });
    const [, second] = gateway.requests.filter(({ headers }) => headers.authorization === token);
    assert.ok(second.at >= Date.parse(date), `it came ${Date.parse(date) - second.at} ms too early`);
  });

  test('totalTimeoutMs ends them all', async () => {
    const token = await issue();
    gateway.fail({ kind: 'hang' }, { times: Infinity });
    const start = performance.now();
    await assert.rejects(refreshAccessToken(token, { baseUrl, timeoutMs: 50, totalTimeoutMs: 400, retries: 1_000 }), failsWith('ERR_TIMEOUT', { action: 'retry' }));
    gateway.heal();
    assert.ok(performance.now() - start < 20_000);
  });

  test('a token that expires between them is ERR_TOKEN_EXPIRED, and says what failed', async () => {
    const token = await issue(400);
    gateway.fail({ kind: 'error', status: 503 }, { times: Infinity });
    await assert.rejects(refreshAccessToken(token, { baseUrl, retries: 1_000 }), (error) => {
      assert.ok(error.cause instanceof Error);
      assert.equal(error.cause.code, 'ERR_SERVER');
      assert.ok(error.attempts >= 1);
      return failsWith('ERR_TOKEN_EXPIRED', { action: 'login', outcomeUnknown: true })(error);
    });
    gateway.heal();
  });

  test('a token that expires while the only attempt fails is ERR_TOKEN_EXPIRED, too', async () => {
    const token = await issue(200);
    gateway.fail({ kind: 'error', status: 500, latencyMs: 250 });
    await assert.rejects(refreshAccessToken(token, { baseUrl, retries: 0 }), (error) => {
      assert.equal(error.cause?.code, 'ERR_SERVER');
      return failsWith('ERR_TOKEN_EXPIRED', { attempts: 1 })(error);
    });
  });

  test('a refusal stays a refusal even if the token has expired meanwhile', async () => {
    const token = await issue(200);
    gateway.fail({ kind: 'error', status: 403, latencyMs: 250 });
    await assert.rejects(refreshAccessToken(token, { baseUrl, retries: 0 }), failsWith('ERR_FORBIDDEN', { attempts: 1 }));
  });

  test('none is left over: the process ends after the call', async () => {
    const token = await issue();
    const script = `import { refreshAccessToken } from 'transak-user-token';
      const { accessToken } = await refreshAccessToken(process.argv[1], { baseUrl: process.argv[2] }), begun = performance.now();
      process.on('exit', () => console.log(typeof accessToken, performance.now() - begun < 8_000));`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script, token, baseUrl], { cwd: import.meta.dirname, timeout: 60_000 });
    assert.equal(stdout.trim(), 'string true');
  });
});

describe('frozen prototypes and classes', () => {
  /** Runs a script in a process of its own, because a frozen object stays frozen. Returns what the script prints. */
  const run = async (script) => {
    const source = `const FREEZE = { 'Error.prototype': [Error.prototype], 'all prototypes': [
        Object, Function, Array, Error, TypeError, RangeError, Promise, Map, Set, WeakMap, Symbol, Number, String, Boolean, RegExp, Date, ArrayBuffer,
        Uint8Array, Uint32Array, Float64Array, DataView, Object.getPrototypeOf(Uint8Array), Headers, Response, Request, URL, AbortController, AbortSignal,
        Event, EventTarget, DOMException, TextEncoder, TextDecoder, WebAssembly.Module, WebAssembly.Instance, WebAssembly.Memory,
      ].flatMap((item) => [item.prototype, item]) };
      const freeze = (what) => FREEZE[what].forEach(Object.freeze), load = () => import('transak-user-token');
      const { createGateway } = await import('transak-user-token/gateway');
      const gateway = createGateway(), DAY = ${DAY};
      const fetch = (url, init) => gateway.fetch(new Request(url, { headers: init.headers }));
      const options = { baseUrl: 'https://backend.test', retries: 0, fetch }, broken = async () => { throw { name: 'TypeError', code: 'ECONNREFUSED' }; };
      ${script}`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', source], { cwd: import.meta.dirname });
    return JSON.parse(stdout);
  };
  const print = 'console.log(JSON.stringify(found));';

  for (const what of ['Error.prototype', 'all prototypes']) {
    for (const when of ['before', 'after']) {
      const start = when === 'before' ? `freeze('${what}'); const api = await load();` : `const api = await load(); freeze('${what}');`;
      // Node warns of a module of WebAssembly, which throws by itself if Error.prototype is frozen.
      const skip = plain === 'bundler' && when === 'before';
      test(`an error has its fields and its cause (${what}, ${when} the import)`, { skip }, async () => {
        const found = await run(`${start}
          const error = await api.refreshAccessToken(await gateway.issue(), { ...options, fetch: broken }).catch((error) => error);
          const found = [error instanceof api.TransakTokenError, error.name, error.code, error.cause.name, error.cause.code]; ${print}`);
        assert.deepEqual(found, [true, 'TransakTokenError', 'ERR_NETWORK', 'TypeError', 'ECONNREFUSED']);
      });

      test(`calls and sessions work (${what}, ${when} the import)`, ofPackage, async () => {
        const found = await run(`${start}
          const session = new api.TokenSession(await gateway.issue(), options), found = [];
          for (const type of ['refreshed', 'refreshfailed', 'cleared']) session.addEventListener(type, ({ detail }) => found.push(type, detail?.error?.code));
          found.push(api.tokenStatus(await gateway.issue()).state);
          found.push((await api.ensureFreshToken(await gateway.issue(), { ...options, refreshWindowMs: 40 * DAY })).refreshed);
          found.push(await api.refreshAccessToken('x', options).catch(({ reason }) => reason));
          found.push(await api.refreshAccessToken(await gateway.issue(), { ...options, signal: AbortSignal.abort() }).catch(({ name }) => name));
          await session.refresh();
          gateway.fail({ kind: 'drop', when: 'before' });
          await session.refresh().catch(() => {});
          await session.clear(); ${print}`);
        assert.deepEqual(found, ['fresh', true, 'not_a_jwt', 'AbortError', 'refreshed', null, 'refreshfailed', 'ERR_NETWORK', 'cleared', null]);
      });
    }
  }

  test('an error and a session work if their classes are frozen', ofPackage, async () => {
    const found = await run(`const { TokenSession, TransakTokenError, refreshAccessToken } = await load(), found = [];
      for (const item of [TokenSession, TransakTokenError]) Object.freeze(item), Object.freeze(item.prototype);
      const error = await refreshAccessToken(await gateway.issue(), { ...options, fetch: broken }).catch((error) => error);
      found.push(error.name, error.code);
      // A polyfill may come late.
      Symbol.dispose ?? Object.defineProperty(Symbol, 'dispose', { value: Symbol('dispose') });
      const session = new TokenSession(await gateway.issue(), options);
      found.push(typeof session[Symbol.dispose], typeof await session.accessToken());
      session[Symbol.dispose](); ${print}`);
    assert.deepEqual(found, ['TransakTokenError', 'ERR_NETWORK', 'function', 'string']);
  });

  test('a subclass of TransakTokenError may assign a name of its own', () => {
    class OwnError extends TransakTokenError {
      constructor() {
        super('message', {});
        this.name = 'OwnError';
      }
    }
    assert.equal(String(new OwnError()), 'OwnError: message');
  });
});

describe('what a server says is not shown if it repeats', () => {
  const HOUR = 3_600_000, letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGH';
  const old = (claims, signature = 'c2ln') => `${unsigned({ sub: 'x', exp: inSeconds(DAY), ...claims }).split('.').slice(0, 2).join('.')}.${signature}`;
  const brought = old({ jti: 'newtokenjti-1234567890', exp: inSeconds(HOUR) }, letters);
  const rows = [
    ['a part of the new token', old({ exp: inSeconds(DAY) }), letters.slice(3, 19), letters, { data: { accessToken: brought } }],
    ['a claim of the new token', old({ exp: inSeconds(DAY) }), 'newtokenjti', 'newtokenjti-1234567890', { data: { accessToken: brought } }],
    ['a short number among the claims', old({ uid: 12345 }), '12345', 'x-12345'],
    ['a claim in another case', old({ sub: 'johnsmith1990' }), 'JOHNSMITH1990', 'JohnSmith1990'],
    ['the token in another case', old({}, letters), letters.slice(0, 16).toUpperCase(), letters.toUpperCase()],
    ['the token with dashes in it', old({}, letters), 'abcdefg_hijklmn', 'abcdefg-hijklmn-opqrstu-vwxyzAB-CDEFGH'],
    ['a header, however short', old({}), 'k7', 'a-k7-b'],
    ['a part of a header', old({}), 'secret1', 'x-secret1'],
  ];
  for (const [what, token, errorCode, traceId, answer] of rows) {
    test(what, async () => {
      const fetch = async () => new Response(JSON.stringify({ error: { errorCode }, ...answer }), { status: answer ? 200 : 400, headers: { 'trace-id': traceId } });
      const error = await refreshAccessToken(token, { baseUrl, retries: 0, fetch, headers: { 'x-api-key': 'k7', 'x-auth': 'Basic secret1' } }).catch((error) => error);
      assert.ok(['ERR_REJECTED', 'ERR_BAD_RESPONSE'].includes(error.code), error.code);
      assert.deepEqual([error.errorCode, error.traceId], [undefined, undefined]);
    });
  }

  test('nothing: then it is shown', async () => {
    const fetch = async () => new Response('{"error":{"errorCode":9001}}', { status: 400, headers: { 'trace-id': '7e1f-aa' } });
    const error = await refreshAccessToken(old({}), { baseUrl, retries: 0, fetch, headers: { 'x-api-key': 'k7' } }).catch((error) => error);
    assert.deepEqual([error.errorCode, error.traceId], ['9001', '7e1f-aa']);
  });
});
