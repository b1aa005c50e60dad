// Assembles pkg/ from wasm-pack's output and the hand-written part beside this file, ready for `npm pack`.
import { copyFileSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

const root = join(import.meta.dirname, '..');
const template = join(root, 'pkg-template');
const core = join(root, 'target/wasm-pack');
const pkg = join(root, 'pkg');

/** What every bundle has in common. Syntax of 2020: what runs the wasm runs that. */
const common = { bundle: true, minify: true, platform: 'neutral', target: 'es2020', logLevel: 'warning', legalComments: 'none' };

/**
 * Returns wasm-bindgen's glue as a function that can be called again: after a fault there is a new instance,
 * and the module-level variables of the glue belong to the old one.
 */
async function glue() {
  const result = await build({
    ...common, minify: false, write: false, format: 'esm', external: ['*/error.js'],
    stdin: { contents: "export * from './core.js';", resolveDir: core },
  });
  const text = result.outputFiles[0].text;
  const once = (pattern, replacement) => (body) => {
    const parts = body.split(pattern);
    if (parts.length !== 2) throw new Error(`wasm-bindgen's glue has changed: ${pattern} is there ${parts.length - 1} times`);
    return body.replace(pattern, replacement);
  };
  const body = [
    once(/^import \{ TransakTokenError \} from "[^"]*";$/m, ''),
    once('wasm = instance.exports;', 'wasm = guarded(instance.exports);'),
    once(/^export \{$/m, 'return {'),
  ].reduce((body, change) => change(body), text);
  return `import { TransakTokenError } from './error.js';\nexport function createGlue(guarded) {\n${body}\n}`;
}

/** Serves the generated modules to the bundler under the names that the hand-written ones import. */
async function generated() {
  const contents = {
    '#glue': await glue(),
    '#wasm-hex': `export default '${readFileSync(join(core, 'core_bg.wasm')).toString('hex')}'`,
  };
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

for (const file of readdirSync(template).filter((name) => name.endsWith('.d.ts'))) {
  copyFileSync(join(template, file), join(pkg, file));
  copyFileSync(join(template, file), join(pkg, file.replace('.d.ts', '.d.cts')));
}
for (const file of ['README.md', 'CHANGELOG.md', 'LICENSE-MIT', 'LICENSE-APACHE']) copyFileSync(join(root, file), join(pkg, file));

// The crate has the version and the description; npm has the rest.
const field = (name) => readFileSync(join(root, 'Cargo.toml'), 'utf8').match(new RegExp(`^${name} = "(.*)"$`, 'm'))[1];
const manifest = JSON.parse(readFileSync(join(template, 'package.json'), 'utf8'));
Object.assign(manifest, { version: field('version'), description: field('description') });
writeFileSync(join(pkg, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
