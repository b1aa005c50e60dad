// Writes THIRD-PARTY-NOTICES.md: the licenses of what is compiled into the package, as `cargo metadata` lists it.
// Usage: node scripts/notices.mjs [--check]   --check writes nothing and fails if the file is another
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const root = join(import.meta.dirname, '..'), file = join(root, 'THIRD-PARTY-NOTICES.md');
const run = (command, ...args) => execFileSync(command, args, { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 26 });

/** The MIT license, for a crate that names it and ships no text. */
const MIT = (holders) => readFileSync(join(root, 'LICENSE-MIT'), 'utf8').replace('the transak-user-token authors', holders);

/** The crates that the wasm of any entry consists of, without this one. A crate that runs while compiling is not in it. */
function crates() {
  const { packages, resolve: { root: own, nodes } } = JSON.parse(
    run('cargo', 'metadata', '--format-version=1', '--locked', '--filter-platform=wasm32-unknown-unknown', '--all-features'),
  );
  const packageOf = new Map(packages.map((found) => [found.id, found])), nodeOf = new Map(nodes.map((node) => [node.id, node]));
  const found = new Set(), queue = [own];
  for (let id; (id = queue.pop());) {
    if (found.has(id) || packageOf.get(id).targets.some(({ kind }) => kind.includes('proc-macro'))) continue;
    found.add(id);
    queue.push(...nodeOf.get(id).deps.filter(({ dep_kinds }) => dep_kinds.some(({ kind }) => kind === null)).map(({ pkg }) => pkg));
  }
  found.delete(own);
  return [...found].map((id) => packageOf.get(id)).map(({ name, version, license, authors, repository, manifest_path }) => ({
    name, version, license, repository, texts: textsOf(dirname(manifest_path), license, authors),
  }));
}

/** The texts that a crate's license asks to pass on. Of "MIT OR Apache-2.0" it is MIT's. */
function textsOf(folder, license, authors) {
  const names = readdirSync(folder).filter((name) => /^(licen[cs]e|copying|notice)/i.test(name));
  const wanted = names.filter((name) => !/apache/i.test(name));
  if (!/\bMIT\b/.test(license)) throw new Error(`${folder}: ${license} is not MIT: look at what it asks for`);
  return wanted.length ? wanted.sort().map((name) => readFileSync(join(folder, name), 'utf8')) : [MIT(authors.join(', '))];
}

/** The standard library, which is compiled from source with the package. */
function standardLibrary() {
  const library = join(run('rustc', '--print', 'sysroot').trim(), 'lib/rustlib/src/rust/library');
  const [version] = /\d+\.\d+\.\d+/.exec(run('rustc', '--version'));
  const builtins = ['LICENSE.txt', 'libm/LICENSE.txt'].map((name) => readFileSync(join(library, 'compiler-builtins', name), 'utf8'));
  const repository = 'https://github.com/rust-lang/rust', license = 'MIT OR Apache-2.0';
  return [
    { name: 'core, alloc and std', version, license, repository, texts: [MIT('The Rust Project Contributors')] },
    { name: 'compiler-builtins and libm', version, license: 'MIT, and Apache-2.0 WITH LLVM-exception', repository, texts: builtins },
  ];
}

/** Puts crates with the same text together. */
function notices() {
  const users = new Map();
  for (const { name, version, license, repository, texts } of [...crates(), ...standardLibrary()]) {
    for (const text of texts) {
      const plain = text.replace(/\r/g, '').replace(/[ \t]+$/gm, '').trim(), key = plain.replace(/\s+/g, ' ');
      const { lines } = users.get(key) ?? users.set(key, { plain, lines: [] }).get(key);
      lines.push(`- ${name} ${version} (${license})${repository ? `, ${repository}` : ''}`);
    }
  }
  const parts = [...users.values()].map(({ plain, lines }) => `${lines.sort().join('\n')}\n\n\`\`\`\`text\n${plain}\n\`\`\`\`\n`).sort();
  return `# Third-party notices

The WebAssembly in this package, and the JavaScript that is made of it, contain code of the crates below and of Rust's
standard library. Each list is followed by the license that its crates come with. \`scripts/notices.mjs\` writes this file.

${parts.join('\n')}`;
}

const text = notices();
if (!process.argv.includes('--check')) {
  writeFileSync(file, text);
} else if (!existsSync(file) || readFileSync(file, 'utf8') !== text) {
  console.error('THIRD-PARTY-NOTICES.md is not up to date: run node scripts/notices.mjs');
  process.exitCode = 1;
}
