// Cloudflare's runtime: the first call, and promises and timers, each of which belongs to one request there.
import assert from 'node:assert/strict';
import { worker } from '../workerd.mjs';

const DAY_S = 86_400, DATE = '2026-01-01';
const HANDLER = `import * as api from 'transak-user-token';
import { prove } from './proof.js';
export default { fetch: async (request, { BASE: base, TOKEN: token }) => new Response(await prove(api, { base, token }).catch(String)) };
`;
const AT_MODULE_SCOPE = HANDLER.replace('export default', "if (api.tokenStatus('x').reason !== 'not_a_jwt') throw new Error('no check at module scope');\nexport default");

const proof = (body, date) => async (kit) => {
  const folder = await kit.project({ 'worker.js': body }), { base, token, proven } = await kit.world();
  const ask = await worker(kit, folder, { BASE: base, TOKEN: token }, undefined, date);
  proven(await (await ask('http://worker.test/')).text());
};

// One session for all requests. `leave` answers before its call has ended, and `ahead` puts the clock forward.
const SHARED = `import { TokenSession, ensureFreshToken, refreshAccessToken } from 'transak-user-token';
const { now } = Date, stored = new Map();
let ahead = 0, session;
Date.now = () => now() + ahead;
const storage = { get: async (key) => stored.get(key), set: async (key, value) => { stored.set(key, value); }, delete: async (key) => { stored.delete(key); } };
const calls = {
  accessToken: () => session.accessToken(),
  refresh: () => session.refresh(),
  refreshAccessToken: (token, options) => refreshAccessToken(token, options),
  ensureFreshToken: (token, options) => ensureFreshToken(token, options),
};
export default { async fetch(request, { BASE: baseUrl, TOKEN: token, TIMEOUT, STORED }, context) {
  const { name, how, ms } = await request.json(), options = { baseUrl, timeoutMs: TIMEOUT, totalTimeoutMs: TIMEOUT, retries: 0 };
  session ??= new TokenSession(token, { ...options, maxWaitMs: TIMEOUT, ...STORED && { storage, key: 'user' } });
  if (how === 'ahead') ahead += ms;
  if (how === 'ahead') return new Response('done');
  const told = calls[name](token, options).then((result) => (result.accessToken ?? result) === token ? 'old' : 'new', ({ code }) => code);
  if (how === 'wait') context.waitUntil(told);
  return new Response(how === 'call' ? await told : 'left');
} };
`;

/** Starts that worker with a token that is about to expire, and a gateway which takes a moment for its first answers. */
async function shared(kit, { timeoutMs = 30_000, ...bindings } = {}) {
  const folder = await kit.project({ 'worker.js': SHARED }), { gateway, base } = await kit.world();
  const iat = Math.floor(Date.now() / 1000) - 29 * DAY_S, token = await gateway.issue({ iat, exp: iat + 30 * DAY_S });
  const ask = await worker(kit, folder, { BASE: base, TOKEN: token, TIMEOUT: timeoutMs, ...bindings });
  const say = async (name, how = 'call', more) => {
    const answer = await ask('http://worker.test/', { method: 'POST', body: JSON.stringify({ name, how, ...more }) });
    return answer.ok ? answer.text() : `${answer.status}: ${(await answer.text()).slice(0, 200)}`;
  };
  return { gateway, call: (name) => say(name), leave: (name) => say(name, 'leave'), wait: (name) => say(name, 'wait'), forward: (ms) => say('', 'ahead', { ms }) };
}

const atOnce = async (kit) => {
  for (const name of ['accessToken', 'refresh', 'refreshAccessToken', 'ensureFreshToken']) {
    const { gateway, call } = await shared(kit);
    gateway.fail({ kind: 'latency', ms: 2_000 });
    assert.deepEqual(await Promise.all([call(name), call(name), call(name)]), ['new', 'new', 'new'], name);
    assert.equal(gateway.refreshes(), 1, name);
  }
};

/** How long a call waits for a refresh that never ends: longer than a busy machine takes for the next call. */
const WAIT_MS = 5_000;

/** The refresh ends with the request that began it. Every other request is still answered. */
const leftEarly = async (kit) => {
  for (const [name, answer] of [['accessToken', 'old'], ['refresh', 'ERR_TIMEOUT'], ['refreshAccessToken', 'ERR_TIMEOUT'], ['ensureFreshToken', 'old']]) {
    const { gateway, call, leave } = await shared(kit, { timeoutMs: WAIT_MS });
    gateway.fail({ kind: 'hang' });
    assert.equal(await leave(name), 'left');
    assert.deepEqual(await Promise.all([call(name), call(name)]), [answer, answer], name);
  }
};

/** After that a session refreshes again, without a store or with one, whose lock the request has held. */
const lateAgain = async (kit) => {
  for (const bindings of [{}, { STORED: 'yes' }]) {
    const { gateway, call, leave, forward } = await shared(kit, { timeoutMs: WAIT_MS, ...bindings });
    gateway.fail({ kind: 'hang' });
    await leave('accessToken');
    assert.equal(await call('accessToken'), 'old');
    await forward(200_000);
    // The first call finds that the time of the refresh is up. The second call finds that no late answer is awaited any more.
    await call('accessToken');
    assert.equal(await call('accessToken'), 'new');
    assert.equal(gateway.requests.length, 2);
  }
};

const keptByWaitUntil = async (kit) => {
  for (const bindings of [{}, { STORED: 'yes' }]) {
    const { gateway, call, wait } = await shared(kit, bindings);
    gateway.fail({ kind: 'latency', ms: 300 });
    assert.equal(await wait('accessToken'), 'left');
    assert.deepEqual(await Promise.all([call('accessToken'), call('accessToken')]), ['new', 'new']);
    assert.equal(gateway.refreshes(), 1);
  }
};

export default [
  {
    group: 'Runtimes', name: 'Cloudflare Workers (workerd)', set: 'runtimes',
    ways: {
      'first call in a handler': proof(HANDLER, DATE),
      'first call at module scope': proof(AT_MODULE_SCOPE, DATE),
      'compatibility date of 2023': proof(HANDLER, '2023-06-01'),
    },
  },
  {
    group: 'Runtimes', name: 'Cloudflare Workers, one session for all requests', set: 'runtimes', limitMs: 120_000,
    ways: {
      'three requests at once, one refresh': atOnce,
      'a request that answers before its refresh ends keeps no other waiting': leftEarly,
      'nor a later refresh': lateAgain,
      'by `waitUntil` its refresh is kept': keptByWaitUntil,
    },
    note: 'give the promise of a call to `context.waitUntil`',
  },
];
