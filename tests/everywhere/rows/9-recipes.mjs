// The recipes, as they stand in examples/, with the real frameworks. tests/package/recipes.test.mjs runs the others.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const examples = join(import.meta.dirname, '../../../examples');
const files = (name) => Object.fromEntries(readdirSync(join(examples, name)).map((file) => [file, readFileSync(join(examples, name, file), 'utf8')]));

/** Opens an address in a browser of the row's, and returns the page. */
async function page(kit, browser, url) {
  const opened = await browser.newPage(), problems = [];
  opened.on('pageerror', (error) => problems.push(String(error)));
  await opened.goto(url);
  return { opened, problems, shows: (selector, text) => opened.waitForFunction(
    (selector, text) => document.querySelector(selector)?.textContent.startsWith(text), { timeout: 25_000, polling: 50 }, selector, text) };
}

const react = async (kit) => {
  const cwd = await kit.project(files('react')), { gateway, base } = await kit.world(), PORT = String(await kit.port()), url = `http://127.0.0.1:${PORT}`;
  // The login's token is 29 days old, so that the page's first wait is one for a refresh.
  const old = Date.now() - 29 * 86_400_000;
  gateway.now = () => gateway.requests.some(({ path }) => path.endsWith('/refresh')) ? Date.now() : old;
  await kit.serve(kit.tool('vite'), ['--host', '127.0.0.1', '--port', PORT, '--strictPort'], url, { cwd, env: { TRANSAK_URL: base } });
  const browser = await kit.launch();
  const first = await page(kit, browser, url), second = await page(kit, browser, url);
  await first.opened.bringToFront();
  await first.shows('button', 'Log in');
  await first.opened.click('button');
  for (const { shows } of [first, second]) await shows('#account', 'a token of 3 parts');
  assert.equal(gateway.refreshes(), 1, 'two tabs and StrictMode: one request');
  for (const { opened } of [first, second]) assert.equal(await opened.evaluate(() => localStorage.length), 1);
  await second.opened.bringToFront();
  await second.opened.evaluate(() => document.querySelector('button').click());
  for (const { shows, problems } of [first, second]) {
    await shows('button', 'Log in');
    assert.deepEqual(problems, []);
  }
  assert.equal(await first.opened.evaluate(() => localStorage.length), 0);
};

/** Compiles the files with the settings that the recipe names. `tsc` is the repository's. */
const typed = async (kit) => kit.run(join(kit.root, 'node_modules/.bin/tsc'), [
  '--noEmit', '--strict', '--target', 'es2023', '--module', 'esnext', '--moduleResolution', 'bundler', '--verbatimModuleSyntax', '--skipLibCheck',
  '--jsx', 'react-jsx', '--allowImportingTsExtensions', '--types', 'node', 'main.tsx', 'vite.config.ts',
], { cwd: await kit.project(files('react')) });

const recipe = (name, version, ways, limitMs) => ({ group: 'Recipes', name, version, set: 'recipes', ways, limitMs });
export default [
  recipe('React', 'react', { 'two tabs and StrictMode make one request': react, 'its types hold': typed }, 120_000),
];
