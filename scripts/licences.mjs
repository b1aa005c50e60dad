// Checks the crates of each lock file against deny.toml: their licences, their sources, and what is banned.
// Usage: node scripts/licences.mjs
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const LOCKED = ['.', 'fuzz'];

/** Reads the lists and words of deny.toml that are checked here, and refuses one that is missing. */
export function policyOf(toml) {
  const text = toml.replace(/^\s*#.*$/gm, '');
  const section = (name) => text.split(/^\[/m).find((part) => part.startsWith(`${name}]`)) ?? '';
  const value = (name, key) => {
    const found = new RegExp(String.raw`^${key} = (\[[^]*?\]|".*")$`, 'm').exec(section(name));
    if (!found) throw new Error(`deny.toml: [${name}] has no ${key}`);
    return found[1];
  };
  const words = (list) => [...list.matchAll(/"([^"]*)"/g)].map(([, word]) => word);
  const exceptions = [...value('licenses', 'exceptions').matchAll(/crate = "([^"]+)", allow = (\[[^\]]*\])/g)];
  for (const [name, key] of [['bans', 'multiple-versions'], ['bans', 'wildcards'], ['sources', 'unknown-registry'], ['sources', 'unknown-git']]) {
    if (value(name, key) !== '"deny"') throw new Error(`deny.toml: [${name}] ${key} must be "deny"`);
  }
  return {
    allow: words(value('licenses', 'allow')),
    exceptions: new Map(exceptions.map(([, name, list]) => [name, words(list)])),
    banned: words(value('bans', 'deny')),
  };
}

/** Tells whether a licence, an SPDX expression, can be met by the allowed ones. A slash is the old way to write OR. */
export function isMet(expression, allow) {
  const tokens = expression.replaceAll('/', ' OR ').match(/[()]|[^\s()]+/g) ?? [];
  const term = () => {
    const token = tokens.shift();
    if (token === '(') {
      const met = anyOf();
      if (tokens.shift() !== ')') throw new Error(`not a licence expression: ${expression}`);
      return met;
    }
    if (tokens[0] === 'WITH') return allow.includes([token, ...tokens.splice(0, 2)].join(' '));
    return allow.includes(token);
  };
  const allOf = () => {
    let met = term();
    for (; tokens[0] === 'AND'; met = term() && met) tokens.shift();
    return met;
  };
  const anyOf = () => {
    let met = allOf();
    for (; tokens[0] === 'OR'; met = allOf() || met) tokens.shift();
    return met;
  };
  const met = anyOf();
  if (tokens.length > 0) throw new Error(`not a licence expression: ${expression}`);
  return met;
}

/** Lists what is wrong with the crates that `cargo metadata` has found. */
export function faultsOf({ packages, workspace_members: own }, { allow, exceptions, banned }) {
  const faults = [], versions = new Map();
  for (const { id, name, version, license, source, dependencies } of packages) {
    const isOwn = own.includes(id) || source === null;
    const fault = (text) => faults.push(`${name} ${version} ${text}`);
    const allowed = [...allow, ...(exceptions.get(name) ?? [])];
    if (!isOwn && !license) fault('names no licence');
    else if (!isOwn && !isMet(license, allowed)) fault(`has the licence ${license}`);
    if (banned.includes(name)) fault('is banned');
    // Cargo writes the one registry that needs no configuration so.
    if (!isOwn && !/^registry\+https:\/\/[^/]+\/rust-lang\/crates\.io-index$/.test(source)) fault(`is from ${source}`);
    if (isOwn) {
      for (const { name: wanted, req, path } of dependencies) if (req === '*' && !path) fault(`takes any version of ${wanted}`);
    }
    versions.set(name, [...(versions.get(name) ?? []), version]);
  }
  for (const [name, found] of versions) if (found.length > 1) faults.push(`${name} is there in two versions: ${found.join(', ')}`);
  return faults;
}

if (process.argv[1] === import.meta.filename) {
  const policy = policyOf(readFileSync(join(root, 'deny.toml'), 'utf8'));
  let crates = 0;
  for (const folder of LOCKED) {
    const manifest = join(root, folder, 'Cargo.toml');
    const asked = ['metadata', '--format-version=1', '--locked', '--all-features', '--manifest-path', manifest];
    const metadata = JSON.parse(execFileSync('cargo', asked, { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 26, stdio: ['ignore', 'pipe', 'inherit'] }));
    const faults = faultsOf(metadata, policy);
    if (faults.length > 0) {
      console.error(`${join(folder, 'Cargo.lock')}, against deny.toml:\n  ${faults.join('\n  ')}`);
      process.exitCode = 1;
    }
    crates += metadata.packages.length;
  }
  if (!process.exitCode) console.log(`licences, sources and bans: ${crates} crates are as deny.toml says`);
}
