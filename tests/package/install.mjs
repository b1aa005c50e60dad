// Packs pkg/, installs the tarball with npm into an empty folder, and lays the tests beside it: what they
// import is what a user gets. Usage: node tests/package/install.mjs [folder]
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = join(import.meta.dirname, '../..');
const folder = resolve(process.argv[2] ?? join(root, 'target/installed'));
const npm = (...args) => execFileSync('npm', args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });

rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n');
const [{ filename }] = JSON.parse(npm('pack', '--json', '--silent', join(root, 'pkg')));
npm('install', '--silent', '--offline', '--no-audit', '--no-fund', `./${filename}`);

cpSync(import.meta.dirname, folder, { recursive: true, filter: (file) => !file.endsWith('install.mjs') });
for (const file of ['tests/vectors.json', 'tests/js/vectors.mjs', 'README.md']) cpSync(join(root, file), join(folder, file.split('/').at(-1)));
const exported = ['core', 'server'].map((build) => [build, JSON.parse(readFileSync(join(root, 'target/wasm', build, 'exports.json'), 'utf8'))]);
writeFileSync(join(folder, 'exports.json'), JSON.stringify(Object.fromEntries(exported)));
const packages = readdirSync(join(folder, 'node_modules')).filter((name) => !name.startsWith('.'));
if (packages.join() !== 'transak-user-token') throw new Error(`installing the package pulls more: ${packages}`);
console.log(`installed ${filename} into an empty folder; it pulled no dependency`);
