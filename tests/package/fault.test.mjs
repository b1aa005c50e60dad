// What happens when the wasm traps: the caller gets one error, another waiter gets its answer, and the next call starts afresh.
// The tests make the instance trap from outside, because no input is known that causes a trap.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import test from 'node:test';
import { createGateway } from 'transak-user-token/gateway';
import { isCheck, sourceName } from './exports.mjs';

// The CommonJS file can be loaded more than once.
const require = createRequire(import.meta.url), twin = new URL('node_modules/transak-user-token/index.cjs', import.meta.url).pathname;
const { Instance } = WebAssembly;
let instances = 0, trapping = () => false;

WebAssembly.Instance = function (module, imports) {
  const { exports } = new Instance(module, imports);
  if (isCheck(exports)) instances++;
  return { exports: Object.fromEntries(Object.entries(exports).map(([name, value]) => [name, typeof value !== 'function' ? value : (...given) => {
    if (trapping(sourceName(name))) throw new WebAssembly.RuntimeError('unreachable');
    return value(...given);
  }])) };
};

/** A package that was not used before, a token, and a refresh that waits for an answer. */
async function fresh() {
  for (const path of Object.keys(require.cache)) if (path.includes('transak-user-token')) delete require.cache[path];
  const api = require(twin);
  instances = 0;
  trapping = () => false;
  const gateway = createGateway(), token = await gateway.issue({ sub: 'someone' });
  let answer;
  const waiting = api.refreshAccessToken(token, { baseUrl: 'https://backend.test', retries: 0, fetch: (url, init) => new Promise((resolve) => {
    answer = () => resolve(gateway.fetch(new Request(url, { headers: init.headers })));
  }) });
  waiting.catch(() => {});
  await new Promise((resolve) => setTimeout(resolve, 10));
  return { api, token, waiting, answer };
}
const internal = (outcomeUnknown) => ({ name: 'TransakTokenError', code: 'ERR_INTERNAL', action: 'fix', attempts: 0, outcomeUnknown });

for (const [what, name, call] of [
  ['a check', 'checkToken', ({ tokenStatus }, token) => tokenStatus(token)],
  ['reading its options', 'wrongOption', ({ tokenStatus }, token) => tokenStatus(token, { now: 1 })],
  ['refusing what is no list', 'wrongOption', ({ tokenStatuses }, token) => tokenStatuses(token)],
  ['trimming a long token', 'isSpace', ({ tokenStatus }) => tokenStatus(' '.repeat(20_000))],
]) {
  test(`a trap in ${what} is one error`, async () => {
    const { api, token, waiting, answer } = await fresh();
    trapping = (entered) => entered === name;
    assert.throws(() => call(api, token), internal(false));
    trapping = () => false;
    assert.equal(api.tokenStatus(token).state, 'fresh');
    assert.equal(instances, 2);
    // The trap has ended neither the request of the other call nor its result.
    answer();
    assert.equal(api.tokenStatus((await waiting).accessToken).state, 'fresh');
  });
}

test('a trap in a call that returns a promise rejects it', async () => {
  const { api, token } = await fresh();
  trapping = (entered) => entered === 'ensureFreshToken';
  await assert.rejects(api.ensureFreshToken(token), internal(true));
  trapping = () => false;
  assert.equal((await api.ensureFreshToken(token)).refreshed, false);
});

test('a trap while an answer is read rejects every waiter, and throws no error that nobody can catch', async () => {
  const { api, token, waiting, answer } = await fresh();
  trapping = (entered) => entered.includes('invoke');
  answer();
  await assert.rejects(waiting, internal(true));
  trapping = () => false;
  assert.equal(api.tokenStatus(token).state, 'fresh');
});
