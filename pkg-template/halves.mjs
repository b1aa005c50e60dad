// Splits the wasm in two: what a check needs, with the memory and all that it begins with, imports nothing and so is quick
// to make; the rest imports what they have in common, and is made when it is first asked for.

/** What a check needs of the wasm; the loader calls it past the glue. */
export const FIRST = ['layout', 'check', 'complain', 'isSpace'];

/**
 * Returns both modules as text, and apart what is text of what the memory begins with.
 * @param {string} module as binaryen writes it @param {Record<string, string>} short what it calls some of its exports
 */
export function halves(module, short) {
  const { head, fields, functions } = parted(module);
  const those = (kind) => fields.filter((field) => field.startsWith(` (${kind} `));
  const exported = new Map(those('export').map((text) => [text.match(/"(.*)"/)[1], text]));

  const ofFirst = FIRST.map((name) => short[name] ?? name);
  const own = reached(ofFirst.map((name) => exported.get(name).match(/\$[^\s)]+/)[0]), functions);
  const texts = (isOwn) => [...functions].filter(([name]) => own.has(name) === isOwn).map(([, text]) => text);
  const others = texts(false);
  const called = new Set([...others.flatMap(calls), ...those('elem').join('').match(/\$[^\s)]+/g) ?? []]);
  const isVariable = (text) => text.includes('(mut ');

  // What both need is the first one's, under names of a letter or two.
  const shared = [
    ...those('global').filter(isVariable).map((text) => ['global', text.match(/\$\S+/)[0], '(mut i32)']),
    ...[...called].filter((name) => own.has(name)).map((name) => ['func', name, signature(functions.get(name))]),
  ].map(([kind, name, type], index) => ({ kind, name, type, short: (index + 10).toString(36) }));
  const { data, remaining } = withoutText(module);
  return {
    data,
    first: put(head,
      those('type'), those('global'), those('memory'), remaining, ['memory', ...ofFirst].map((name) => exported.get(name)),
      shared.map(({ kind, name, short }) => ` (export "${short}" (${kind} ${name}))\n`), texts(true)),
    rest: put(head,
      those('type'), those('import'), those('memory').map((text) => text.replace(' (memory', ' (import "" "memory" (memory').replace(/\)$/m, '))')),
      shared.map(({ kind, name, type, short }) => ` (import "" "${short}" (${kind} ${name} ${type}))\n`),
      those('global').filter((text) => !isVariable(text)), those('table'), those('elem'),
      [...exported].filter(([name]) => !ofFirst.includes(name)).map(([, text]) => text), others),
  };
}

/**
 * Returns a module whose functions each follow those that they call: like comes to stand near like, and brotli has 40 bytes less.
 * @param {string} module as binaryen writes it
 */
export function inOrderOfCalls(module) {
  const { head, fields, functions } = parted(module);
  /** @type {string[]} */
  const ordered = [];
  const visited = new Set();
  const visit = (/** @type {string} */ name) => {
    if (visited.has(name) || !functions.has(name)) return;
    visited.add(name);
    calls(functions.get(name)).forEach(visit);
    ordered.push(functions.get(name));
  };
  for (const name of functions.keys()) visit(name);
  return put(head, fields.filter((field) => !field.startsWith(' (func ')), ordered);
}

/** @param {string} module as binaryen writes it */
function parted(module) {
  const [head, ...fields] = module.replace(/\)\s*$/, '').split(/^(?= \()/m);
  return { head, fields, functions: new Map(fields.filter((field) => field.startsWith(' (func ')).map((text) => [text.match(/\$\S+/)[0], text])) };
}

/**
 * Returns the functions that these come to call, themselves included.
 * @param {string[]} names @param {Map<string, string>} functions
 */
function reached(names, functions) {
  const all = new Set(names);
  for (const name of all) {
    const text = functions.get(name);
    if (!text || /\((call_indirect|ref\.func|table\.\w+) /.test(text)) throw new Error(`a check needs more than wasm: ${name}`);
    for (const callee of calls(text)) all.add(callee);
  }
  return all;
}

/** @param {string} text a function's */
function calls(text) {
  return [...text.matchAll(/\(call (\$[^\s)]+)/g)].map(([, name]) => name);
}

/** @param {string} text a function's */
function signature(text) {
  return text.match(/^ \(func \S+((?: \((?:param|result) [^)]*\))*)/)[1];
}

/** @param {string} head @param {string[][]} fields */
function put(head, ...fields) {
  return `${head}${fields.flat().join('')})`;
}

/** Returns what the memory begins with: where, and the bytes as characters. */
export function segments(/** @type {string} */ module) {
  return [...module.matchAll(/^ \(data \S+ \(i32\.const (\d+)\) "(.*)"\)$/gm)].map(([, start, escaped]) => ({
    start: Number(start),
    bytes: escaped.replace(/\\([0-9a-f]{2}|.)/g, (_, code) =>
      code.length === 2 ? String.fromCharCode(parseInt(code, 16)) : { t: '\t', n: '\n', r: '\r' }[code] ?? code),
  }));
}

/**
 * Takes out of the data what is ASCII for long: as text it is written in no time, and is less after brotli.
 * @param {string} module
 */
function withoutText(module) {
  /** @type {[at: number, text: string][]} */
  const data = [], remaining = [];
  for (const { start, bytes } of segments(module)) {
    let at = start;
    for (const run of bytes.split(/([\0-\x7f]{32,})/)) {
      if (/^[\0-\x7f]{32}/.test(run)) data.push([at, run]);
      else if (run) remaining.push(` (data (i32.const ${at}) "${Buffer.from(run, 'latin1').toString('hex').replace(/../g, '\\$&')}")\n`);
      at += run.length;
    }
  }
  return { data, remaining };
}
