// Assembles pkg/ from wasm-pack's output and the hand-written part beside this file, ready for `npm pack`.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

const root = join(import.meta.dirname, '..');
const template = join(root, 'pkg-template');
const output = join(root, 'target/wasm-pack');
const pkg = join(root, 'pkg');

/** What every bundle has in common. Syntax of 2020: what runs the wasm runs that. */
const common = { bundle: true, minify: true, platform: 'neutral', target: 'es2020', logLevel: 'warning', legalComments: 'none' };

/** What every engine since 2020 has, and no more; wasm2js can lower it. */
const features = ['bulk-memory', 'bulk-memory-opt', 'sign-ext', 'nontrapping-float-to-int', 'mutable-globals'];

/** @param {string} tool @param {string[]} args */
const binaryen = (tool, ...args) =>
  execFileSync(tool, [...features.map((feature) => `--enable-${feature}`), ...args], { stdio: ['ignore', 'pipe', 'inherit'] });

/**
 * Returns the wasm and its glue with short names between them: wasm-bindgen's carry hashes, which do not compress.
 */
function core() {
  const text = join(output, 'core_bg.wat'), wasm = join(output, 'core_bg.opt.wasm');
  binaryen('wasm-opt', '-Oz', '--converge', join(output, 'core_bg.wasm'), '-o', wasm);
  binaryen('wasm-dis', wasm, '-o', text);
  let module = readFileSync(text, 'utf8'), glue = readFileSync(join(output, 'core.js'), 'utf8');
  const names = [...module.matchAll(/^ \((?:import "[^"]+" "([^"]+)"|export "(_[^"]+|wasm_bindgen[^"]+)")/gm)].map(([, a, b]) => a ?? b);
  for (const [index, name] of names.entries()) {
    const short = `$${index.toString(36)}`;
    module = module.replaceAll(`"${name}"`, `"${short}"`);
    glue = glue.replace(new RegExp(`(?<![\\w$])${name.replaceAll('$', '\\$')}(?![\\w$])`, 'g'), () => short);
  }
  writeFileSync(text, module);
  binaryen('wasm-as', text, '-o', wasm);
  return { wasm: readFileSync(wasm), glue };
}

/**
 * Returns wasm-bindgen's glue as a function that can be called again: after a fault there is a new instance,
 * and the module-level variables of the glue belong to the old one.
 * @param {string} glue
 */
async function createGlue(glue) {
  const own = 'export { initSync, __wbg_init as default };';
  const contents = once(glue, own, 'export { __wbg_get_imports, __wbg_finalize_init };');
  const result = await build({
    ...common, minify: false, write: false, format: 'esm', external: ['*/error.js'], stdin: { contents, resolveDir: output },
  });
  const body = once(once(result.outputFiles[0].text, /^import \{ TransakTokenError \} from "[^"]*";$/m, ''), /^export \{$/m, 'return {');
  return `import { TransakTokenError } from './error.js';\nexport function createGlue() {\n${body}\n}`;
}

/** @param {string} text @param {string | RegExp} pattern @param {string} replacement */
function once(text, pattern, replacement) {
  const times = text.split(pattern).length - 1;
  if (times !== 1) throw new Error(`wasm-bindgen's glue has changed: ${pattern} is there ${times} times`);
  return text.replace(pattern, () => replacement);
}

/** Serves the generated modules to the bundler under the names that the hand-written ones import. */
async function generated() {
  const { wasm, glue } = core();
  const contents = { '#glue': await createGlue(glue), '#wasm-hex': `export default '${wasm.toString('hex')}'` };
  return {
    name: 'generated',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^#/ }, ({ path }) => path === '#module'
        ? { path: join(template, 'module.inline.js') }
        : { path, namespace: 'generated' });
      onLoad({ filter: /.*/, namespace: 'generated' }, ({ path }) => ({ contents: contents[path], resolveDir: join(root, 'src/js') }));
    },
  };
}

rmSync(pkg, { recursive: true, force: true });
mkdirSync(pkg);

const plugins = [await generated()];
for (const [format, ending] of [['esm', 'js'], ['cjs', 'cjs']]) {
  await build({ ...common, plugins, format, entryPoints: [join(template, 'index.js')], outfile: join(pkg, `index.${ending}`) });
}
await build({ ...common, minify: false, external: ['node:*'], format: 'cjs', entryPoints: [join(template, 'gateway.js')], outfile: join(pkg, 'gateway.cjs') });
copyFileSync(join(template, 'gateway.js'), join(pkg, 'gateway.js'));

for (const file of readdirSync(template).filter((name) => name.endsWith('.d.ts') && name !== 'generated.d.ts')) {
  copyFileSync(join(template, file), join(pkg, file));
  copyFileSync(join(template, file), join(pkg, file.replace('.d.ts', '.d.cts')));
}
for (const file of ['README.md', 'CHANGELOG.md', 'LICENSE-MIT', 'LICENSE-APACHE']) copyFileSync(join(root, file), join(pkg, file));

// The crate has the version and the description; npm has the rest.
const field = (name) => readFileSync(join(root, 'Cargo.toml'), 'utf8').match(new RegExp(`^${name} = "(.*)"$`, 'm'))[1];
const manifest = JSON.parse(readFileSync(join(template, 'package.json'), 'utf8'));
Object.assign(manifest, { version: field('version'), description: field('description') });
writeFileSync(join(pkg, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
