// Hardened realms, and a Node with fewer features: SES, LavaMoat, `--permission`, `--frozen-intrinsics`, `--jitless`.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { html } from '../harness.mjs';
import { KEPT } from '../keep.js';

const KEEP = "import { keep } from './keep.js';\n", GIVEN = '{ base: process.env.BASE, token: process.env.TOKEN, second: process.env.SECOND }';
const TELL = `console.log(await keep(api, ${GIVEN}));\n`;

const BEFORE = `import 'ses';\nlockdown();\nconst api = await import('transak-user-token'), { keep } = await import('./keep.js');\n${TELL}`;
const AFTER = `import * as api from 'transak-user-token';\nimport 'ses';\n${KEEP}api.tokenStatus('x');\nlockdown();\n${TELL}`;

// A Compartment has neither Float arrays nor a clock, unless it is given them.
const COMPARTMENT = `import 'ses';
import { readFileSync } from 'node:fs';
${KEEP}lockdown();
const text = readFileSync('node_modules/transak-user-token/index.global.js', 'utf8');
const evaluate = (globals) => new Compartment({ globals, __options__: true }).evaluate(text + ';TransakUserToken');
const globals = { Date, Math, Float32Array, Float64Array, WebAssembly, fetch, Headers, URL, setTimeout, clearTimeout };
const api = evaluate(process.env.WITHOUT ? { ...globals, [process.env.WITHOUT]: undefined } : globals);
if (process.env.WITHOUT) {
  try {
    api.tokenStatus('x');
  } catch ({ name, code, message }) {
    console.log(name, code, message);
  }
} else {
  ${TELL}}
`;

/** A folder with the package and these files, a gateway, and two of its tokens. */
async function prepared(kit, files) {
  const keep = await readFile(join(import.meta.dirname, '../keep.js'), 'utf8');
  const cwd = await kit.project({ ...files, 'keep.js': keep }), { gateway, base, token } = await kit.world(), second = await gateway.issue();
  return { cwd, gateway, base, token, second, env: { BASE: base, TOKEN: token, SECOND: second } };
}

/** Runs a script in Node, and returns what it prints. */
const printed = async (kit, script, { node = process.execPath, flags = [], more = {} } = {}) => {
  const { cwd, env } = await prepared(kit, { 'main.mjs': script });
  // All other lines are warnings of SES and of Node.
  return (await kit.run(node, ['--no-warnings', ...flags, 'main.mjs'], { cwd, env: { ...env, ...more } })).trim().split('\n').at(-1);
};
const keeps = (script, how) => async (kit) => assert.equal(await printed(kit, script, how), KEPT);

const SAYS = 'TransakTokenError ERR_WASM_UNAVAILABLE Float32Array and Float64Array are missing here: a Compartment needs both among its endowments';

const LAVAMOAT = `const LavaMoat = require('@lavamoat/webpack');
module.exports = { mode: 'production', entry: './main.js', output: { filename: 'main.js' }, plugins: [new LavaMoat({ generatePolicy: true, runChecks: true })] };
`;
const page = `import * as api from 'transak-user-token';
import { keep } from './keep.js';
const tell = (outcome) => { document.title = 'outcome: ' + outcome; };
keep(api, JSON.parse(decodeURIComponent(location.hash.slice(1)))).then(tell, (error) => tell(error.code + ': ' + error.message));
`;

/** Builds a page with a generated policy, unchanged, and opens it in Chromium. */
async function lavaMoat(kit, open) {
  const manifest = JSON.stringify({ name: 'app', private: true, version: '1.0.0', dependencies: { 'transak-user-token': '*' } });
  const { cwd, base, token, second } = await prepared(kit, {
    'package.json': manifest, 'main.js': page, 'webpack.config.cjs': LAVAMOAT, 'dist/index.html': html('lockdown').trim() + '<script src="main.js"></script>',
  });
  await kit.run(kit.tool('webpack'), [], { cwd });
  const { resources } = JSON.parse(await readFile(join(cwd, 'lavamoat/webpack/policy.json'), 'utf8'));
  for (const name of ['fetch', 'addEventListener', 'removeEventListener', 'navigator.locks.request']) {
    assert.equal(resources['transak-user-token'].globals[name], true, `the policy has ${name}`);
  }
  const outcome = await open(`${await kit.site(join(cwd, 'dist'))}/#${encodeURIComponent(JSON.stringify({ base, token, second }))}`);
  assert.equal(outcome, KEPT);
}

const MODULE = `import * as api from 'transak-user-token';\n${KEEP}${TELL}`;
const CHECK = `import { tokenStatus } from 'transak-user-token/js';
import * as main from 'transak-user-token';
try {
  main.tokenStatus('x');
} catch ({ code, cause }) {
  console.log(tokenStatus(process.env.TOKEN).state, code, cause.name);
}
`;
const DENIED = `import { refreshAccessToken } from 'transak-user-token';
const { code, outcomeUnknown, cause } = await refreshAccessToken(process.env.TOKEN, { baseUrl: process.env.BASE, retries: 0 }).catch((error) => error);
console.log(code, outcomeUnknown, cause.code);
`;

/** The same in each Node that has the flags. */
const inEach = (majors, prove) => Object.fromEntries(majors.map((major) =>
  [`Node ${major}`, (kit) => prove(kit, join(kit.tools, `node_modules/node${major}/bin/node`), major)]));
const permission = async (kit, node, major) => {
  const flags = [major < 22 ? '--experimental-permission' : '--permission', '--allow-fs-read=*'];
  assert.equal(await printed(kit, MODULE, { node, flags: major < 26 ? flags : [...flags, '--allow-net'] }), KEPT);
  if (major >= 26) assert.equal(await printed(kit, DENIED, { node, flags }), 'ERR_NETWORK false ERR_ACCESS_DENIED');
};

const row = (name, set, version, ways, more) => ({ group: 'Hardened', name, set, version, ways, ...more });
export default [
  row('SES', 'hardened', 'ses', {
    '`lockdown()` before the import': keeps(BEFORE), '`lockdown()` after the import and a check': keeps(AFTER), 'a Compartment with endowments': keeps(COMPARTMENT),
    'one clear error without Float arrays': async (kit) => assert.equal(await printed(kit, COMPARTMENT, { more: { WITHOUT: 'Float64Array' } }), SAYS),
  }, { note: 'a Compartment needs `Date`, `Math`, `Float32Array`, `Float64Array`, `WebAssembly`, `fetch`, `Headers`, `URL`, `setTimeout` and `clearTimeout`' }),
  row('@lavamoat/webpack', 'hardened', '@lavamoat/webpack', { 'a generated policy, in Chromium': lavaMoat }, {
    before: (kit) => kit.browser(), limitMs: 120_000, note: 'with `generatePolicy: true`, and nothing added by hand',
  }),
  row('Node with `--permission`', 'runtimes', undefined, inEach([20, 22, 24, 26], permission), { note: 'from Node 26 on with `--allow-net`' }),
  row('Node with `--frozen-intrinsics`', 'runtimes', undefined, inEach([20, 22, 24, 26], async (kit, node) =>
    assert.equal(await printed(kit, MODULE, { node, flags: ['--frozen-intrinsics'] }), KEPT))),
  row('Node with `--jitless`', 'runtimes', undefined, inEach([20, 22, 24, 26], async (kit, node) =>
    assert.equal(await printed(kit, CHECK, { node, flags: ['--jitless'] }), 'fresh ERR_WASM_UNAVAILABLE ReferenceError')), {
    note: "it has no WebAssembly: `transak-user-token/js` checks, and a refresh needs a `fetch` other than Node's, which is WebAssembly itself",
  }),
];
