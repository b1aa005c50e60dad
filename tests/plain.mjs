// Lays out what a plain `wasm-pack build` gives as a package of its name, with the tests beside it. The exports are the
// build's own. Usage: node tests/plain.mjs web | nodejs | bundler
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

const root = join(import.meta.dirname, '..');
const target = process.argv[2];
const folder = join(root, 'target/plain', target);
const installed = join(folder, 'node_modules/transak-user-token');

/** How Node imports each: `web` is initialised by hand, since Node's fetch reads no files. */
const ENTRY = {
  web: ['web.mjs', `import { readFileSync } from 'node:fs';
import { initSync } from './plain.js';
initSync({ module: readFileSync(new URL('plain_bg.wasm', import.meta.url)) });
export * from './plain.js';
`],
  nodejs: ['plain.js'],
  bundler: ['plain.js'],
};
const [entry, text] = ENTRY[target];
if (text) writeFileSync(join(installed, entry), text);
writeFileSync(join(installed, 'package.json'), JSON.stringify({
  name: 'transak-user-token', exports: { '.': `./${entry}`, './gateway': './gateway.mjs' },
}));
await build({ bundle: true, platform: 'node', format: 'esm', entryPoints: [join(root, 'pkg-template/gateway.js')], outfile: join(installed, 'gateway.mjs') });

writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n');
const TESTS = [
  'vectors.test.mjs', 'exchange.test.mjs', 'exchange.cases.mjs', 'exchange.child.mjs', 'requests.test.mjs', 'arguments.test.mjs', 'options.test.mjs', 'browser.mjs', 'exports.mjs',
].map((file) => `tests/package/${file}`);
for (const file of [...TESTS, 'tests/vectors.json', 'tests/js/vectors.mjs']) copyFileSync(join(root, file), join(folder, file.split('/').at(-1)));
const wasm = new WebAssembly.Module(readFileSync(join(installed, 'plain_bg.wasm')));
const names = WebAssembly.Module.exports(wasm).map(({ name }) => [name, name]);
writeFileSync(join(folder, 'exports.json'), JSON.stringify({ core: Object.fromEntries(names), server: {} }));
