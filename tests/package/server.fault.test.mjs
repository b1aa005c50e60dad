// What happens to the route when its wasm traps: one answer is lost, and the next request is served by another instance.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import test from 'node:test';
import { createGateway } from 'transak-user-token/gateway';
import { serverName } from './exports.mjs';

const require = createRequire(import.meta.url);
const { Instance } = WebAssembly;
let trapping = () => false;

WebAssembly.Instance = function (module, imports) {
  const { exports } = new Instance(module, imports);
  return { exports: Object.fromEntries(Object.entries(exports).map(([name, value]) => [name, typeof value !== 'function' ? value : (...given) => {
    if (trapping(serverName(name))) throw new WebAssembly.RuntimeError('unreachable');
    return value(...given);
  }])) };
};
const { createRefreshHandler } = require('transak-user-token/server');

function world(options) {
  const gateway = createGateway(), events = [];
  const handle = createRefreshHandler({
    baseUrl: 'https://gateway.test', allowedOrigins: [], allowServerCalls: true, authorize: () => true, onEvent: (event) => events.push(event),
    fetch: (url, init) => gateway.fetch(new Request(url, { headers: init.headers })), ...options,
  });
  const ask = async (token, headers) => {
    const answer = await handle(new Request('https://api.test/api/v2/auth/refresh', { headers: { authorization: token, ...headers } }));
    return { status: answer.status, body: await answer.json() };
  };
  return { gateway, events, ask };
}
const FAILED = { status: 500, body: { error: { statusCode: 500, message: 'This server failed' } } };

for (const name of ['route_checkRequest', 'route_admit', 'route_nextStep', 'route_interpretResponse', 'route_cors']) {
  test(`a trap in ${name} is one lost answer`, async () => {
    const { gateway, events, ask } = world(), token = await gateway.issue();
    let isDue = true, trapped = 0;
    trapping = (entered) => {
      if (entered !== name || !isDue) return false;
      [isDue, trapped] = [false, trapped + 1];
      return true;
    };
    const { status } = await ask(token);
    trapping = () => false;
    assert.equal(status, name === 'route_interpretResponse' ? 200 : 500);
    assert.equal((await ask(token)).status, 200);
    assert.equal(trapped, 1);
    assert.deepEqual(events.map(({ status }) => status), [status, 200]);
  });
}

test('after a trap the options count as they were given, although their caller has changed them since', async () => {
  const allowedOrigins = ['https://shop.example'], given = { allowedOrigins, allowServerCalls: false }, { gateway, ask } = world(given);
  trapping = (name) => name.startsWith('route_');
  await ask(await gateway.issue());
  trapping = () => false;
  allowedOrigins.push('https://evil.example');
  const { status } = await ask(await gateway.issue(), { origin: 'https://evil.example' });
  assert.equal(status, 403);
  assert.equal((await ask(await gateway.issue(), { origin: 'https://shop.example' })).status, 200);
});

test('every request is answered even if every call traps', async () => {
  const { gateway, ask } = world();
  trapping = (name) => name.startsWith('route_');
  for (let at = 0; at < 3; at++) assert.deepEqual(await ask(await gateway.issue()), FAILED);
  trapping = () => false;
  assert.equal((await ask(await gateway.issue())).status, 200);
});

test('a trap while clients wait leaves none of them waiting', async () => {
  let go;
  const held = new Promise((resolve) => { go = resolve; }), gateway = createGateway(), token = await gateway.issue();
  const handle = createRefreshHandler({
    baseUrl: 'https://gateway.test', allowedOrigins: [], allowServerCalls: true, authorize: 'none', limit: false,
    fetch: async (url, init) => {
      await held;
      return gateway.fetch(new Request(url, { headers: init.headers }));
    },
  });
  const ask = (token) => handle(new Request('https://api.test/api/v2/auth/refresh', { headers: { authorization: token } }));
  let asked = 0;
  trapping = (name) => name === 'route_nextStep' && ++asked === 3;
  const waiting = [ask(token), ask(token)];
  assert.equal((await ask(token)).status, 500);
  trapping = () => false;
  go();
  const tokens = await Promise.all(waiting.map(async (answer) => (await (await answer).json()).data.accessToken));
  assert.equal(tokens[0], tokens[1]);
  assert.ok(await gateway.verify(tokens[0]));
  assert.equal(gateway.refreshes(token), 1);
});

test('an answer that comes after a trap does not go to another client', async () => {
  const gateway = createGateway(), held = new Map(), tokens = await Promise.all(['a', 'b'].map((sub) => gateway.issue({ sub })));
  const handle = createRefreshHandler({
    baseUrl: 'https://gateway.test', allowedOrigins: [], allowServerCalls: true, authorize: 'none', limit: false,
    fetch: async (url, init) => {
      await new Promise((resolve) => {
        held.set(init.headers.authorization, resolve);
        sent();
      });
      return gateway.fetch(new Request(url, { headers: init.headers }));
    },
  });
  const ask = (token) => handle(new Request('https://api.test/api/v2/auth/refresh', { headers: { authorization: token } }));
  let sent = () => {};
  /** Asks, and waits until the request is sent. */
  const begun = async (token) => {
    const isSent = new Promise((resolve) => { sent = resolve; }), answer = ask(token);
    await isSent;
    return { answer };
  };
  const sub = async (answer) => (await gateway.verify((await (await answer).json()).data.accessToken)).sub;
  const { answer: first } = await begun(tokens[0]);
  trapping = (name) => name === 'route_nextStep';
  assert.equal((await ask(tokens[1])).status, 500);
  trapping = () => false;
  // The new route begins to count its tickets anew.
  const { answer: second } = await begun(tokens[1]);
  held.get(tokens[0])();
  assert.equal(await sub(first), 'a');
  const again = ask(tokens[1]);
  held.get(tokens[1])();
  assert.deepEqual([await sub(second), await sub(again)], ['b', 'b']);
  assert.equal(gateway.refreshes(tokens[1]), 1);
});
