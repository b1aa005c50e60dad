// Installs the packed package everywhere it is said to work, and proves it there.
// Usage: node tests/everywhere/run.mjs [--write] [text...]   only rows whose name has one of the texts; --write renews docs/environments.md
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Kit } from './harness.mjs';
import { table, updated } from './support.mjs';

const here = import.meta.dirname, root = join(here, '../..'), target = join(root, 'target/everywhere');
const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'transak-user-token/everywhere');
const wanted = process.argv.slice(2).filter((text) => text !== '--write');
const started = Date.now();

mkdirSync(target, { recursive: true });
execFileSync(process.execPath, [join(root, 'tests/package/install.mjs'), join(target, 'installed')], { stdio: 'inherit' });
const installed = join(target, 'installed');
const { createGateway } = await import(pathToFileURL(join(installed, 'node_modules/transak-user-token/gateway.js')));

const files = readdirSync(join(here, 'rows')).filter((name) => name.endsWith('.mjs')).sort();
const all = (await Promise.all(files.map((file) => import(`./rows/${file}`)))).flatMap((module) => module.default);
const rows = all.filter(({ group, name }) => !wanted.length || wanted.some((text) => `${group} ${name}`.toLowerCase().includes(text.toLowerCase())));

/** Installs a set of tools, once for each lock file, and returns its folder. */
function tools(set) {
  if (!set) return target;
  const source = join(here, 'tools', set);
  const version = createHash('sha256').update(readFileSync(join(source, 'package-lock.json'))).digest('hex').slice(0, 12);
  const folder = join(cache, `${set}-${version}`);
  if (!existsSync(folder)) {
    console.log(`installing the tools of ${set}`);
    const unfinished = `${folder}.${process.pid}`;
    mkdirSync(unfinished, { recursive: true });
    for (const file of ['package.json', 'package-lock.json']) cpSync(join(source, file), join(unfinished, file));
    // `npm ci` would refuse a lock file without the optional packages of other platforms.
    execFileSync('npm', ['install', '--no-save', '--silent', '--no-audit', '--no-fund', '--ignore-scripts'], { cwd: unfinished, stdio: 'inherit' });
    for (const old of readdirSync(cache).filter((name) => new RegExp(`^${set}-[0-9a-f]{12}$`).test(name))) rmSync(join(cache, old), { recursive: true });
    renameSync(unfinished, folder);
  }
  return folder;
}

/** Returns the version in a set's lock file. A tool of the system is not pinned, and its version is not shown. */
function versionOf({ set, version }) {
  if (!version) return '';
  const { packages } = JSON.parse(readFileSync(join(here, 'tools', set, 'package-lock.json'), 'utf8'));
  return packages[`node_modules/${version}`].version.match(/^(0\.)?\d+/)[0];
}

/** Runs one row: each of its ways, within the time of the row. If one way fails, the next one still runs. */
async function tried(row) {
  const begun = Date.now(), outcomes = {};
  const limited = (promise, way, kit) => {
    let timer;
    const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error(`${way}: not done in ${row.limitMs ?? 60_000} ms`)), row.limitMs ?? 60_000); });
    return Promise.race([promise, late]).finally(() => clearTimeout(timer));
  };
  const node = row.node ? join(tools('runtimes'), `node_modules/node${row.node}/bin/node`) : process.execPath;
  const given = { tools: tools(row.set), node, installed, root, name: row.name, createGateway };
  const shared = new Kit(given);
  let context, broken;
  try {
    context = await limited(Promise.resolve(row.before?.(shared)), 'setting up', shared);
  } catch (error) {
    broken = error;
  }
  for (const [way, prove] of Object.entries(row.ways)) {
    const kit = new Kit(given), known = row.known?.[way];
    try {
      if (broken) throw broken;
      await limited(prove(kit, context), way, kit);
      outcomes[way] = known ? { ok: false, failure: 'it is said not to work, and does' } : { ok: true };
    } catch (error) {
      outcomes[way] = known ? { ok: true, known } : { ok: false, failure: String(error?.message ?? error) };
    }
    await kit.close();
  }
  await shared.close();
  for (const [way, { ok, failure }] of Object.entries(outcomes)) if (!ok) console.log(`FAILED ${row.name}, ${way}: ${failure}`);
  console.log(`${row.group}: ${row.name}: ${Object.values(outcomes).filter(({ ok }) => ok).length} of ${Object.keys(outcomes).length} in ${((Date.now() - begun) / 1000).toFixed(1)} s`);
  return { group: row.group, name: row.name, version: versionOf(row), note: row.note, outcomes };
}

const entries = rows.map((row, index) => ({ row, index })), results = [];
/** Runs rows, `atOnce` at a time. */
const run = (queue, atOnce) => Promise.all(Array.from({ length: atOnce }, async () => {
  for (let next; (next = queue.shift());) results[next.index] = await tried(next.row);
}));
// The sets of tools are installed first, because two installations at the same time only slow each other.
for (const set of new Set(rows.flatMap(({ set, node }) => node ? [set, 'runtimes'] : [set]))) tools(set);
await run(entries.filter(({ row }) => !row.alone), 2);
await run(entries.filter(({ row }) => row.alone), 1);

console.log(`\n${table(results)}\n`);
const ways = results.flatMap(({ outcomes }) => Object.values(outcomes)), failed = ways.filter(({ ok }) => !ok).length;
if (!wanted.length) {
  const page = join(root, 'docs/environments.md'), before = readFileSync(page, 'utf8'), after = updated(before, results);
  if (before !== after && process.argv.includes('--write')) writeFileSync(page, after);
  else if (before !== after) {
    console.log("the table of docs/environments.md is another one: run node tests/everywhere/run.mjs --write");
    process.exitCode = 1;
  }
}
for (const { name, found } of rows) if (found) console.log(`${name} is ${found()}`);
console.log(`${Math.round((Date.now() - started) / 1000)} s`);
console.log(`${ways.length - failed} passed, ${failed} failed`);
process.exit(failed ? 1 : process.exitCode);
