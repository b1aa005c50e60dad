// Assembles pkg/, ready for `npm pack`: wasm-pack's output and the modules of pkg-template/ in one file for each entry.
import { chmodSync, copyFileSync, cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { build } from 'esbuild';
import { asmModule, glueModule, minifyNames, withoutGlue } from './glue.mjs';

const root = join(import.meta.dirname, '..');
const template = join(root, 'pkg-template');
const pkg = join(root, 'pkg');
const cargo = readFileSync(join(root, 'Cargo.toml'), 'utf8');
/** A field of the crate's manifest. */
const field = (name) => cargo.match(new RegExp(`^${name} = "(.*)"$`, 'm'))[1];

/** What src/js/check.rs exports, and pkg-template/check.ts calls past the glue. */
const CHECK = ['memory', 'layout', 'checkToken', 'wrongOption', 'isSpace'];

/** What a plain build of the crate exports for its users, and the package has from check.ts. */
const PLAIN = ['tokenStatus', 'tokenStatuses'];

rmSync(pkg, { recursive: true, force: true });
mkdirSync(pkg);

const [core, server, status] = await Promise.all(['core', 'server', 'status'].map(async (name) => {
  const folder = join(root, 'target/wasm', name);
  if (name === 'status') return { wasm: withoutGlue(folder), glue: '' };
  const names = minifyNames(folder), glue = await glueModule(folder, names, CHECK, PLAIN);
  // For the tests, which make the wasm trap.
  writeFileSync(join(folder, 'exports.json'), `${JSON.stringify(names.exports)}\n`);
  return { wasm: names.wasm, glue };
}));

/** How the wasm gets into an entry: each a module that exports `instantiate(imports)`. */
const ways = {
  inline: ({ wasm }) => `import { bytesOf } from './bytes.js';
    let module;
    export const instantiate = (imports) => new WebAssembly.Instance(module ??= new WebAssembly.Module(bytesOf('${readFileSync(wasm, 'hex')}')), imports).exports;`,
  js: ({ wasm }) => asmModule(wasm),
  // Cloudflare's Workers may not compile bytes: the module is compiled already.
  workerd: (_, file) => `import module from './${file}';
    export const instantiate = (imports) => new WebAssembly.Instance(module, imports).exports;`,
  // Vercel's edge runtime compiles it in advance, too, in another realm with another class Module.
  'edge-light': (_, file) => `import module from './${file}?module';
    export const instantiate = (imports) => new WebAssembly.Instance(Object.setPrototypeOf(module, WebAssembly.Module.prototype), imports).exports;`,
};

/** The entries: the name of the file and of the module, the build of the crate, and the build of the check if it is another one. */
for (const [name, from, crate, check] of [
  ['index', 'index', core, status], ['status', 'status', status, status], ['server', 'server', server, undefined],
]) {
  const file = `${name === 'index' ? 'core' : name}.wasm`;
  copyFileSync(crate.wasm, join(pkg, file));
  const modules = (way, checked = check) => ({
    '#glue': crate.glue,
    '#core': crate.glue && ways[way](crate, file),
    '#check-wasm': status && ways[way](status, file),
    // Node 18 has no global crypto. Bundlers for other platforms take an import that may fail for what it is.
    '#crypto': `export const nodeCrypto = async () => { ${way === 'inline' ? "try { return (await import('node:crypto')).webcrypto; } catch {}" : ''} };`,
    '#check': `export * from './check.${checked === crate && crate.glue ? 'core' : 'own'}.js';`,
  });
  const bundle = (output, way, options, checked) => build({
    bundle: true, minify: true, platform: 'neutral', target: 'es2020', format: 'esm', charset: 'ascii', logLevel: 'warning', legalComments: 'none',
    entryPoints: [join(template, from)], outfile: join(pkg, output), plugins: [generated(modules(way, checked), name === 'server' && output)],
    external: ['*.wasm', '*.wasm?module', 'node:crypto'], define: { IS_PLAIN: String(way === 'js') }, ...options,
  });
  const commonJs = { format: 'cjs', platform: 'node' };
  const shared = crate.glue ? crate : undefined;
  await bundle(`${name}.js`, 'inline');
  await bundle(`${name}.cjs`, 'inline', commonJs);
  await bundle(`${name}.workerd.js`, 'workerd', {}, shared);
  await bundle(`${name}.edge-light.js`, 'edge-light', {}, shared);
  if (name === 'server') continue;
  const withoutWasm = name === 'index' ? 'js' : 'status-js';
  await bundle(`${withoutWasm}.js`, 'js', {}, shared);
  await bundle(`${withoutWasm}.cjs`, 'js', commonJs, shared);
  if (name === 'index') await bundle('index.global.js', 'inline', { format: 'iife', globalName: 'TransakUserToken' });
}

/**
 * Serves the generated modules to the bundler. The server's bundle imports what the main entry has, rather than have a copy.
 * @param {Record<string, string>} modules @param {string | false} server the file of a server's bundle
 */
function generated(modules, server) {
  return {
    name: 'generated',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^#/ }, ({ path }) => ({ path, namespace: 'generated' }));
      onLoad({ filter: /.*/, namespace: 'generated' }, ({ path }) => ({ contents: modules[path], resolveDir: template }));
      if (server) onResolve({ filter: /\/(index|error)\.js$/ }, () => ({ path: `./index${server.slice('server'.length)}`, external: true }));
    },
  };
}

// Not minified: users read it when a test of theirs fails.
for (const [output, format] of [['gateway.js', 'esm'], ['gateway.cjs', 'cjs']]) {
  await build({
    bundle: true, platform: 'node', target: 'es2020', format, logLevel: 'warning', entryPoints: [join(template, 'gateway.js')], outfile: join(pkg, output),
  });
}

for (const [output, options] of [['storage.js', { format: 'esm' }], ['storage.cjs', { format: 'cjs', platform: 'node' }]]) {
  await build({
    bundle: true, minify: true, platform: 'neutral', target: 'es2020', charset: 'ascii', logLevel: 'warning', legalComments: 'none',
    entryPoints: [join(template, 'storage.ts')], outfile: join(pkg, output), ...options,
  });
}

// The command line runs what is beside it.
await build({
  bundle: true, minify: true, platform: 'node', target: 'node18', format: 'esm', charset: 'ascii', logLevel: 'warning', legalComments: 'none',
  entryPoints: [join(template, 'bin.ts')], outfile: join(pkg, 'bin.js'), define: { VERSION: JSON.stringify(field('version')) },
  banner: { js: '#!/usr/bin/env node' },
  plugins: [{ name: 'beside', setup: ({ onResolve }) => onResolve({ filter: /^\.\.?\/(index|gateway)\.js$/ }, ({ path }) => ({ path: `./${basename(path)}`, external: true })) }],
});
chmodSync(join(pkg, 'bin.js'), 0o755);

// Declarations for `import`, and the same for `require`.
for (const file of readdirSync(join(template, 'types'))) {
  const text = readFileSync(join(template, 'types', file), 'utf8');
  writeFileSync(join(pkg, file), text);
  writeFileSync(join(pkg, file.replace('.d.ts', '.d.cts')), text.replace(/(from '\.\/\w+)\.js'/g, "$1.cjs'"));
}
for (const file of ['README.md', 'CHANGELOG.md', 'LICENSE-MIT', 'LICENSE-APACHE', 'THIRD-PARTY-NOTICES.md']) copyFileSync(join(root, file), join(pkg, file));
// What the README links to.
for (const path of ['docs/environments.md', 'docs/sessions.md', 'docs/recipes']) cpSync(join(root, path), join(pkg, path), { recursive: true });

// The crate has the version and the description; npm has the rest.
const manifest = JSON.parse(readFileSync(join(template, 'package.json'), 'utf8'));
Object.assign(manifest, { version: field('version'), description: field('description') });
writeFileSync(join(pkg, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
