// Test runners, whose environments are realms of their own.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';

const WORLD = 'const { BASE: base, TOKEN: token } = process.env;';
/** The proof for a test that is no module. */
const PROOF = `${readFileSync(new URL('../proof.js', import.meta.url), 'utf8').replace(/^export /gm, '')}\nmodule.exports = { prove, PROVEN };\n`;
const jest = {
  'package.json': '{ "private": true }',
  'a.test.js': `const api = require('transak-user-token');
test('it is proven', async () => {
  ${WORLD}
  const { prove, PROVEN } = require('./proof.cjs');
  expect(await prove(api, { base, token })).toBe(PROVEN);
});\n`,
  'jsdom.test.js': `const api = require('transak-user-token');
test('it checks', () => {
  expect(api.tokenStatus(process.env.TOKEN).state).toBe('fresh');
  expect(() => api.tokenStatus('x', { now: 'x' })).toThrow(api.TransakTokenError);
});
test('where there is no fetch, that is said', async () => {
  await expect(api.refreshAccessToken(process.env.TOKEN, { baseUrl: process.env.BASE })).rejects.toMatchObject({
    code: 'ERR_INVALID_OPTION', action: 'fix', message: expect.stringContaining('fetch must be a function'),
  });
});\n`,
};
const vitest = {
  'a.test.js': `import { expect, test } from 'vitest';
import * as api from 'transak-user-token';
import { prove, PROVEN } from './proof.js';
test('it is proven', async () => {
  ${WORLD}
  expect(await prove(api, { base, token })).toBe(PROVEN);
});\n`,
};

/** Under fake timers a session's promises settle when the timers are advanced, and no test waits for a request of another test. */
const timers = (api, runner, imported) => `${imported}
const token = process.env.OLD, answer = process.env.TOKEN;
const fetch = () => new Promise((resolve) => setTimeout(() => resolve(new Response(JSON.stringify({ data: { accessToken: answer } }))), 300));
const open = () => {
  const kept = new Map(), storage = { get: (key) => kept.get(key), set: (key, value) => { kept.set(key, value); }, delete: (key) => { kept.delete(key); } };
  return new ${api}.TokenSession(token, { environment: 'staging', fetch, storage, key: 'user' });
};
beforeEach(() => { ${runner}.useFakeTimers(); });
afterEach(() => { ${runner}.useRealTimers(); });
test('a request that is left unanswered', async () => {
  open().refresh().catch(() => {});
  await ${runner}.advanceTimersByTimeAsync(100);
});
test('the same request of another test is answered', async () => {
  const session = open(), refreshed = session.refresh();
  await ${runner}.advanceTimersByTimeAsync(1_000);
  expect((await refreshed).accessToken).toBe(answer);
  const again = session.accessToken();
  await ${runner}.advanceTimersByTimeAsync(1_000);
  expect(await again).toBe(answer);
  await session.clear();
});
`;
jest['timers.test.js'] = timers('api', 'jest', "const api = require('transak-user-token');");
vitest['timers.test.js'] = timers('api', 'vi', "import { afterEach, beforeEach, expect, test, vi } from 'vitest';\nimport * as api from 'transak-user-token';");

const tested = (tool, args, files) => async (kit) => {
  const { env, gateway, token } = await kit.world(), iat = Math.floor(Date.now() / 1000) - 86_400;
  env.OLD = await gateway.issue({ sub: 'someone@example.com', iat, exp: iat + 30 * 86_400 });
  const cwd = await kit.project({ ...files, 'proof.cjs': PROOF });
  await kit.run(kit.tool(tool), args, { cwd, env });
  return gateway.refreshes(token);
};
/** The tests of examples/fake-timers, of which each runner has its own file. */
const recipe = new URL('../../../examples/fake-timers/', import.meta.url);
const timed = Object.fromEntries(readdirSync(recipe).map((file) => [file, readFileSync(new URL(file, recipe), 'utf8')]));
const proven = (...given) => async (kit) => assert.equal(await tested(...given)(kit), 1, 'refreshes');

export default [
  {
    group: 'Test runners', name: 'Jest', version: 'jest', set: 'runners',
    note: 'its jsdom has no `fetch`: there a refresh rejects with `ERR_INVALID_OPTION`, which says so',
    ways: {
      'node: check and refresh': proven('jest', ['a.test.js'], jest),
      'jsdom: check': tested('jest', ['--env=jsdom', 'jsdom.test.js'], jest),
      'node: a session under fake timers': tested('jest', ['timers.test.js'], jest),
      'node: `examples/fake-timers`': tested('jest', ['jest.test.cjs'], timed),
    },
  },
  {
    group: 'Test runners', name: 'Vitest', version: 'vitest', set: 'runners',
    ways: {
      'node: check and refresh': proven('vitest', ['run', '--environment', 'node', 'a.test.js'], vitest),
      'jsdom: check and refresh': proven('vitest', ['run', '--environment', 'jsdom', 'a.test.js'], vitest),
      'node: a session under fake timers': tested('vitest', ['run', '--environment', 'node', 'timers.test.js'], vitest),
      'node: `examples/fake-timers`': tested('vitest', ['run', '--environment', 'node', 'vitest.test.mjs'], timed),
    },
  },
];
