// Makes modules of wasm-pack's output: the wasm made smaller, its glue as a function, and its twin in plain JavaScript.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { FIRST, halves, inOrderOfCalls, segments } from './halves.mjs';

/** What every engine since October 2021 has, as of Chrome 75, Firefox 79 and Safari 15.1, and no more; wasm2js can lower it. */
const FEATURES = ['bulk-memory', 'bulk-memory-opt', 'sign-ext', 'nontrapping-float-to-int', 'mutable-globals'];

/** What wasm2js does not know, and the passes that say it in other words. */
const LOWERING = ['--llvm-memory-copy-fill-lowering', '--llvm-nontrapping-fptoint-lowering', '--signext-lowering'];

/** Puts together anew what there is of blocks and loops: 90 bytes less. */
const REBUILDING = ['--flatten', '--rereloop', '-Oz'];

/** Where nothing of JavaScript's is imported, numbers alone go in and come out: the exports are called as they are. */
const NO_GLUE = 'export const createGlue = undefined;';

/** Tells whether a module imports something of JavaScript's, and so has a glue. */
const hasImports = (/** @type {string} */ module) => /^ \(import /m.test(module);

/** @param {string} tool @param {string[]} args */
const binaryen = (tool, ...args) =>
  execFileSync(tool, [...FEATURES.map((feature) => `--enable-${feature}`), ...args], { stdio: ['ignore', 'pipe', 'inherit'] });

/**
 * Returns the wasm of a folder of wasm-pack's, and by the names under which the hand-written modules import them
 * the modules that come of it.
 * @param {string} output @param {{ twin?: unknown, isSmall?: boolean }} wanted whether its twin in JavaScript is, and whether bytes
 * count for more than time
 */
export async function generate(output, { twin, isSmall }) {
  const { wasm, glue: plain, file, text, short } = core(output, isSmall ? REBUILDING : []);
  const { first, rest, data } = halves(text, short), glue = hasImports(text) && readingOnce(plain, ...extentOfData(text));
  // At the end of a bundle, so that what would be above and below is not far from each other: brotli has 90 bytes less of it then.
  const atEnd = {
    $rest: JSON.stringify(letters(assembled(rest, join(output, 'rest.wasm')))),
    $first: JSON.stringify(letters(assembled(first, join(output, 'first.wasm')))),
    ...twin && { $twin: asJs(file, join(output, 'twin.js')) },
  };
  return {
    wasm, atEnd,
    '#wasm-text': `export const decoder = ${JSON.stringify(decoder(output))}, first = () => $first, rest = () => $rest, data = ${JSON.stringify(data)};`,
    '#wasm-as-js': 'export const instantiate = () => $twin();',
    '#glue': glue ? await createGlue(output, glue) : NO_GLUE,
    hasGlue: !!glue, short,
  };
}

/**
 * Returns the wasm and its glue with short names between them: wasm-bindgen's carry hashes, which do not compress. Where there
 * is no glue, also those that the bundler is to write short in what is hand-written.
 * @param {string} output @param {string[]} passes what is done to it first
 */
function core(output, passes) {
  const text = join(output, 'core_bg.wat'), file = join(output, 'core_bg.opt.wasm');
  // The lowest addresses are the stack's end: nothing that is addressed with an offset begins there.
  binaryen('wasm-opt', ...passes, '-Oz', '--converge', '--low-memory-unused', join(output, 'core_bg.wasm'), '-o', file);
  binaryen('wasm-dis', file, '-o', text);
  let module = inOrderOfCalls(withoutMarks(readFileSync(text, 'utf8'))), glue = readFileSync(join(output, 'core.js'), 'utf8');
  const names = [...module.matchAll(/^ \((?:import "[^"]+" "([^"]+)"|export "(_[^"]+|wasm_bindgen[^"]+)")/gm)].map(([, a, b]) => a ?? b);
  for (const [index, name] of names.entries()) {
    const short = `$${index.toString(36)}`;
    module = module.replaceAll(`"${name}"`, `"${short}"`);
    glue = glue.replace(new RegExp(`(?<![\\w$])${name.replaceAll('$', '\\$')}(?![\\w$])`, 'g'), () => short);
  }
  // Each import names the module it is from, too.
  module = module.replaceAll('"./core_bg.js"', '"$"');
  glue = once(glue, '"./core_bg.js"', '"$"');
  /** @type {Record<string, string>} */
  const short = {};
  if (!hasImports(module)) {
    module = module.replace(/^ \(export "(\w+)" \(func /gm, (field, name) => {
      short[name] = String.fromCharCode(65 + Object.keys(short).length);
      return field.replace(name, () => short[name]);
    });
  }
  return { wasm: assembled(module, file), glue, file, text: module, short };
}

/**
 * Returns a module that imports nothing without the globals by which wasm-bindgen marks it for a glue, which it has none of.
 * @param {string} module
 */
function withoutMarks(module) {
  if (hasImports(module)) return module;
  const marks = new Set([...module.matchAll(/^ \(export "__\w+" \(global ([^\s)]+)\)\)$/gm)].map(([, name]) => name));
  return module.replace(/^ \((?:global (\S+) i32|export "__\w+" \(global ([^\s)]+)\)).*\n/gm, (field, own, exported) => marks.has(own ?? exported) ? '' : field);
}

/** @param {string} text a module as text @param {string} file where to leave it */
function assembled(text, file) {
  writeFileSync(`${file}.wat`, text);
  binaryen('wasm-as', `${file}.wat`, '-o', file);
  return readFileSync(file);
}

/** Returns where the data begins and ends that a module brings along. */
function extentOfData(/** @type {string} */ module) {
  const all = segments(module);
  return [Math.min(...all.map(({ start }) => start)), Math.max(0, ...all.map(({ start, bytes }) => start + bytes.length))];
}

/**
 * Returns the glue with the texts that the module brings along decoded once each: they are its constants, and decoding the
 * name of an option takes longer than reading it. What lies below them is the stack.
 * @param {string} glue @param {number} start where those texts begin @param {number} end where they end
 */
function readingOnce(glue, start, end) {
  const decoding = /^function getStringFromWasm0\(ptr, len\) \{\n([^]*?)return (.*);\n\}$/m;
  return onceWhereThere(glue, 'function getStringFromWasm0', decoding, (_, before, decoded) => `const constants = new Map();
function getStringFromWasm0(ptr, len) {
${before}if (ptr < ${start} || ptr >= ${end}) return ${decoded};
    const place = ptr * 65536 + len;
    let text = constants.get(place);
    if (text === undefined) constants.set(place, text = ${decoded});
    return text;
}`);
}

/**
 * Returns wasm-bindgen's glue as a function that can be called again: after a fault there is a new instance,
 * and the module-level variables of the glue belong to the old one.
 * @param {string} output @param {string} glue
 */
async function createGlue(output, glue) {
  const own = 'export { initSync, __wbg_init as default };';
  const lean = glue.replace(new RegExp(`^export (?=function (${FIRST.join('|')})\\()`, 'gm'), '');
  // Every encoder that the loader hands in knows encodeInto; the checker alone has no use for one.
  const encoding = onceWhereThere(lean, 'cachedTextEncoder', /^if \(!\('encodeInto' in cachedTextEncoder\)\) \{[^]*?^\}\n/m, () => '');
  const unwatched = unwatchedClosures(encoding);
  const contents = once(unwatched, own, 'export { __wbg_get_imports, __wbg_finalize_init };');
  const result = await build({
    bundle: true, write: false, format: 'esm', platform: 'neutral', target: 'es2020', logLevel: 'warning',
    external: ['./snippets/*'], stdin: { contents, resolveDir: output },
  });
  // The boundary's own modules are imported once, for all instances and for the hand-written modules beside them.
  const imports = [], ours = /^import \{([^}]*)\} from ".*\/src\/js\/(\w+\.js)";$/gm;
  const text = result.outputFiles[0].text.replace(ours, (_, names, file) => {
    imports.push(`import {${names}} from './${file}';`);
    return '';
  });
  const body = once(text, /^export \{$/m, 'return {');
  // Not every build passes texts, and not every runtime has the classes.
  const codecs = ['TextEncoder', 'TextDecoder'].filter((name) => body.includes(name)).map((name) => [name, name.replace('T', 't')]);
  for (const [, made] of codecs) imports.push(`import { ${made} } from '../../pkg-template/text.js';`);
  const made = codecs.map(([name, made]) => `const ${name} = ${made}();\n`).join('');
  return `${imports.join('\n')}\nexport function createGlue() {\n${made}${body}\n}`;
}

/**
 * Returns the glue without a finalizer for each closure: they belong to promises that are all settled, and then go. The
 * registry costs more than the promise.
 * @param {string} glue
 */
function unwatchedClosures(glue) {
  const changed = glue.replace(/^const CLOSURE_DTORS = [^;]*;\n/m, '').replace(/^ *CLOSURE_DTORS\.(un)?register\([^;]*\);\n/gm, '');
  if (changed.includes('CLOSURE_DTORS')) throw new Error("wasm-bindgen's glue has changed: it watches closures in another way");
  return changed;
}

/**
 * Returns the twin of a wasm file in JavaScript: a function that makes an instance of it.
 * @param {string} file @param {string} output
 */
function asJs(file, output) {
  const lowered = `${output}.wasm`;
  binaryen('wasm-opt', ...LOWERING, '-Oz', '--converge', file, '-o', lowered);
  execFileSync('wasm2js', [lowered, '-Oz', '-o', output], { stdio: ['ignore', 'ignore', 'inherit'] });
  let text = readFileSync(output, 'utf8');
  const decoder = text.indexOf('var base64ReverseLookup'), data = text.indexOf('function initActiveSegments');
  const start = text.indexOf('\n}', data) + 2, end = text.indexOf('var retasmFunc');
  if (decoder < 0 || data < decoder || end < start) throw new Error("wasm2js's output has changed");
  // Its data as text rather than as base64: most of it is text, and brotli sees that.
  const segments = [...text.slice(data, start).matchAll(/base64DecodeToExistingUint8Array\(bufferView, (\d+), "([^"]*)"\);/g)]
    .map(([, at, data]) => `[${at},${JSON.stringify(Buffer.from(data, 'base64').toString('latin1'))}]`);
  return `function () {
    let bufferView;
    function initActiveSegments() {
      for (const [at, text] of [${segments}]) for (let i = 0; i < text.length; i++) bufferView[at + i] = text.charCodeAt(i);
    }
    ${text.slice(start, end)}
    return asmFunc();
  }`;
}

/**
 * Replaces what must be there where what it is about is: not every build's glue has all of it.
 * @param {string} text @param {string} about @param {RegExp} pattern @param {(...found: string[]) => string} replacement
 */
function onceWhereThere(text, about, pattern, replacement) {
  if (!text.includes(about)) return text;
  if (!pattern.test(text)) throw new Error(`wasm-bindgen's glue has changed: ${pattern} is not there`);
  return text.replace(pattern, replacement);
}

/** @param {string} text @param {string | RegExp} pattern @param {string} replacement */
function once(text, pattern, replacement) {
  const times = text.split(pattern).length - 1;
  if (times !== 1) throw new Error(`wasm-bindgen's glue has changed: ${pattern} is there ${times} times`);
  return text.replace(pattern, () => replacement);
}

/**
 * Returns the wasm that reads letters, which is ASCII throughout: its constants are small enough.
 * @param {string} output
 */
function decoder(output) {
  const bytes = assembled(readFileSync(join(import.meta.dirname, 'decoder.wat'), 'utf8'), join(output, 'decoder.wasm'));
  if (bytes.some((byte) => byte > 127)) throw new Error('the decoder is no text');
  return bytes.toString('latin1');
}

/**
 * Writes bytes as decoder.wat reads them: below 72 a letter each, from "#" on; else "k", "l" or "m" for the
 * upper two bits and a letter for the lower six.
 * @param {Uint8Array} bytes
 */
function letters(bytes) {
  const text = Array.from(bytes, (byte) => byte < 72
    ? String.fromCharCode(35 + byte)
    : String.fromCharCode(106 + (byte >> 6), 35 + (byte & 63))).join('');
  if (text.length > 4 * 65_536) throw new Error("the decoder's memory is too small");
  return text;
}
