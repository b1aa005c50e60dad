// The one place that touches what wasm-pack generated: the wasm's names and wasm-bindgen's glue. Each step fails if the
// output of wasm-bindgen or binaryen has changed.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

/** What every engine since October 2021 has, as of Chrome 75, Firefox 79 and Safari 15.1. */
const FEATURES = ['bulk-memory', 'bulk-memory-opt', 'sign-ext', 'nontrapping-float-to-int', 'mutable-globals'];

/** What wasm2js does not know, and the passes that express it in other instructions. */
const LOWERING = ['--llvm-memory-copy-fill-lowering', '--llvm-nontrapping-fptoint-lowering', '--signext-lowering'];

/** Without what only tools read. */
const LEAN = ['-Oz', '--strip-producers', '--strip-target-features'];

const binaryen = (...args) => execFileSync('wasm-opt', [...FEATURES.map((name) => `--enable-${name}`), ...args], { encoding: 'utf8' });

/** Returns a wasm that has no glue, without what only tools read. @param {string} folder wasm-pack's output */
export function withoutGlue(folder) {
  const wasm = `${folder}.wasm`;
  binaryen(...LEAN, join(folder, 'core_bg.wasm'), '-o', wasm);
  return wasm;
}

/**
 * Shortens the names between the wasm and its glue, which carry hashes that do not compress.
 * @param {string} folder wasm-pack's output
 */
export function minifyNames(folder) {
  const wasm = `${folder}.wasm`;
  const printed = binaryen(...LEAN, '--minify-imports-and-exports-and-modules', join(folder, 'core_bg.wasm'), '-o', wasm);
  const { imports, exports } = JSON.parse(printed);
  /** @type {Record<string, string>} */
  const exported = Object.fromEntries(exports.map(([name, short]) => [name, short]));
  return { wasm, imports: imports.map(([, name, short]) => [name, short]), exports: exported };
}

/**
 * Returns wasm-bindgen's glue as a module that exports `createGlue()`. Its variables belong to one instance of the wasm, so
 * that after a trap the loader calls it again for a new one.
 * @param {string} folder wasm-pack's output
 * @param {ReturnType<typeof minifyNames>} names
 * @param {string[]} check exports that the package calls past the glue @param {string[]} plain exports that it has no use for
 */
export async function glueModule(folder, names, check, plain) {
  let text = readFileSync(join(folder, 'core.js'), 'utf8');
  text = replace(text, 'export { initSync, __wbg_init as default };', 'export { __wbg_get_imports, __wbg_finalize_init };');
  text = replace(text, "if (!('encodeInto' in cachedTextEncoder)) {", 'if (false) {');
  if (text.includes('CLOSURE_DTORS')) {
    // The closures belong to promises that all settle. A registry costs more than the promise, and Hermes has none.
    text = replace(text, /^const CLOSURE_DTORS = [^;]*;$/m, 'const CLOSURE_DTORS = { register() {}, unregister() {} };');
  }
  for (const name of ['TransakTokenError', ...check, ...plain]) text = text.replace(new RegExp(`^export (function ${name}\\(|\\{ ${name} \\})`, 'm'), (_, what) => what[0] === '{' ? '' : what);
  // A view is old if the memory has another buffer now: in plain JavaScript, a memory that grew does not detach the old one.
  text = text.replace(/^( *if \((\w+) === null \|\| )[^\n]*(\) \{)$/gm, '$1$2.buffer !== wasm.memory.buffer$3');
  // Without what the package does not use.
  const { outputFiles: [{ text: shaken }] } = await build({
    bundle: true, write: false, format: 'esm', platform: 'neutral', target: 'es2020', logLevel: 'warning',
    external: ['./snippets/*'], stdin: { contents: text, resolveDir: folder },
  });
  const { imports, body } = hoisted(renamed(shaken, names));
  return `${imports}
import { textDecoder, textEncoder } from './platform/text.js';
export const exportNames = ${JSON.stringify(Object.fromEntries(check.map((name) => [name, names.exports[name]])))};
export const callbacks = ${JSON.stringify(Object.keys(names.exports).filter((name) => /^wasm_bindgen_|destroy_closure/.test(name)).map((name) => names.exports[name]))};
export function createGlue() {
// Promises stay promises under a test's fake timers.
const queueMicrotask = (task) => { Promise.resolve().then(task); };
const TextEncoder = textEncoder(), TextDecoder = textDecoder();
${body}
}`;
}

/** Replaces the names of the wasm's exports and imports in the glue by the short ones. */
function renamed(/** @type {string} */ text, /** @type {ReturnType<typeof minifyNames>} */ { imports, exports }) {
  text = text.replace(/\bwasm\.(\w+)/g, (_, name) => `wasm.${exports[name] ?? fail(`wasm.${name} is not exported`)}`);
  for (const [name, short] of imports) text = replace(text, `    ${name}: function(`, `    ${short}: function(`);
  return replace(text, '"./core_bg.js": import0', 'a: import0');
}

/** Takes the imports of a bundle apart from its body, which returns what it exported. */
function hoisted(/** @type {string} */ text) {
  /** @type {string[]} */
  const imports = [];
  const body = text.replace(/^import \{([^}]*)\} from "\.\/snippets\/[^/]*\/(src\/js\/[\w/]+\.js)";$/gm, (_, list, file) => {
    imports.push(`import {${list}} from '../${file}';`);
    return '';
  });
  return { imports: imports.join('\n'), body: replace(body, /^export \{$/m, 'return {') };
}

/**
 * Returns the wasm as a module that exports `instantiate(imports)` in plain JavaScript, for runtimes without WebAssembly.
 * @param {string} wasm
 */
export function asmModule(wasm) {
  const lowered = wasm.replace(/\.wasm$/, '.lowered.wasm'), output = `${wasm}.js`;
  binaryen(...LOWERING, '-Oz', wasm, '-o', lowered);
  execFileSync('wasm2js', [lowered, '-Oz', '-o', output], { stdio: ['ignore', 'ignore', 'inherit'] });
  let text = readFileSync(output, 'utf8');
  text = text.replace(/^import .*$/gm, '');
  text = text.replace(/^var retasmFunc = [^]*$/m, '');
  return `export function instantiate({ a }) {\n${text}\nreturn asmFunc({ a });\n}`;
}

/** @param {string} text @param {string | RegExp} pattern @param {string} replacement */
function replace(text, pattern, replacement) {
  const times = text.split(pattern).length - 1;
  return times === 1 ? text.replace(pattern, () => replacement) : fail(`${pattern} is there ${times} times`);
}

/** @returns {never} */
function fail(/** @type {string} */ what) {
  throw new Error(`the output of wasm-bindgen or binaryen has changed: ${what}`);
}
