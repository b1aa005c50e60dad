// Says what keeps this checkout from being published, all of it at once. Usage: node scripts/release-check.mjs [folder]
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(process.argv[2] ?? join(import.meta.dirname, '..'));
const read = (file) => readFileSync(join(root, file), 'utf8');
const problems = [];

// npm refuses to state where a package comes from if its manifest names no repository.
const manifest = JSON.parse(read('pkg-template/package.json'));
for (const field of ['repository', 'bugs', 'homepage']) {
  if (!manifest[field]) problems.push(`pkg-template/package.json has no "${field}": the publisher fills it in`);
}

const changes = execFileSync('git', ['status', '--porcelain'], { cwd: root, encoding: 'utf8' });
if (changes) problems.push('the tree is not clean: commit or remove what `git status` lists');

const [, version] = read('Cargo.toml').match(/^version = "(.*)"$/m);
const dated = read('CHANGELOG.md').match(new RegExp(`^## \\[${version.replaceAll('.', '\\.')}\\] - (\\d{4}-\\d\\d-\\d\\d)$`, 'm'));
if (!dated || Number.isNaN(Date.parse(dated[1]))) problems.push(`CHANGELOG.md has no dated entry for ${version}: write "## [${version}] - ${new Date().toISOString().slice(0, 10)}"`);

if (existsSync(join(root, 'Cargo.lock'))) {
  const locked = read('Cargo.lock').match(/^name = "transak-user-token"\nversion = "(.*)"$/m)?.[1];
  if (locked !== version) problems.push(`Cargo.lock has version ${locked}, Cargo.toml ${version}: run cargo check`);
}

for (const problem of problems) console.error(`not ready: ${problem}`);
if (problems.length) process.exitCode = 1;
else console.log(`${manifest.name} ${version} is ready to be published`);
