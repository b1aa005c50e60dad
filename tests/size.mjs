// Prints what the package weighs, minified and compressed with brotli, and fails where a budget is exceeded.
// `make bench` weighs the packages that it compares with by the same function.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { brotliCompressSync } from 'node:zlib';

const read = (...path) => readFileSync(join(import.meta.dirname, '..', ...path));

/** Everything that is budgeted: `bytes` here, `figures` by `make bench`. */
export const budgets = JSON.parse(read('tests/budgets.json').toString());

/** @param {Uint8Array[]} files minified */
export const weight = (...files) => brotliCompressSync(Buffer.concat(files)).length;

/** The bytes of an entry of ours. */
export const weightOf = (name) => weight(...budgets.bytes[name].files.map((file) => read('pkg', file)));

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  for (const [name, { files, bytes, goal }] of Object.entries(budgets.bytes)) {
    const size = weightOf(name);
    console.log(`${name}: ${size} of ${bytes} bytes (${files.join(' + ')}, min + brotli${goal ? `; the goal is ${goal}` : ''})`);
    if (size > bytes) process.exitCode = 1;
  }
}
