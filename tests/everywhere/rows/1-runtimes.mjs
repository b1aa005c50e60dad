// Runtimes without a page.
import assert from 'node:assert/strict';
import { join } from 'node:path';

const MODULE = `import * as api from 'transak-user-token';
import { prove } from './proof.js';
const { BASE: base, TOKEN: token } = globalThis.Deno?.env.toObject() ?? process.env;
console.log(await prove(api, { base, token }));
`;
const COMMON = `const api = require('transak-user-token');
import('./proof.js').then(async ({ prove }) => {
  const { BASE: base, TOKEN: token } = process.env;
  console.log(await prove(api, { base, token }));
});
`;
const BOTH = `import { createRequire } from 'node:module';
import * as esm from 'transak-user-token';
import { prove } from './proof.js';
const cjs = createRequire(import.meta.url)('transak-user-token');
const { BASE: base, TOKEN: token } = process.env;
const [first, second] = [await prove(esm, { base, token }), await prove(cjs, { base, token })];
const error = await cjs.refreshAccessToken('x').catch((thrown) => thrown);
console.log(first === second && error.code === 'ERR_INVALID_TOKEN' ? first : [first, second]);
`;
/** A backend's use of the package, in a process of its own. */
export const ROUTE = `import { createServer } from 'node:http';
import { createRefreshHandler, keepFresh, toNodeListener } from 'transak-user-token/server';
const { BASE: baseUrl, TOKEN: token } = process.env, stored = new Map(), outcomes = [];
const storage = { get: (key) => stored.get(key), set: (key, value) => { stored.set(key, value); }, delete: (key) => { stored.delete(key); } };
const listener = toNodeListener(createRefreshHandler({
  baseUrl, allowedOrigins: [], authorize: () => true, storage, limiter: () => true, onEvent: ({ outcome }) => outcomes.push(outcome),
}));
const server = createServer(listener).listen(0, '127.0.0.1', async () => {
  const url = \`http://127.0.0.1:\${server.address().port}/api/v2/auth/refresh\`;
  for (const authorization of [token, token, 'x.y.z']) await (await fetch(url, { headers: { authorization, 'sec-fetch-site': 'same-origin' } })).text();
  for await (const { refreshed } of keepFresh([['user', token]], { baseUrl, refreshWindowMs: 2 ** 40 })) outcomes.push(refreshed ? 'kept fresh' : 'not');
  console.log(\`\${outcomes.join(', ')}; \${stored.size} stored\`);
  server.close();
  server.closeAllConnections();
});
`;

/** The output of that process. */
export const SERVED = 'refreshed, repeated, refused, kept fresh; 1 stored';

const files = { 'main.mjs': MODULE, 'main.cjs': COMMON, 'both.mjs': BOTH, 'route.mjs': ROUTE };

/** Runs a file in a process that prints the outcome. */
const process_ = (command, args, file, times) => async (kit) => {
  const folder = await kit.project(files), { env, proven } = await kit.world();
  const output = await kit.run(command(kit), [...args, file], { cwd: folder, env });
  proven(output.trim(), times);
};

const node = (major) => {
  const bin = (kit) => join(kit.tools, `node_modules/node${major}/bin/node`);
  return {
    group: 'Runtimes', name: 'Node', version: `node${major}`, set: 'runtimes',
    ways: {
      '`import`': process_(bin, [], 'main.mjs'),
      '`require`': process_(bin, [], 'main.cjs'),
      'both side by side': process_(bin, [], 'both.mjs', 2),
      './server': async (kit) => {
        const cwd = await kit.project(files), { env } = await kit.world();
        assert.equal((await kit.run(bin(kit), ['route.mjs'], { cwd, env })).trim(), SERVED);
      },
      'the command line': async (kit) => {
        const folder = await kit.project(), { base, token, gateway } = await kit.world();
        const command = (...args) => kit.run(bin(kit), ['node_modules/transak-user-token/bin.js', ...args], { cwd: folder, env: { TRANSAK_TOKEN: token } });
        assert.equal(JSON.parse(await command('status', '--json')).state, 'fresh');
        await command('refresh', '--base-url', base);
        assert.equal(gateway.refreshes(token), 1);
      },
    },
  };
};

const bun = (kit) => join(kit.tools, 'node_modules/bun/bin/bun'), deno = (kit) => join(kit.tools, 'node_modules/deno/deno');

export default [
  ...['18', '20', '22', '24', '26'].map(node),
  {
    group: 'Runtimes', name: 'Bun', version: 'bun', set: 'runtimes',
    ways: { '`import`': process_(bun, [], 'main.mjs'), '`require`': process_(bun, [], 'main.cjs') },
  },
  {
    group: 'Runtimes', name: 'Deno', version: 'deno', set: 'runtimes',
    ways: { '`import`': process_(deno, ['run', '--allow-all', '--no-remote', '--node-modules-dir=manual'], 'main.mjs') },
  },
];
