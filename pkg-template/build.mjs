// Assembles pkg/ from wasm-pack's output and the hand-written part beside this file, ready for `npm pack`.
import { copyFileSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { build, transform } from 'esbuild';
import { minify } from 'terser';
import { generate } from './generate.mjs';

const root = join(import.meta.dirname, '..');
const template = join(root, 'pkg-template');
const pkg = join(root, 'pkg');

/** What every bundle has in common. Syntax of 2020: what runs the wasm runs that, but Chrome before 80. */
const common = { bundle: true, minify: true, platform: 'neutral', target: 'es2020', logLevel: 'warning', legalComments: 'none' };

/** Properties that nobody outside sees: a bundle has them, and what it calls of the wasm, under names of a letter or two. */
const PRIVATE = [
  'answer', 'ask', 'asked', 'attemptMs', 'bodyRoom', 'buffers', 'bytes', 'chance', 'core', 'decoder', 'deserted', 'encoder', 'endpoint',
  'errors', 'events', 'failure', 'fault', 'glue', 'hints', 'judged', 'judgingToleranceMs', 'kinds', 'laid', 'landed', 'monotonic',
  'most', 'numbers', 'patienceMs', 'repeats', 'retryAfter', 'sentWith', 'sessionRoom', 'setRunning', 'textRoom', 'texts', 'times', 'tokenRoom', 'toleranceMs',
  'totalMs', 'unguarded', 'waiting', 'wall', 'windowMs', 'words',
];

/**
 * The entries that need the wasm: the hand-written module, where the wasm comes from, for Workers and edge runtimes where else if so,
 * and the names of their files. One `beside` the main entry imports it, rather than have a copy of what is in it.
 */
const entries = [
  { name: 'index', from: 'index.js', output: 'wasm-pack', edge: 'wasm-pack-small', wasm: 'core.wasm', twin: 'js' },
  { name: 'status', from: 'checker.js', output: 'wasm-pack-status', wasm: 'status.wasm', twin: 'status-js' },
  { name: 'server', from: 'server.js', output: 'wasm-pack-server', wasm: 'server.wasm', beside: 'index' },
];

/** Short names in one order, whatever a bundle has most of: letters first that JavaScript's own words have most. 20 bytes less. */
const names = {
  reset() {}, consider() {}, sort() {},
  get(/** @type {number} */ index) {
    const letters = 'etnraoilscdufmhpgvbwyxk_$jqzETNRAOILSCDUFMHPGVBWYXKJQZ';
    let rest = Math.floor(index / letters.length), name = letters[index % letters.length];
    for (const others = `${letters}0123456789`; rest > 0; rest = Math.floor(rest / others.length)) name += others[--rest % others.length];
    return name;
  },
};

const declared = readFileSync(join(template, 'index.d.ts'), 'utf8').replace(/\/\*[^]*?\*\//g, '').match(/\w+/g);
const both = PRIVATE.filter((name) => declared.includes(name));
if (both.length) throw new Error(`declared, and yet to be renamed: ${both}`);

rmSync(pkg, { recursive: true, force: true });
mkdirSync(pkg);

for (const { name, from, output, edge, wasm, twin, beside } of entries) {
  const generated = await generate(join(root, 'target', output), { twin });
  const ofEdge = edge ? await generate(join(root, 'target', edge), { isSmall: true }) : generated;
  writeFileSync(join(pkg, wasm), ofEdge.wasm);
  // For the tests, which make the wasm trap.
  writeFileSync(join(root, 'target', output, 'exports.json'), `${JSON.stringify(generated.short)}\n`);
  const bundle = async (file, way, ending, generated) => {
    const { outputFiles: [{ text }] } = await build({
      ...common, format: 'esm', write: false, entryPoints: [join(template, from)],
      // Glue goes by names that it has from Rust.
      ...!generated.hasGlue && { mangleProps: new RegExp(`^(?:${[...PRIVATE, ...Object.keys(generated.short)].join('|')})$`), mangleCache: generated.short },
      plugins: [linked(generated, way, wasm, beside && `./${beside}${ending}`)],
    });
    // Once more, for some 500 bytes after brotli.
    const code = await small(text, { module: true });
    const used = Object.entries(generated.atEnd).filter(([name]) => code.includes(name)).map(([name, value]) => `var ${name}=${value};\n`).join('');
    const end = await small((await transform(used, { minify: true, target: common.target })).code);
    writeFileSync(join(pkg, `${file}${ending}`), `${code.replace(/(?=export\{[^}]*\};\s*$)/, () => end)}\n`);
  };
  await bundle(name, 'inline', '.js', generated);
  await bundle(name, 'workerd', '.workerd.js', ofEdge);
  await bundle(name, 'edge-light', '.edge-light.js', ofEdge);
  if (twin) await bundle(twin, 'js', '.js', generated);
  for (const file of [name, twin].filter(Boolean)) writeFileSync(join(pkg, `${file}.cjs`), commonJs(readFileSync(join(pkg, `${file}.js`), 'utf8')));
}
writeFileSync(join(pkg, 'index.global.js'), script(readFileSync(join(pkg, 'index.js'), 'utf8')));

/**
 * Minifies, to ASCII: a script then reads the same in a page of any encoding, and engines keep a character in one byte.
 * @param {string} text @param {object} [options]
 */
async function small(text, options) {
  const compress = { passes: 3, unsafe_arrows: true, hoist_props: true };
  return (await minify(text, { ...options, ecma: 2020, compress, mangle: { nth_identifier: names }, format: { ascii_only: true } })).code;
}

/** @param {string} module a bundle: a body, and what it exports at its end */
function parts(module) {
  const [, body, list] = module.match(/^([^]*)export\{([^}]*)\};\s*$/);
  const exports = list.split(',').map((item) => item.split(' as '));
  return { body, object: exports.map(([local, name = local]) => `${name}:${local}`), names: exports.map((item) => item.at(-1)) };
}

/** Returns a bundle as CommonJS, with the names of its exports where an `import` of CommonJS finds them. */
function commonJs(module) {
  const { body, object, names } = parts(module);
  const required = body.replace(/import\{([^}]*)\}from"(\.\/\w+)\.js";/g, (_, list, file) => `const{${list.replaceAll(' as ', ':')}}=require("${file}.cjs");`);
  return `"use strict";${required}module.exports={${object}};0&&(module.exports={${names}});\n`;
}

/** Returns a bundle as a script that makes one global. */
function script(module) {
  const { body, object } = parts(module);
  return `var TransakUserToken=(()=>{"use strict";${body}return{${object}}})();\n`;
}

/**
 * Serves the generated modules to the bundler under the names that the hand-written ones import.
 * @param {Record<string, unknown>} generated @param {string} way how the wasm comes @param {string} wasm its file
 * @param {string} [main] the file that is imported for what the main entry has
 */
function linked(generated, way, wasm, main) {
  const file = { workerd: `./${wasm}`, 'edge-light': `./${wasm}?module` }[way];
  const own = readdirSync(template).filter((name) => name.endsWith('.edge.js')).map((name) => name.replace('.edge', ''));
  return {
    name: 'generated',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^#/ }, ({ path }) => {
        if (path === '#module') return { path: join(template, `module.${way}.js`) };
        if (path === '#wasm') return { path: file, external: true };
        if (path === '#guard') return { path: join(template, generated.hasGlue ? 'guard.calling.js' : 'guard.js') };
        return { path, namespace: 'generated' };
      });
      // What stands in where a platform lacks something, these have.
      if (file) onResolve({ filter: new RegExp(`/(${own.join('|')})$`) }, ({ path }) => ({ path: join(template, basename(path).replace('.js', '.edge.js')) }));
      if (main) onResolve({ filter: /\/(index|error)\.js$/ }, ({ kind }) => kind === 'entry-point' ? undefined : { path: main, external: true });
      onLoad({ filter: /.*/, namespace: 'generated' }, ({ path }) => ({ contents: generated[path], resolveDir: join(root, 'src/js') }));
    },
  };
}

await build({ ...common, minify: false, external: ['node:*'], format: 'cjs', entryPoints: [join(template, 'gateway.js')], outfile: join(pkg, 'gateway.cjs') });
copyFileSync(join(template, 'gateway.js'), join(pkg, 'gateway.js'));

// Declarations for `import`, and the same for `require`.
for (const file of readdirSync(template).filter((name) => name.endsWith('.d.ts') && name !== 'generated.d.ts')) {
  const text = readFileSync(join(template, file), 'utf8');
  writeFileSync(join(pkg, file), text);
  writeFileSync(join(pkg, file.replace('.d.ts', '.d.cts')), text.replace(/(from '\.\/\w+)\.js'/g, "$1.cjs'"));
}
for (const file of ['CHANGELOG.md', 'LICENSE-MIT', 'LICENSE-APACHE']) copyFileSync(join(root, file), join(pkg, file));
// The chart is the repository's alone.
writeFileSync(join(pkg, 'README.md'), readFileSync(join(root, 'README.md'), 'utf8').replace(/^!\[.*\n\n/gm, ''));

// The crate has the version and the description; npm has the rest.
const field = (name) => readFileSync(join(root, 'Cargo.toml'), 'utf8').match(new RegExp(`^${name} = "(.*)"$`, 'm'))[1];
const manifest = JSON.parse(readFileSync(join(template, 'package.json'), 'utf8'));
Object.assign(manifest, { version: field('version'), description: field('description') });
writeFileSync(join(pkg, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
