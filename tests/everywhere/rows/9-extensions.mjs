// A wallet's extension, as it stands in examples/extension, in Chromium and in Firefox: one session of its worker and its popup.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import puppeteer from 'puppeteer-core';

const example = join(import.meta.dirname, '../../../examples/extension');
const WITHOUT_WASM = { 'session.js': (text) => text.replace("from 'transak-user-token'", "from 'transak-user-token/js'") };

/** Builds the example with its files changed, and returns the folder, and a gateway whose logins give a token 29 days old. */
async function built(kit, edits = {}) {
  const files = {};
  for (const name of await readdir(example)) {
    const text = await readFile(join(example, name), 'utf8');
    files[name] = edits[name]?.(text) ?? text;
  }
  const cwd = await kit.project(files), { gateway, base } = await kit.world();
  // The login gives an old token, so that the worker has to renew it. The first refresh gives a new one.
  gateway.now = () => gateway.requests.some(({ path }) => path.endsWith('/refresh')) ? Date.now() : Date.now() - 29 * 86_400_000;
  await kit.run(process.execPath, ['build.js'], { cwd, env: { BASE_URL: base } });
  return { extension: join(cwd, 'dist'), gateway };
}

/** The manifest with another policy of its pages; without any, the browser's own. */
const policy = (text) => ({ 'manifest.json': (manifest) => JSON.stringify({ ...JSON.parse(manifest), content_security_policy: text && { extension_pages: text } }) });
const classic = {
  'manifest.json': (text) => text.replace(', "type": "module"', ''),
  'build.js': (text) => text.replace("format: 'esm'", "format: 'iife', supported: { 'top-level-await': true }"),
  'popup.js': (text) => text.replace(/^const session[^]*?^await show\(\)$/m, "let session\nopenSession().then((opened) => {\n  session = opened\n  session.subscribe(show)\n  return show()\n})"),
};

/** Starts a browser with the extension. */
export async function withExtension(kit, which, extension) {
  const userDataDir = await mkdtemp(join(tmpdir(), 'everywhere-'));
  kit.after(() => rm(userDataDir, { recursive: true, force: true, maxRetries: 5 }));
  const browser = await puppeteer.launch(which === 'firefox' ? {
    browser: 'firefox', executablePath: process.env.FIREFOX ?? '/usr/bin/firefox-esr', headless: true, userDataDir,
  } : {
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', headless: true, userDataDir, pipe: true, enableExtensions: true,
    args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-component-update', '--disable-dev-shm-usage'],
  });
  kit.after(() => browser.close());
  return { browser, id: await browser.installExtension(extension) };
}

/** Starts a browser with the extension, and returns what opens a popup in Chromium: in a tab, as any page of the extension. */
async function installed(kit, which, extension) {
  const { browser, id } = await withExtension(kit, which, extension);
  return async () => {
    const page = await browser.newPage(), problems = [];
    page.on('pageerror', (error) => problems.push(String(error?.message ?? error)));
    await page.setViewport({ width: 320, height: 260 });
    await page.goto(`chrome-extension://${id}/popup.html`);
    const shown = (selector) => page.waitForSelector(`${selector}:not([hidden])`, { timeout: 20_000 });
    const says = (text) => page.waitForFunction((text) => document.getElementById('state').textContent === text, { timeout: 20_000, polling: 50 }, text);
    return { page, problems, shown, says };
  };
}

/** Has axe-core look at a popup, light and dark. */
async function accessible({ page }, kit) {
  await page.evaluate(await readFile(join(kit.root, 'node_modules/axe-core/axe.min.js'), 'utf8'));
  for (const value of ['light', 'dark']) {
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value }]);
    const found = await page.evaluate(async () => (await globalThis.axe.run()).violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target)}`));
    assert.deepEqual(found, [], value);
  }
}

/** What a user does for a code, and with it. */
const send = async ({ page, shown }) => {
  await shown('#address');
  await page.type('[name=email]', 'user@example.com');
  await page.click('#address button');
  await shown('#code');
};
const enter = async ({ page, shown, says }) => {
  await shown('#code');
  await page.type('[name=otp]', '123456');
  await page.click('#code button');
  await says('fresh');
};

const shared = (edits) => async (kit) => {
  const { extension, gateway } = await built(kit, edits), popup = await installed(kit, 'chrome', extension);
  const first = await popup();
  await first.shown('#address');
  await accessible(first, kit);
  await send(first);
  await accessible(first, kit);
  await first.page.click('#again');
  await first.page.$eval('#address', (form) => form.reset());
  await send(first);
  // The popup is closed while the user reads the e-mail.
  await first.page.close();
  const second = await popup();
  // The popup does not renew by itself: the worker does, and the popup shows it.
  await enter(second);
  assert.equal(gateway.refreshes(), 1);
  await accessible(second, kit);
  if (process.env.SCREENSHOT) await second.page.screenshot({ path: process.env.SCREENSHOT });
  const third = await popup();
  await third.says('fresh');
  await third.page.click('#out');
  for (const { page, shown, problems } of [second, third]) {
    await shown('#address');
    assert.ok(await page.$('#ended[hidden]'));
    assert.deepEqual(problems, []);
  }
  assert.equal(gateway.refreshes(), 1);

  // A token that the server refuses is not one that nobody has had.
  await send(third);
  await enter(third);
  gateway.fail({ kind: 'error', status: 401, errorCode: 1002 });
  await third.page.click('#renew');
  await third.shown('#ended');
  await accessible(third, kit);
};

/** The main entry under the browser's own policy: one error, which says what helps. */
async function forbidden(kit) {
  const { extension } = await built(kit, policy(undefined)), { page } = await (await installed(kit, 'chrome', extension))();
  const failed = new Promise((resolve) => page.on('pageerror', ({ message }) => resolve(message)));
  await page.reload();
  assert.match(await failed, /'wasm-unsafe-eval'.*transak-user-token\/js/);
}

// Firefox does not let a driver open an extension's page. So the worker opens the popup, and the popup itself does what its user
// would do, and reports to the gateway.
const USER = `
const tell = (what) => fetch(BASE_URL + '/said/' + encodeURIComponent(what)).catch(() => {})
addEventListener('error', ({ message }) => tell(message))
addEventListener('unhandledrejection', ({ reason }) => tell(String(reason)))
const until = async (holds) => { while (!holds()) await new Promise((resolve) => setTimeout(resolve, 50)) }
const shown = (id) => until(() => !part(id).hidden), says = (text) => until(() => part('state').textContent === text)
const fill = async (form, name, text) => {
  await shown(form)
  document.querySelector('[name=' + name + ']').value = text
  part(form).requestSubmit()
}
if (location.hash) {
  await says('fresh')
  part('out').click()
} else {
  await fill('address', 'email', 'user@example.com')
  await fill('code', 'otp', '123456')
  await says('fresh')
  await chrome.tabs.create({ url: 'popup.html#other' })
}
await shown('address')
await tell(location.hash ? 'logged out' : 'heard of it')
`;
const driven = { 'popup.js': (text) => text + USER, 'worker.js': (text) => `${text}\nchrome.tabs.create({ url: 'popup.html' })\n` };

const inFirefox = (edits) => async (kit) => {
  const { extension, gateway } = await built(kit, { ...driven, ...edits });
  await installed(kit, 'firefox', extension);
  const said = () => gateway.requests.flatMap(({ path }) => path.startsWith('/said/') ? [decodeURIComponent(path.slice(6))] : []).sort();
  for (const end = Date.now() + 40_000; said().length < 2 && Date.now() < end;) await new Promise((resolve) => setTimeout(resolve, 100));
  assert.deepEqual(said(), ['heard of it', 'logged out']);
  assert.equal(gateway.refreshes(), 1);
};

const row = (name, ways) => ({ group: 'Extensions', name, set: 'bundlers', ways, limitMs: 90_000, note: 'a worker and its popups share one session in `storage.local`' });
export default [
  row('Chromium, Manifest V3', {
    "`'wasm-unsafe-eval'`": shared(),
    "its own policy, by `transak-user-token/js`": shared({ ...policy(undefined), ...WITHOUT_WASM }),
    'a classic worker': shared(classic),
    'one clear error from the main entry under its own policy': forbidden,
  }),
  row('Firefox, Manifest V3', {
    "`'wasm-unsafe-eval'`": inFirefox(),
    "its own policy, by `transak-user-token/js`": inFirefox({ ...policy(undefined), ...WITHOUT_WASM }),
  }),
];
