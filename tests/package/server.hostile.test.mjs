// 10,000 random requests by raw sockets, which no normal client would send.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { API_KEY, APP, REFRESH, world } from './server.world.mjs';

const REQUESTS = 10_000, AT_ONCE = 40;

/** Sends bytes on a connection of their own and resolves with all that comes back. */
function send(port, bytes) {
  return new Promise((resolve) => {
    const chunks = [], socket = connect(port, '127.0.0.1');
    socket.on('data', (chunk) => chunks.push(chunk)).on('error', () => {}).on('close', () => resolve(Buffer.concat(chunks).toString('latin1')));
    // The server would wait for the rest of an incomplete request.
    socket.end(Buffer.from(bytes, 'latin1'));
  });
}

const crlf = fc.constantFrom('\r\n', '\n', '\r', '%0d%0a', '\r\n\r\n', '\0');
/** Mostly one of these texts, sometimes one with a line end in it, sometimes anything. */
const near = (...texts) => fc.oneof(
  { weight: 30, arbitrary: fc.constantFrom(...texts) },
  { weight: 1, arbitrary: fc.tuple(fc.constantFrom(...texts), crlf, fc.constantFrom('set-cookie: a=b', 'access-control-allow-origin: *', 'x')).map((parts) => parts.join('')) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
);

test('no hostile request gets through, and none is answered with a 5xx or another origin', async (t) => {
  const seed = Number(process.env.SEED ?? Date.now() % 1e9);
  t.diagnostic(`seed ${seed}`);
  const { gateway, mount, issue, events } = await world(t, { authorize: ({ headers }) => headers.get('cookie') !== 'banned' });
  const port = new URL(mount).port, tokens = await Promise.all(Array.from({ length: 20 }, () => issue()));

  const token = fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom(...tokens) },
    { weight: 2, arbitrary: near('x.y.z', 'Bearer e30.e30.e30', 'e30.eyJleHAiOjF9.c2ln', '', 'null') },
    { weight: 1, arbitrary: fc.integer({ min: 15_000, max: 70_000 }).map((length) => 'a'.repeat(length)) },
    { weight: 1, arbitrary: fc.constantFrom(...tokens).map((token) => `${token}, ${token}`) },
  );
  const header = fc.oneof(
    { weight: 4, arbitrary: fc.tuple(fc.constantFrom('authorization', 'Authorization'), token) },
    { weight: 4, arbitrary: fc.tuple(fc.constantFrom('Origin', 'origin'), near(APP, 'null', 'https://evil.test', '*', `${APP}.evil.test`, APP.toUpperCase(), '')) },
    { weight: 4, arbitrary: fc.tuple(fc.constant('Sec-Fetch-Site'), near('same-origin', 'cross-site', 'none')) },
    { weight: 4, arbitrary: fc.tuple(fc.constantFrom('X-Forwarded-For', 'Forwarded', 'X-Real-IP', 'X-User-IP'), near('6.6.6.6', '6.6.6.6, 127.0.0.1', 'for=6.6.6.6', '::1')) },
    fc.tuple(fc.constantFrom('X-Forwarded-Host', 'X-Host', 'Host'), near('evil.test', '[::', 'a b', '')),
    { weight: 1, arbitrary: fc.tuple(fc.constantFrom('Content-Length', 'Transfer-Encoding', 'Expect', 'Upgrade'), near('0', '5', '-1', 'chunked', '100-continue', 'h2c', '9'.repeat(30))) },
    { weight: 4, arbitrary: fc.tuple(fc.constantFrom('Cookie', 'X-Api-Key', 'Referer', 'X-Long'), near('banned', 'a=b', 'x'.repeat(9000))) },
    { weight: 1, arbitrary: fc.tuple(fc.string({ unit: 'binary', maxLength: 12 }), fc.string({ unit: 'binary', maxLength: 12 })) },
  );
  const request = fc.record({
    method: fc.oneof({ weight: 3, arbitrary: fc.constant('GET') }, near('OPTIONS', 'POST', 'HEAD', 'TRACE', 'CONNECT', 'get', 'PUT', 'PROPFIND')),
    path: fc.oneof({ weight: 5, arbitrary: fc.constantFrom(REFRESH, `/transak${REFRESH}`, `${REFRESH}?a=b`) }, near('/', '*', '//', `/x/..${REFRESH}`, `http://evil.test${REFRESH}`, 'http://a:b@[::1', `${REFRESH}/`, `/%2e%2e${REFRESH}#`, '/?')),
    version: fc.oneof({ weight: 9, arbitrary: fc.constant('HTTP/1.1') }, fc.constantFrom('HTTP/1.0', 'HTTP/2.0', 'x')),
    // Most of them begin as a page's own request does.
    start: fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom(...tokens).map((token) => [['host', 'api.example.com'], ['origin', APP], ['authorization', token]]) },
      { weight: 4, arbitrary: fc.constant([['host', 'api.example.com']]) }, { weight: 1, arbitrary: fc.constant([]) },
    ),
    headers: fc.array(header, { maxLength: 6 }),
    body: fc.oneof({ weight: 8, arbitrary: fc.constant('') }, fc.string({ unit: 'binary', maxLength: 30 })),
  });

  const samples = fc.sample(request, { numRuns: REQUESTS, seed }), statuses = {};
  const check = async ({ method, path, version, start, headers, body }) => {
    const lines = [...start, ...headers].map(([name, value]) => `${name}: ${value}\r\n`).join('');
    const sent = `${method} ${path} ${version}\r\n${lines}\r\n${body}`;
    const answer = await send(port, sent), about = JSON.stringify(sent.slice(0, 400));
    for (const [, status] of answer.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)) {
      statuses[status] = (statuses[status] ?? 0) + 1;
      assert.ok(status < 500, `${status} for ${about}`);
      if (status === '200') assert.match(sent, /^[oO]rigin: https:\/\/app\.example\.com *\r?$|^Sec-Fetch-Site: same-origin *\r?$/m, about);
    }
    for (const [, named] of answer.matchAll(/^access-control-allow-origin: (.*?)\r?$/gim)) assert.equal(named, APP, about);
    assert.doesNotMatch(answer, /^set-cookie:/im, about);
    assert.ok(!answer.includes(API_KEY), about);
  };
  const queue = samples.values();
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    for (const sample of queue) await check(sample);
  }));

  for (const { method, path, headers } of gateway.requests) {
    assert.deepEqual([method, path], ['GET', REFRESH]);
    assert.ok(tokens.includes(headers.authorization), 'Transak got something that is no token of a user');
    assert.deepEqual([headers['x-api-key'], headers['x-user-ip']], [API_KEY, '127.0.0.1']);
    for (const name of ['origin', 'referer', 'cookie', 'forwarded', 'x-forwarded-for', 'x-real-ip', 'x-long']) assert.ok(!(name in headers), name);
  }
  // Each token is sent once, because its answer is repeated. Enough requests got through to show that the checks were tested.
  assert.equal(gateway.requests.length, tokens.length);
  for (const status of [200, 204, 400, 401, 403, 404, 405, 431]) assert.ok(statuses[status] > 10, `${status}: ${JSON.stringify(statuses)}`);
  assert.deepEqual([...new Set(events.map(({ outcome }) => outcome))].filter((outcome) => outcome === 'failed'), []);
  t.diagnostic(JSON.stringify(statuses));

  const answer = await send(port, `GET ${REFRESH} HTTP/1.1\r\nhost: a\r\norigin: ${APP}\r\nauthorization: ${tokens[0]}\r\nconnection: close\r\n\r\n`);
  assert.match(answer, /^HTTP\/1\.1 200 /, 'it goes on afterwards');
});
