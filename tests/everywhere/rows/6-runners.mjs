// Test runners, whose environments are realms of their own.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

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

const tested = (tool, args, files) => async (kit) => {
  const { env, gateway, token } = await kit.world();
  const cwd = await kit.project({ ...files, 'proof.cjs': PROOF });
  await kit.run(kit.tool(tool), args, { cwd, env });
  return gateway.refreshes(token);
};
const proven = (...given) => async (kit) => assert.equal(await tested(...given)(kit), 1, 'refreshes');

export default [
  {
    group: 'Test runners', name: 'Jest', version: 'jest', set: 'runners',
    note: 'its jsdom has no `fetch`: there a refresh rejects with `ERR_INVALID_OPTION`, which says so',
    ways: {
      'node: check and refresh': proven('jest', ['a.test.js'], jest),
      'jsdom: check': tested('jest', ['--env=jsdom', 'jsdom.test.js'], jest),
    },
  },
  {
    group: 'Test runners', name: 'Vitest', version: 'vitest', set: 'runners',
    ways: {
      'node: check and refresh': proven('vitest', ['run', '--environment', 'node'], vitest),
      'jsdom: check and refresh': proven('vitest', ['run', '--environment', 'jsdom'], vitest),
    },
  },
];
