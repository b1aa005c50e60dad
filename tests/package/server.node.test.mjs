// The route on node:http: whatever the server or the user's own functions do, each request has one answer, and the process goes on.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toNodeListener } from 'transak-user-token/server';
import { APP, REFRESH, listen, world } from './server.world.mjs';

const PATH = `/transak${REFRESH}`;

/** A page's request: plain, and with a body that nobody reads. */
const sent = (token) => [{ headers: { origin: APP, authorization: token } }, { method: 'POST', body: 'x', headers: { origin: APP, authorization: token } }];

test('a response that was sent before is left alone, and nobody is asked', async (t) => {
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
    // One with a body ends before authorize is asked.
    for (const init of when === 'before' ? [plain, withBody] : [plain]) assert.equal(await (await fetch(url + PATH, init)).text(), 'begun, ended');
  });
}
