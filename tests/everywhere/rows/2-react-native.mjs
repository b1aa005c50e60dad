// React Native: the package bundled by Metro, on Hermes, with React Native's own fetch, Headers, URL and AbortController.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { vectors } from '../../js/vectors.mjs';
import { onHermes } from '../hermes/shell.mjs';
import { PROVEN } from '../proof.js';

const root = join(import.meta.dirname, '../../..'), all = await vectors();
const text = (path) => readFile(join(root, path), 'utf8');

// The three functions of expo-secure-store. No shell has their native side.
const SECURE_STORE = `const kept = new Map();
export const getItemAsync = async (key) => kept.get(key) ?? null;
export const setItemAsync = async (key, value) => { kept.set(key, value); };
export const deleteItemAsync = async (key) => { kept.delete(key); };
`;

/** Makes the app's folder, and returns what bundles it by Metro for a platform, and returns the bundle's path. */
async function app(kit) {
  const files = ['index.js', 'react-native.js', 'build.cjs'].map(async (name) => [name, await text(`tests/everywhere/hermes/${name}`)]);
  const cwd = await kit.project({
    'package.json': '{ "private": true }', ...Object.fromEntries(await Promise.all(files)),
    'session.js': (await text('examples/react-native/session.js')).replace("'https://api.example.com/transak'", 'globalThis.given.base'),
    'node_modules/expo-secure-store/package.json': '{ "name": "expo-secure-store", "main": "index.js" }',
    'node_modules/expo-secure-store/index.js': SECURE_STORE,
  });
  const build = async (platform, profile) => {
    const out = join(cwd, `${platform}.${profile}.js`);
    const said = await kit.run(join(kit.tools, 'node_modules/node24/bin/node'), ['build.cjs', platform, profile, out], { cwd });
    assert.equal(said, '', 'Metro has nothing to say about it');
    return out;
  };
  const built = new Map();
  return (platform, profile) => {
    const name = `${platform} ${profile}`;
    if (!built.has(name)) built.set(name, build(platform, profile));
    return built.get(name);
  };
}

/** Runs some parts of the app on Hermes, whose shell is of the time before classes: Metro's default profile writes them as functions. */
async function ran(kit, bundled, platform, parts, { gateway, base, token }) {
  const given = { base, parts, token, second: await gateway.issue(), third: await gateway.issue(), vectors: all };
  return onHermes(kit, await readFile(await bundled(platform, 'default'), 'utf8'), given);
}

const everything = (platform) => async (kit, bundled) => {
  const world = await kit.world(), { base } = world;
  const { outcome, requests, logged } = await ran(kit, bundled, platform, ['found', 'verdicts', 'import', 'require', 'session', 'database', 'recipe', 'cookies'], world);
  const { verdicts, ...facts } = outcome;
  const session = { isKept: true, isStored: true, isFound: true, heard: ['refreshed', 'cleared'], gone: [null, 'ERR_INVALID_TOKEN', 'ERR_INVALID_TOKEN'] };
  assert.deepEqual(facts, { found: ['WeakRef'], import: PROVEN, require: PROVEN, session, database: session, recipe: 'true,true,ERR_INVALID_TOKEN,true' });
  assert.ok(all.length > 500);
  for (const [name, given] of Object.entries(verdicts)) assert.deepEqual(given, all.map(({ expect }) => expect), name);
  for (const { url, method, headers } of requests) {
    // `cache: 'no-store'` would put a parameter into the URL.
    assert.deepEqual([method, url, headers.map(([name]) => name)], ['GET', `${base}/api/v2/auth/refresh`, ['authorization']]);
  }
  // React Native treats 'same-origin' as 'include'.
  assert.deepEqual(requests.map(({ isWithCredentials }) => isWithCredentials), [...Array(6).fill(false), true, true]);
  assert.deepEqual(logged, []);
};

/** Compiles Metro's output with the current Hermes compiler, without running it. */
async function compiled(kit, bundled) {
  const bundle = await bundled('ios', 'hermes-stable'), bytecode = `${bundle}.hbc`;
  await kit.run(join(kit.tools, 'node_modules/hermes-compiler/hermesc/linux64-bin/hermesc'), ['-w', '-O', '-emit-binary', '-out', bytecode, bundle]);
  // With these eight bytes a file of bytecode begins.
  assert.equal((await readFile(bytecode)).readBigUInt64LE(), 0x1F1903C103BC1FC6n);
}

export default [{
  group: 'Runtimes', name: 'React Native', version: 'react-native', set: 'react-native', limitMs: 300_000, before: app,
  note: 'bundled by Metro and run on Hermes 0.12, with React Native\'s own `fetch`, `Headers`, `URL` and `AbortController`; npm has no newer Hermes to run, only its compiler',
  known: { 'the refusal of a redirect': 'Its `fetch` follows it, and its answer has no `redirected`. So none of your routes may redirect' },
  ways: {
    iOS: everything('ios'),
    Android: everything('android'),
    'bytecode by `hermes-compiler`': compiled,
    'failures are told apart': async (kit, bundled) => {
      const world = await kit.world();
      for (let count = 0; count < 2; count++) world.gateway.fail({ kind: 'hang' });
      const { outcome: { failures } } = await ran(kit, bundled, 'ios', ['failures'], world);
      assert.deepEqual(failures, { aborted: 'enough', 'no answer': 'ERR_TIMEOUT', 'no server': 'ERR_NETWORK', 'a backslash': 'ERR_INVALID_OPTION' });
    },
    'the refusal of a redirect': async (kit, bundled) => {
      const world = await kit.world();
      world.gateway.fail({ kind: 'redirect' });
      assert.equal((await ran(kit, bundled, 'ios', ['redirected'], world)).outcome.redirected, 'ERR_NETWORK');
    },
  },
}];
