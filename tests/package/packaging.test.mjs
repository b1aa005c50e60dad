// The package as npm has it: what is in it, how it is resolved, what it may not contain, and its other entries.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import test from 'node:test';
import { pathToFileURL } from 'node:url';
import { isDeepStrictEqual, promisify } from 'node:util';
import { createContext, runInContext } from 'node:vm';
import { createGateway } from 'transak-user-token/gateway';
import { openBrowser } from './browser.mjs';
import { vectors } from './vectors.mjs';

const folder = import.meta.dirname, shipped = join(folder, 'node_modules/transak-user-token');
const files = readdirSync(shipped, { recursive: true }).filter((name) => statSync(join(shipped, name)).isFile());
const read = (file) => readFileSync(join(shipped, file), 'latin1');
const scripts = files.filter((file) => /\.c?js$/.test(file));
const manifest = JSON.parse(read('package.json'));
const require = createRequire(import.meta.url);
const run = promisify(execFile);
/** Returns the path of a program of the repository's tools. */
const tool = (name, from = folder) => {
  const file = join(from, 'node_modules/.bin', name);
  return statSync(file, { throwIfNoEntry: false }) ? file : from === dirname(from) ? assert.fail(`there is no ${name}`) : tool(name, dirname(from));
};
/** Loads the CommonJS file of an entry, for runtimes that cannot require a module. */
const twin = (name) => require(join(shipped, manifest.exports[name.replace('transak-user-token', '.')].require.default));
const LOADS = [['import', (path) => import(path)], ['require', async (path) => require(path)], ['the CommonJS file', async (path) => twin(path)]];
const tarball = join(folder, readdirSync(folder).find((name) => name.endsWith('.tgz')));
const world = async (t) => {
  const gateway = createGateway({ allowedOrigins: 'any' }), { url, close } = await gateway.listen();
  t.after(close);
  return { gateway, baseUrl: url, token: await gateway.issue({ sub: 'someone' }) };
};

test('it consists of these files', () => {
  assert.deepEqual(files.sort(), readFileSync(join(folder, 'files.txt'), 'utf8').trim().split('\n').sort());
});

test('publint has nothing to say', async () => {
  const { stdout } = await run(tool('publint'), ['run', '--strict', tarball]);
  assert.match(stdout, /All good!/);
});

test('the types resolve as the code does', async () => {
  // A .wasm file has no types.
  await run(tool('attw'), [tarball, '--profile', 'node16', '--quiet', '--exclude-entrypoints', 'core.wasm', 'status.wasm', 'server.wasm']);
});

test('the other entries have types', async (t) => {
  const source = "import { tokenStatus, type TokenStatus } from 'transak-user-token/status'\nimport { refreshAccessToken } from 'transak-user-token/js'\n"
    + "const status: TokenStatus = tokenStatus('')\nconst token: Promise<{ accessToken: string }> = refreshAccessToken('')\nexport { status, token }\n";
  for (const ending of ['mts', 'cts']) {
    const file = join(folder, `entries.${ending}`);
    t.after(() => rmSync(file, { force: true }));
    writeFileSync(file, source);
    const { stdout } = await run(tool('tsc'), ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2022', '--lib', 'es2022,dom', file], { cwd: folder }).catch((thrown) => thrown);
    assert.equal(stdout, '');
  }
});

test('in every set of conditions `types` stands first, and the runtimes before the module systems', () => {
  const walk = (node, path) => {
    if (typeof node === 'string') return;
    const keys = Object.keys(node);
    if (keys.includes('types')) assert.equal(keys[0], 'types', path);
    const places = ['workerd', 'edge-light', 'react-native', 'module-sync', 'require', 'default'].filter((key) => keys.includes(key)).map((key) => keys.indexOf(key));
    assert.deepEqual(places, [...places].sort((a, b) => a - b), path);
    for (const [key, value] of Object.entries(node)) walk(value, `${path} ${key}`);
  };
  for (const [path, node] of Object.entries(manifest.exports)) walk(node, path);
  assert.deepEqual(Object.keys(manifest.exports['./status']), Object.keys(manifest.exports['.']));
});

test('every file that the manifest names is there', () => {
  const targets = (node) => (typeof node === 'string' ? [node] : Object.values(node).flatMap(targets));
  const { exports, main, module, types, unpkg, jsdelivr, bin, 'react-native': native } = manifest;
  const named = [...targets(exports), main, module, types, unpkg, jsdelivr, ...Object.entries(native).flat()].map((path) => path.slice(2)).concat(Object.values(bin));
  assert.deepEqual(named.filter((name) => !files.includes(name)), []);
});

test('nothing redirects a subpath of `exports` to a file that Metro warns of', () => {
  const redirected = Object.keys(manifest['react-native']).map((file) => file.replace(/\.c?js$/, ''));
  for (const file of redirected) assert.ok(!(file in manifest.exports), `${file} has a condition of its own`);
});

test('no file names a folder of the machine that made it', () => {
  for (const file of files) assert.doesNotMatch(read(file), /\/root\b|\/home\/|\.cargo\b|\.rustup\b|\/rustc\/|registry\/src/, file);
});

test('every script is ASCII, so it is the same in a page of any encoding', () => {
  for (const file of scripts) assert.ok(!/[^\0-\x7f]/.test(read(file)), file);
});

test('nothing in the scripts needs a plugin, a polyfill or a policy', () => {
  for (const file of scripts.filter((name) => !/^(gateway|bin)\b/.test(name))) {
    // One file imports another: the route has the main entry beside it.
    const text = read(file).replace(/require\("\.\/index\.cjs"\)/g, '');
    assert.doesNotMatch(text, /\bBuffer\b|import\.meta|new Function|\beval\(|\bnew URL\(|\brequire\(/, file);
  }
});

test('if the runtime can require a module, `import` and `require` have one copy of each entry', async () => {
  for (const [path, node] of Object.entries(manifest.exports).filter(([, node]) => node.require)) {
    assert.deepEqual(node['module-sync'], node.default, path);
    const name = `transak-user-token${path.slice(1)}`, modules = await import(name), required = require(name);
    for (const key of Object.keys(modules)) assert.equal(required[key] === modules[key], process.features.require_module === true, `${key} of ${name}`);
  }
});

test('in a Node that cannot require an ES module, the CommonJS file works beside the ES module', async () => {
  const modules = await import('transak-user-token'), common = twin('transak-user-token');
  assert.notEqual(modules.TransakTokenError, common.TransakTokenError);
  for (const { refreshAccessToken, TransakTokenError } of [modules, common]) {
    const error = await refreshAccessToken('x').catch((thrown) => thrown);
    assert.equal(error.code, 'ERR_INVALID_TOKEN');
    assert.ok(error instanceof TransakTokenError);
  }
  assert.deepEqual(Object.keys(common).sort(), Object.keys(modules).sort());
});

for (const [name, load] of LOADS) {
  test(`by ${name}, ./js does what the main entry does`, async (t) => {
    const main = await load('transak-user-token'), js = await load('transak-user-token/js'), { baseUrl, token } = await world(t);
    assert.deepEqual(Object.keys(js).sort(), Object.keys(main).sort());
    assert.deepEqual(js.tokenStatus(token, { now: 5 }), main.tokenStatus(token, { now: 5 }));
    const { accessToken } = await js.refreshAccessToken(token, { baseUrl });
    assert.equal(main.tokenStatus(accessToken).state, 'fresh');
  });

  test(`by ${name}, ./status has the check only`, async (t) => {
    const main = await load('transak-user-token'), status = await load('transak-user-token/status'), { token } = await world(t);
    assert.deepEqual(Object.keys(status).sort(), ['TransakTokenError', 'tokenStatus', 'tokenStatuses']);
    assert.deepEqual(status.tokenStatuses([token, 'x'], { now: 5 }), main.tokenStatuses([token, 'x'], { now: 5 }));
    assert.throws(() => status.tokenStatus(token, { now: 'x' }), { code: 'ERR_INVALID_OPTION' });
  });
}

for (const [name, load] of LOADS) {
  test(`by ${name}, ./server has the route, and the main entry's class of error`, async (t) => {
    const server = await load('transak-user-token/server'), { TransakTokenError } = await load('transak-user-token'), { baseUrl, token } = await world(t);
    assert.deepEqual(Object.keys(server).sort(), ['createRefreshHandler', 'keepFresh', 'toNodeListener']);
    assert.throws(() => server.createRefreshHandler({}), TransakTokenError);
    const handle = server.createRefreshHandler({ baseUrl, allowedOrigins: [], authorize: 'none', allowServerCalls: true });
    assert.equal((await handle(new Request('https://api.test/api/v2/auth/refresh', { headers: { authorization: token } }))).status, 200);
  });
}

test('./server ships nothing of the main entry a second time', () => {
  for (const file of files.filter((name) => /^server\..*\.?c?js$/.test(name))) {
    assert.match(read(file), new RegExp(`["']\\./index${file.slice('server'.length).replaceAll('.', '\\.')}["']`), file);
    assert.doesNotMatch(read(file), /extends Error/, file);
  }
});

const everyVector = await vectors(new URL('vectors.json', import.meta.url));
const differing = ({ tokenStatus }) => everyVector.flatMap(({ name, token, options, now, expect }) =>
  isDeepStrictEqual(tokenStatus(token, { ...options, now }), expect) ? [] : [name]);

for (const file of ['js.js', 'js.cjs', 'status.js', 'status.cjs', 'status-js.js', 'status-js.cjs', 'index.cjs']) {
  test(`${file} gives the answer of every vector`, async () => {
    assert.deepEqual(differing(file.endsWith('.cjs') ? require(join(shipped, file)) : await import(pathToFileURL(join(shipped, file)))), []);
  });
}

test('index.global.js gives the answer of every vector', () => {
  const context = createContext({ TextEncoder, TextDecoder, WebAssembly });
  runInContext(read('index.global.js'), context);
  const plain = ({ tokenStatus }) => ({ tokenStatus: (...given) => ({ ...tokenStatus(...given) }) });
  assert.deepEqual(differing(plain(runInContext('TransakUserToken', context))), []);
});

test('./js goes on when its memory has grown', async (t) => {
  const js = await import('transak-user-token/js'), { baseUrl, token } = await world(t);
  for (const length of [300_000, 3_000_000]) {
    const error = await js.refreshAccessToken(token, { baseUrl, retries: 0, fetch: async () => 5, headers: { 'x-long': 'x'.repeat(length) } }).catch((thrown) => thrown);
    assert.equal(error.code, 'ERR_BAD_RESPONSE');
    assert.deepEqual(differing(js), []);
  }
});

test('without WebAssembly, TextDecoder and TextEncoder ./js and ./status of React Native still check', async () => {
  const script = `for (const name of ['WebAssembly', 'TextDecoder', 'TextEncoder']) delete globalThis[name];
    const { tokenStatus } = require('transak-user-token'), status = require('transak-user-token/status');
    console.log(tokenStatus('Bearer \u00e9\ud83d\ude00\ud800').reason, status.tokenStatus('a.b.c').reason);`;
  const { stdout } = await run(process.execPath, ['-C', 'react-native', '-e', script], { cwd: folder });
  assert.equal(stdout.trim(), 'bearer_prefix bad_base64');
});

test('the wasm is decoded by the engine itself if it can, and by the package if not', async () => {
  const script = `let decoded = 0;
    if (process.argv[1] === 'native') Uint8Array.fromHex = (hex) => (decoded++, Uint8Array.from(hex.match(/../g), (digits) => parseInt(digits, 16)));
    else delete Uint8Array.fromHex;
    const { tokenStatus, refreshAccessToken } = require('transak-user-token');
    const { reason } = tokenStatus('a.b.c');
    refreshAccessToken('a.b.c', { environment: 'staging' }).catch((error) => console.log(reason, error.reason, decoded));`;
  for (const [how, decoded] of [['native', 2], ['plain', 0]]) {
    const { stdout } = await run(process.execPath, ['-e', script, how], { cwd: folder });
    assert.equal(stdout, `bad_base64 bad_base64 ${decoded}\n`);
  }
});

test('without WebAssembly the first call of the main entry says so, why, and what helps', async () => {
  const script = `delete globalThis.WebAssembly;
    const { tokenStatus, refreshAccessToken } = require('transak-user-token');
    try { tokenStatus('x') } catch ({ name, code, action, message, cause }) { console.log(name, code, action, message, cause.name, cause.message) }
    refreshAccessToken('x').catch(({ code, cause }) => console.log(code, cause.name));`;
  const { stdout } = await run(process.execPath, ['-e', script], { cwd: folder });
  assert.match(stdout, /^TransakTokenError ERR_WASM_UNAVAILABLE fix .*'wasm-unsafe-eval'.*transak-user-token\/js ReferenceError \nERR_WASM_UNAVAILABLE ReferenceError\n$/);
});

test('the error of a policy that forbids WebAssembly is the cause', async () => {
  const script = `WebAssembly.Module = class { constructor() { throw Object.assign(new WebAssembly.CompileError('blocked by CSP'), { code: 'EPOLICY' }) } };
    const { tokenStatus } = require('transak-user-token');
    try { tokenStatus('x') } catch (error) { console.log(error.code, JSON.stringify(error.cause), JSON.stringify(error.toJSON().cause)) }`;
  const { stdout } = await run(process.execPath, ['-e', script], { cwd: folder });
  assert.equal(stdout, 'ERR_WASM_UNAVAILABLE {"name":"CompileError","code":"EPOLICY"} {"name":"CompileError","code":"EPOLICY"}\n');
});

for (const [entry, missing] of [['', 'Float64Array'], ['/status', 'Float64Array'], ['/js', 'Float64Array'], ['/js', 'Float32Array']]) {
  test(`without ${missing}, as in a Compartment, transak-user-token${entry} says so`, async () => {
    const script = `delete globalThis.${missing};
      const { tokenStatus } = require('transak-user-token${entry}');
      try { tokenStatus('x') } catch ({ name, code, action, message, cause }) { console.log(name, code, action, message, cause.name) }`;
    const { stdout } = await run(process.execPath, ['-e', script], { cwd: folder });
    assert.match(stdout, /^TransakTokenError ERR_WASM_UNAVAILABLE fix Float32Array and Float64Array are missing here: .*endowments (Reference|Type)Error\n$/);
  });
}

test('the error of ./js does not recommend ./js', async () => {
  const script = `delete globalThis.Int8Array;
    const { tokenStatus } = require('transak-user-token/js');
    try { tokenStatus('x') } catch ({ code, message, cause }) { console.log(code, message.includes('/js'), message.includes('wasm-unsafe-eval'), cause.name) }`;
  const { stdout } = await run(process.execPath, ['-e', script], { cwd: folder });
  assert.equal(stdout, 'ERR_WASM_UNAVAILABLE false false ReferenceError\n');
});

test('without Headers a refresh and a session say that they need it', async () => {
  const script = `Object.defineProperty(globalThis, 'Headers', { value: undefined });
    const { refreshAccessToken, TokenSession } = require('transak-user-token'), fetch = async () => { throw new Error('asked') };
    const token = ['e30', btoa('{"exp":4000000000}').replace(/=/g, ''), 'c2ln'].join('.');
    try { new TokenSession(token, { environment: 'staging', fetch }) } catch ({ code, message }) { console.log(code, message) }
    refreshAccessToken(token, { fetch }).catch(({ code, message }) => console.log(code, message));`;
  const { stdout } = await run(process.execPath, ['-e', script], { cwd: folder });
  assert.equal(stdout, 'ERR_INVALID_OPTION an option is invalid: headers need the class Headers, which is missing\n'.repeat(2));
});

test('an import that is not used leaves at most 60 bytes', async () => {
  const { build } = await import('esbuild');
  const size = async (contents) => (await build({ stdin: { contents, resolveDir: folder }, bundle: true, minify: true, write: false, format: 'esm' })).outputFiles[0].contents.length;
  for (const path of ['', '/status', '/js']) {
    const stays = await size(`import { tokenStatus } from 'transak-user-token${path}'; console.log(1)`) - await size('console.log(1)');
    assert.ok(stays <= 60, `${stays} bytes of transak-user-token${path}`);
  }
});

test('the script for a page without modules works in Chromium', async (t) => {
  const { open } = await browser(t), { baseUrl, token } = await world(t);
  const page = await open();
  await page.addScriptTag({ url: '/node_modules/transak-user-token/index.global.js' });
  assert.equal(await page.evaluate((token) => TransakUserToken.tokenStatus(token).state, token), 'fresh');
  assert.equal(await page.evaluate(async (token, baseUrl) => typeof (await TransakUserToken.refreshAccessToken(token, { baseUrl })).accessToken, token, baseUrl), 'string');
});

const policies = [
  ["script-src 'self'", 'index.js', 'ERR_WASM_UNAVAILABLE'],
  ["script-src 'self'", 'js.js', 'fresh string'],
  ["script-src 'self' 'wasm-unsafe-eval'", 'index.js', 'fresh string'],
  ["script-src 'self' 'wasm-unsafe-eval'; require-trusted-types-for 'script'", 'index.js', 'fresh string'],
];
test('under a content security policy', async (t) => {
  const pages = Object.fromEntries(policies.map(([policy], index) => [
    `/${index}.html`, `<!doctype html><meta http-equiv="content-security-policy" content="${policy}"><script type="module" src="/policy.page.mjs"></script>`,
  ]));
  const { open } = await browser(t, { pages }), { baseUrl, token } = await world(t);
  for (const [index, [policy, file, outcome]] of policies.entries()) {
    await t.test(`${file} under ${policy}`, async () => {
      const page = await open(`/${index}.html#${encodeURIComponent(JSON.stringify([file, token, baseUrl]))}`);
      await page.waitForFunction(() => document.title !== '', { timeout: 15_000 });
      assert.equal(await page.title(), outcome);
    });
  }
});

async function browser(t, options) {
  const opened = await openBrowser(options);
  t.after(opened.close);
  return opened;
}
