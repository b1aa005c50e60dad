// Prints what the package weighs as a user's bundler makes it, and fails if a budget is exceeded. `make bench` weighs the
// packages that it compares with by the same function.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { brotliCompressSync } from 'node:zlib';
import { build } from 'esbuild';

const root = join(import.meta.dirname, '..');

/** Everything that is budgeted: `bytes` here, `figures` by `make bench`. */
export const budgets = JSON.parse(readFileSync(join(root, 'tests/budgets.json'), 'utf8'));

/** Returns the bytes of a module with all that it exports: bundled, minified, and compressed with brotli. */
export async function weight(module, resolveDir, beside = []) {
  const bundled = (contents, logLevel) => build({
    stdin: { contents, resolveDir }, bundle: true, minify: true, format: 'esm', platform: 'browser', legalComments: 'none',
    external: ['*.wasm', '*.wasm?module'], write: false, logLevel,
  });
  const named = `export * from '${module}'`;
  // Some packages export nothing but a default.
  const { outputFiles: [{ contents }] } = await bundled(`${named}; export { default } from '${module}'`, 'silent').catch(() => bundled(named, 'error'));
  return brotliCompressSync(Buffer.concat([contents, ...beside.map((file) => readFileSync(join(resolveDir, file)))])).length;
}

/** Returns the bytes of an entry of ours: of a file, and of the wasm beside it. */
export const weightOf = ([file, ...beside]) => weight(`./${file}`, join(root, 'pkg'), beside);

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  for (const [name, { files, bytes }] of Object.entries(budgets.bytes)) {
    const size = await weightOf(files);
    console.log(`${name}: ${size} of ${bytes} bytes (${files.join(' + ')}, bundled, minified, brotli)`);
    if (size > bytes) process.exitCode = 1;
  }
}
