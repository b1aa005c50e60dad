// The route on node:http: whatever the server or the user's own functions do, each request has one answer, and the process goes on.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { IncomingMessage, ServerResponse } from 'node:http';
import * as http2 from 'node:http2';
import { connect } from 'node:net';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { promisify } from 'node:util';
import { toNodeListener } from 'transak-user-token/server';
import { APP, REFRESH, listen, world } from './server.world.mjs';

const PATH = `/transak${REFRESH}`;

/** A page's request: plain, and with a body that nobody reads. */
const sent = (token) => [{ headers: { origin: APP, authorization: token } }, { method: 'POST', body: 'x', headers: { origin: APP, authorization: token } }];

/** Sends a page's request with any target and any `Host`, and resolves with the status. */
async function statusOf(mount, token, { method = 'GET', target = PATH, host = 'api.example.com', more = '' }) {
  const { port } = new URL(mount);
  const socket = connect(port, '127.0.0.1'), chunks = [];
  socket.write(Buffer.from(`${method} ${target} HTTP/1.1\r\nhost: ${host}\r\norigin: ${APP}\r\nauthorization: ${token}\r\n${more}connection: close\r\n\r\n`, 'latin1'));
  for await (const chunk of socket) chunks.push(chunk);
  return Number(Buffer.concat(chunks).toString('latin1').match(/^HTTP\/1\.1 (\d{3}) /)?.[1]);
}

test('a response that was sent before is left alone, and no function is called', async (t) => {
  const asked = [], { gateway, handler, expiring } = await world(t, { authorize: () => asked.push('authorize') > 0, userIp: () => void asked.push('userIp') });
  const listener = toNodeListener(handler), ended = [];
  const url = await listen(t, (req, res) => {
    res.writeHead(503).end('timed out');
    ended.push(listener(req, res));
  });
  for (const init of sent(await expiring())) {
    const answer = await fetch(url + PATH, init);
    assert.deepEqual([answer.status, await answer.text()], [503, 'timed out']);
  }
  await Promise.all(ended);
  assert.deepEqual([asked, gateway.requests], [[], []]);
});

for (const [when, begins] of [['before', (res) => res.writeHead(200).write('begun, ')], ['while authorize decides', () => {}]]) {
  test(`a response that another function has begun ${when} is not cut short`, async (t) => {
    let response;
    const { handler, expiring } = await world(t, { authorize: () => {
      response.writeHead(200).write('begun, ');
      return true;
    } });
    const listener = toNodeListener(handler);
    const url = await listen(t, async (req, res) => {
      response = res;
      begins(res);
      await listener(req, res);
      res.end('ended');
    });
    const [plain, withBody] = sent(await expiring());
    // A request with a body ends before authorize is called.
    for (const init of when === 'before' ? [plain, withBody] : [plain]) assert.equal(await (await fetch(url + PATH, init)).text(), 'begun, ended');
  });
}

// An unhandled rejection fails the test that it belongs to.
const failing = {
  'that throws': () => { throw new Error('geo lookup failed'); },
  'that rejects': async () => { throw new Error('geo lookup failed'); },
  'whose thenable rejects': () => ({ then: (_, reject) => reject(new Error('geo lookup failed')) }),
  'whose thenable throws': () => ({ get then() { throw new Error('geo lookup failed'); } }),
};
for (const [option, expected] of [['authorize', 500], ['userIp', 500], ['fetch', 502], ['onEvent', 200]]) {
  for (const [how, fail] of Object.entries(failing)) test(`${/^[ao]/.test(option) ? 'an' : 'a'} ${option} ${how} ends no process and answers ${expected}`, async (t) => {
    const { gateway, handler, ask, expiring } = await world(t, { [option]: fail }), headers = { origin: APP, authorization: await expiring() };
    assert.equal((await ask(await expiring())).status, expected);
    assert.equal((await handler(new Request(`https://api.example.com${REFRESH}`, { headers }))).status, expected);
    await setImmediate();
    assert.equal(gateway.requests.length, expected === 200 ? 2 : 0);
  });
}

test('the address may be looked up: userIp may return a promise', async (t) => {
  const { gateway, ask, expiring } = await world(t, { userIp: async (request) => request.headers.get('x-real-ip') });
  assert.equal((await ask(await expiring(), { headers: { 'x-real-ip': '203.0.113.9' } })).status, 200);
  assert.equal(gateway.requests[0].headers['x-user-ip'], '203.0.113.9');
});

test('the route checks the path of the request line, and authorize sees the same path', async (t) => {
  const paths = [], { gateway, mount, expiring } = await world(t, { authorize: ({ url }) => paths.push(new URL(url).pathname) > 0 });
  for (const [target, path = target] of [[REFRESH], [PATH], [`//x${REFRESH}`], [`/a%20b${REFRESH}`], [`${PATH}?a=/../b`, PATH]]) {
    assert.equal(await statusOf(mount, await expiring(), { target }), 200, target);
    assert.equal(paths.pop(), path, target);
  }
  const sent = gateway.requests.length;
  const others = [
    `/transak/..${REFRESH}`, `/..${REFRESH}`, `/.${REFRESH}`, `/%2e%2E${REFRESH}`, `/x\\..${REFRESH}`, `/x\\y${REFRESH}`, `/{x}${REFRESH}`, `/"${REFRESH}`, `/<${REFRESH}`,
    `http://h${PATH}`, `HTTP://h:8${PATH}?x`, `/x?y=http://h${REFRESH}`, `/?${REFRESH}`, `/x#${REFRESH}`, `http://h?${REFRESH}`, `http://h/..${REFRESH}`, `${REFRESH}/`, `${REFRESH}/.`,
  ];
  for (const target of others) assert.equal(await statusOf(mount, await expiring(), { target }), 404, target);
  assert.deepEqual([paths, gateway.requests.length], [[], sent]);
});

for (const options of [{ authorize: 'none' }, { authorize: () => true }, { authorize: 'none', userIp: () => undefined }]) {
  const who = `${options.authorize === 'none' ? 'none' : 'a function'}${options.userIp ? ' and userIp' : ''}`;
  test(`a request from which no Request can be made gets 400 and calls no function, with authorize ${who}`, async (t) => {
    const asked = [], spied = Object.fromEntries(Object.entries(options).map(([name, value]) => [name, value === 'none' ? value : () => {
      asked.push(name);
      return value();
    }]));
    const { gateway, mount, events, expiring } = await world(t, spied), token = await expiring();
    const hosts = ['[::', 'a b', 'a<b', 'a%b', 'a:b', 'a:99999', '1.2.3.256', '', 'u@h', 'u:p@h', `h${PATH}?`, 'h/x', 'h?', 'h#', 'h\\x', ':80'];
    for (const host of hosts) assert.equal(await statusOf(mount, token, { host }), 400, host);
    for (const target of [`http://u:p@h${PATH}`, `http://u@h${PATH}`, `http://h:x${PATH}`, `ftp://h${PATH}`, `x://h${PATH}`]) {
      assert.equal(await statusOf(mount, token, { target }), 400, target);
    }
    assert.deepEqual([asked, gateway.requests], [[], []]);
    assert.deepEqual(new Set(events.map(({ outcome, status, code }) => `${outcome} ${status} ${code}`)), new Set(['refused 400 ERR_REJECTED']));
    for (const host of ['h', 'H.example:443', '[::1]:8080', '127.0.0.1:1', 'h.', 'b\xfccher.example', 'a_b']) assert.equal(await statusOf(mount, token, { host }), 200, host);
  });
}

test('a header that only a lenient parser accepts gets 400 and calls no function', async (t) => {
  for (const authorize of ['none', () => assert.fail('it is asked')]) {
    const { gateway, handler, expiring } = await world(t, { authorize });
    const url = await listen(t, toNodeListener(handler), { insecureHTTPParser: true });
    assert.equal(await statusOf(url, await expiring(), { more: 'x-more: a\0b\r\n' }), 400);
    assert.equal(gateway.requests.length, 0);
  }
});

test('a request with two tokens gets 400, because Node would keep the first one only', async (t) => {
  const { gateway, mount, expiring } = await world(t);
  for (const name of ['authorization', 'Authorization']) {
    assert.equal(await statusOf(mount, await expiring(), { more: `${name}: ${await expiring()}\r\n` }), 400);
  }
  assert.equal(await statusOf(mount, await expiring(), { more: 'x-more: authorization\r\nauthorization-more: x\r\n' }), 200);
  assert.equal(gateway.requests.length, 1);
});

test('a header counts as a middleware has left it, for the route and for authorize', async (t) => {
  const users = [], { gateway, handler, expiring } = await world(t, { authorize: ({ headers }) => users.push([headers.get('x-user'), headers.get('x-dropped'), headers.get('x-unset')]) > 0 });
  const listener = toNodeListener(handler), kept = await expiring();
  const url = await listen(t, (req, res) => {
    Object.assign(req.headers, { 'x-user': 'ann', 'x-unset': undefined, authorization: kept });
    delete req.headers['x-dropped'];
    listener(req, res);
  });
  const headers = { origin: APP, 'x-user': 'forged', 'x-dropped': 'forged', 'x-unset': 'forged' };
  for (const token of [{}, { authorization: 'x.y.z' }]) assert.equal((await fetch(url + PATH, { headers: { ...headers, ...token } })).status, 200);
  assert.deepEqual([users, gateway.refreshes(kept), gateway.requests.length], [Array(2).fill(['ann', null, null]), 1, 1]);
});

test('a host that sets headers only, as serverless-http does, is served', async (t) => {
  const seen = [], { gateway, handler, expiring } = await world(t, { authorize: ({ url, headers }) => seen.push(url, headers.get('content-length')) > 0 });
  const socket = Object.assign(new PassThrough(), { encrypted: true, remoteAddress: '203.0.113.9' });
  const headers = { host: 'api.example.com', origin: APP, authorization: await expiring(), 'content-length': 0 };
  const req = Object.assign(new IncomingMessage(socket), { method: 'GET', headers, url: PATH }), res = new ServerResponse(req);
  await toNodeListener(handler)(req, res);
  assert.deepEqual([res.statusCode, seen], [200, [`https://api.example.com${PATH}`, '0']]);
  assert.equal(gateway.requests[0].headers['x-user-ip'], '203.0.113.9');
});

test("a user's own handler is not called if no Request can be made, and it may fail", async (t) => {
  const { issue } = await world(t), token = await issue(), asked = [];
  const url = await listen(t, toNodeListener(async (request) => {
    asked.push(request.url);
    if (request.url.includes('fail')) throw new Error('geo lookup failed');
    return new Response('fine');
  }));
  assert.equal(await statusOf(url, token, { host: '[::' }), 400);
  assert.equal(await statusOf(url, token, { method: 'TRACE' }), 400);
  assert.equal(await statusOf(url, token, { target: '/fail' }), 500);
  assert.equal(await statusOf(url, token, { target: '/x' }), 200);
  assert.deepEqual(asked, ['http://api.example.com/fail', 'http://api.example.com/x']);
});

test('a value that is no Request gets 400 and calls no function', async (t) => {
  for (const authorize of ['none', () => assert.fail('it is asked')]) {
    const { gateway, handler } = await world(t, { authorize });
    for (const request of [undefined, null, 7, 'https://api.example.com', {}, { headers: {} }, { headers: { get: 7 } }]) {
      const answer = await handler(request);
      assert.deepEqual([answer.status, (await answer.json()).error.statusCode], [400, 400]);
    }
    assert.equal(gateway.requests.length, 0);
  }
});

test('a handler that node:http calls without toNodeListener says what is missing', async (t) => {
  const { handler } = await world(t), called = [];
  const url = await listen(t, (req, res) => called.push(handler(req, res).catch((error) => {
    called.push(error);
    res.end();
  })));
  await fetch(url + PATH);
  const { code, action, message } = called.at(-1);
  assert.deepEqual([code, action], ['ERR_INVALID_OPTION', 'fix']);
  assert.match(message, /toNodeListener/);
});

test('without a global crypto, as in Node 18, tokens are hashed with a random key', async () => {
  const script = `delete globalThis.crypto;
    Math.random = () => { throw new Error('a key that can be guessed'); };
    const { createRefreshHandler } = await import('transak-user-token/server'), { createGateway } = await import('transak-user-token/gateway');
    const gateway = createGateway(), token = await gateway.issue(), stored = new Map();
    const storage = { get: (key) => stored.get(key), set: (key, value) => void stored.set(key, value), delete: () => {} };
    const fetch = (url, init) => gateway.fetch(new Request(url, { headers: init.headers }));
    const handle = createRefreshHandler({ environment: 'staging', allowedOrigins: [], allowServerCalls: true, authorize: 'none', storage, fetch });
    const { status } = await handle(new Request('https://api.test${REFRESH}', { headers: { authorization: token } }));
    console.log(typeof crypto, status, stored.size);`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { cwd: import.meta.dirname });
  assert.equal(stdout, 'undefined 200 1\n');
});

test('each Set-Cookie of an answer is sent', async (t) => {
  const cookies = ['a=1; Path=/; Expires=Wed, 21 Oct 2026 07:28:00 GMT', 'b=2; HttpOnly'];
  const url = await listen(t, toNodeListener(async () => new Response('fine', { headers: [['x-one', '1'], ...cookies.map((cookie) => ['set-cookie', cookie])] })));
  const { headers } = await fetch(url);
  assert.deepEqual([headers.getSetCookie(), headers.get('x-one')], [cookies, '1']);
});

test('a cookie that a middleware has set before is kept', async (t) => {
  const listener = toNodeListener(async () => new Response('fine', { headers: [['set-cookie', 'b=2'], ['set-cookie', 'c=3']] }));
  for (const before of ['a=1', ['a=1']]) {
    const url = await listen(t, (req, res) => {
      res.setHeader('set-cookie', before);
      listener(req, res);
    });
    assert.deepEqual((await fetch(url)).headers.getSetCookie(), ['a=1', 'b=2', 'c=3']);
  }
});

test('a handler that is no function is refused', () => {
  for (const handler of [undefined, null, {}, 'handler']) assert.throws(() => toNodeListener(handler), { code: 'ERR_INVALID_OPTION', action: 'fix' });
});

test('what a middleware says in Vary before is kept', async (t) => {
  const { handler, expiring } = await world(t), listener = toNodeListener(handler);
  for (const [before, expected] of [['Accept-Language', 'Accept-Language, Origin'], [['Accept', 'Cookie'], 'Accept, Cookie, Origin'], ['Origin', 'Origin']]) {
    const url = await listen(t, (req, res) => {
      res.setHeader('vary', before);
      listener(req, res);
    });
    const { headers } = await fetch(url + PATH, { headers: { origin: APP, authorization: await expiring() } });
    assert.equal(headers.get('vary'), expected);
  }
});

test('over HTTP/2 the host is that of the request, and no warning is printed', async (t) => {
  const urls = [], warnings = [], warned = (warning) => warnings.push(warning.message);
  const { handler, expiring } = await world(t, { authorize: ({ url }) => urls.push(url) > 0 });
  process.on('warning', warned);
  t.after(() => process.off('warning', warned));
  const server = http2.createServer(toNodeListener(handler));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${server.address().port}`, client = http2.connect(origin);
  t.after(() => {
    client.destroy();
    server.close();
  });
  const statusOf = (headers, body) => new Promise((resolve, reject) => {
    const request = client.request({ ':path': PATH, origin: APP, ...headers });
    request.on('response', (answer) => resolve(answer[':status'])).on('error', reject).resume().end(body);
  });
  assert.equal(await statusOf({ authorization: await expiring() }), 200);
  assert.equal(await statusOf({ ':method': 'POST', 'content-length': 1 }, 'x'), 405);
  await setImmediate();
  assert.deepEqual([urls, warnings], [[origin + PATH], []]);
});

test('a function that never answers leads to 503 after timeoutMs, and nothing is sent', async (t) => {
  for (const [options, reason] of [[{ authorize: () => new Promise(() => {}) }, 'timeout'], [{ userIp: () => new Promise(() => {}) }, 'timeout'], [{ authorize: () => ({ then() {} }) }, 'timeout']]) {
    const { gateway, ask, events, expiring } = await world(t, { timeoutMs: 50, ...options });
    const { status, body } = await ask(await expiring());
    assert.deepEqual([status, body.error.statusCode], [503, 503]);
    assert.deepEqual(events.map(({ outcome, reason, status }) => [outcome, reason, status]), [['failed', reason, 503]]);
    assert.equal(gateway.requests.length, 0);
  }
});

test('a field of Object.prototype becomes no header of an answer', async (t) => {
  Object.prototype.each = () => {};
  t.after(() => { delete Object.prototype.each; });
  const { mount, expiring } = await world(t, { authorize: 'none' });
  const response = await fetch(`${mount}${REFRESH}`, { headers: { origin: APP, authorization: await expiring() } });
  assert.equal(response.status, 200);
  assert.equal(response.headers.get('each'), null);
});
