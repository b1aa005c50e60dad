// Bundlers: the default configuration, a production build, its output in Chromium.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { app, html } from '../harness.mjs';

const before = (kit) => kit.browser();

/** Builds a project by a command and opens `dist/` in Chromium. */
const built = (tool, args, files) => async (kit, open) => {
  const folder = await kit.project({ 'src/index.js': app().replace('./proof', '../proof'), 'dist/index.html': html('main.js'), ...files });
  const { hash, proven } = await kit.world();
  await kit.run(kit.tool(tool), args, { cwd: folder });
  proven(await open(`${await kit.site(join(folder, 'dist'))}/${hash}`));
};

/** An import that is not used leaves at most 60 bytes. */
const dropped = (tool, args) => async (kit) => {
  const sizes = [];
  for (const text of ["import { tokenStatus } from 'transak-user-token';\nconsole.log(1);\n", 'console.log(1);\n']) {
    const folder = await kit.project({ 'src/index.js': text });
    await kit.run(kit.tool(tool), args, { cwd: folder });
    sizes.push((await readFile(join(folder, 'dist/main.js'))).length);
  }
  assert.ok(sizes[0] - sizes[1] <= 60, `${sizes[0] - sizes[1]} bytes stay of an unused import`);
};

const page = { 'index.html': html('./src/index.js', 'type="module"') };
const vite = async (kit, open) => {
  const folder = await kit.project({ 'src/index.js': app().replace('./proof', '../proof'), ...page });
  const { hash, proven } = await kit.world(), url = `http://127.0.0.1:${await kit.port()}/`;
  await kit.serve(kit.tool('vite'), ['--host', '127.0.0.1', '--strictPort', '--port', new URL(url).port], url, { cwd: folder });
  proven(await open(url + hash));
};

const tools = {
  esbuild: ['esbuild', ['src/index.js', '--bundle', '--minify', '--format=esm', '--outfile=dist/main.js']],
  rollup: ['rollup', ['src/index.js', '-p', '@rollup/plugin-node-resolve', '-f', 'iife', '-o', 'dist/main.js', '--silent']],
  webpack: ['webpack', ['--mode', 'production']],
  rspack: ['rspack', ['build', '--mode', 'production']],
};
const row = (name, version, ways, more) => ({ group: 'Bundlers', name, version, set: 'bundlers', before, ways, ...more });

export default [
  row('Vite', 'vite', { build: built('vite', ['build'], page), 'development server': vite }),
  row('webpack', 'webpack', { build: built(...tools.webpack), 'an unused import is removed': dropped(...tools.webpack) }),
  row('Rspack', '@rspack/core', { build: built(...tools.rspack) }),
  row('Rollup', 'rollup', { build: built(...tools.rollup), 'an unused import is removed': dropped(...tools.rollup) }, { note: 'with @rollup/plugin-node-resolve, as every package needs it' }),
  row('esbuild', 'esbuild', { build: built(...tools.esbuild), 'an unused import is removed': dropped(...tools.esbuild) }),
  row('Parcel', 'parcel', { build: built('parcel', ['build', 'index.html', '--no-cache', '--public-url', './'], page) }, { set: 'parcel', limitMs: 120_000 }),
];
