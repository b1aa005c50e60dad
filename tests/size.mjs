// Prints what the package weighs, minified and compressed with brotli, and fails where a budget is exceeded.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync } from 'node:zlib';

const read = (...path) => readFileSync(join(import.meta.dirname, '..', ...path));
const budgets = JSON.parse(read('tests/budgets.json').toString());
for (const [name, { files, bytes, goal }] of Object.entries(budgets)) {
  const size = brotliCompressSync(Buffer.concat(files.map((file) => read('pkg', file)))).length;
  console.log(`${name}: ${size} of ${bytes} bytes (${files.join(' + ')}, min + brotli${goal ? `; the goal is ${goal}` : ''})`);
  if (size > bytes) process.exitCode = 1;
}
