// Browsers: a page and every kind of worker, from the files of the package as they are.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { app, html } from '../harness.mjs';
import { LOGINS, backAfterLogout, inFrameOfAnotherSite, inSandbox, loginThenLeave, withCookiesBlocked } from '../session.mjs';

/** The proof for a script that is no module. */
const PROOF = readFileSync(new URL('../proof.js', import.meta.url), 'utf8').replace(/^export /gm, '');
const GLOBAL = '/node_modules/transak-user-token/index.global.js', MODULE = '/node_modules/transak-user-token/index.js';

// A worker sends the outcome on the port that it gets, and the page reports it.
const ASK = "const world = location.hash.slice(1);\nconst tell = (text) => { document.title = 'outcome: ' + text; };\n";
const prove = (api) => `({ data, ports: [port] }) => prove(${api}, JSON.parse(decodeURIComponent(data))).catch(String).then((text) => port.postMessage(text))`;
const post = (target) => `const { port1, port2 } = new MessageChannel();\nport1.onmessage = ({ data }) => tell(data);\n${target}.postMessage(world, [port2]);\n`;
const failing = (worker) => `${worker}.onerror = ({ message }) => tell('worker: ' + message);\n`;

const files = {
  'app.js': app(MODULE),
  'page.html': html('/app.js', 'type="module"'),
  'script.html': `<!doctype html><title>waiting</title><script src="${GLOBAL}"></script><script type="module">
import { prove } from './proof.js';\n${ASK}prove(TransakUserToken, JSON.parse(decodeURIComponent(world))).then(tell, (error) => tell(String(error)));</script>`,
  'module-worker.js': `import * as api from '${MODULE}';\nimport { prove } from './proof.js';\nonmessage = ${prove('api')};\n`,
  'classic-worker.js': `importScripts('${GLOBAL}', '/proof.classic.js');\nonmessage = ${prove('TransakUserToken')};\n`,
  'shared-worker.js': `importScripts('${GLOBAL}', '/proof.classic.js');\nonconnect = ({ ports: [port] }) => { port.onmessage = ${prove('TransakUserToken')}; };\n`,
  'service-worker.js': `importScripts('${GLOBAL}', '/proof.classic.js');\nonmessage = (event) => event.waitUntil((${prove('TransakUserToken')})(event));\n`,
  'module-worker.html': `<!doctype html><title>waiting</title><script>${ASK}const worker = new Worker('module-worker.js', { type: 'module' });\n${failing('worker')}${post('worker')}</script>`,
  'classic-worker.html': `<!doctype html><title>waiting</title><script>${ASK}const worker = new Worker('classic-worker.js');\n${failing('worker')}${post('worker')}</script>`,
  'shared-worker.html': `<!doctype html><title>waiting</title><script>${ASK}const worker = new SharedWorker('shared-worker.js');\n${failing('worker')}${post('worker.port')}</script>`,
  'service-worker.html': `<!doctype html><title>waiting</title><script>${ASK}navigator.serviceWorker.register('service-worker.js').then(() => navigator.serviceWorker.ready).then(({ active }) => {\n${post('active')}}).catch((error) => tell(String(error)));</script>`,
};

const way = (page) => async (kit, open) => {
  const folder = await kit.project({ ...files, 'proof.classic.js': PROOF });
  const { hash, proven } = await kit.world();
  proven(await open(`${await kit.site(folder)}/${page}.html${hash}`));
};

/** Eight tabs of one site, with one stored token that is about to expire. */
async function eightTabs(kit, open) {
  const tab = '<!doctype html><title>waiting</title><link rel="icon" href="data:,">';
  const folder = await kit.project({
    'session.tab.mjs': readFileSync(new URL('../../package/session.tab.mjs', import.meta.url), 'utf8'),
    'store.html': `${tab}<script>localStorage.setItem('user', location.hash.slice(1)); document.title = 'outcome: stored';</script>`,
    'tab.html': `${tab}<script type="module" src="/session.tab.mjs"></script>`,
  });
  const { gateway, base } = await kit.world(), site = await kit.site(folder), iat = Math.floor(Date.now() / 1000) - 29 * 86_400;
  gateway.revoke = true;
  assert.equal(await open(`${site}/store.html#${await gateway.issue({ iat, exp: iat + 30 * 86_400 })}`), 'stored');
  const urls = Array(8).fill(`${site}/tab.html#${encodeURIComponent(JSON.stringify({ base, tabs: 8 }))}`);
  assert.deepEqual(await (open.all ?? ((urls) => Promise.all(urls.map((url) => open(url)))))(urls), Array(8).fill('fresh true refreshed'));
  assert.equal(gateway.refreshes(), 1);
}

const ways = {
  page: way('page'), 'script tag': way('script'), 'module worker': way('module-worker'), 'classic worker': way('classic-worker'),
  'shared worker': way('shared-worker'), 'service worker': way('service-worker'),
  'eight tabs with one session': eightTabs, 'login before the page is left': loginThenLeave,
  'logout before the page comes back': backAfterLogout,
  'session in a frame of another site': inFrameOfAnotherSite, 'session in a sandbox': inSandbox,
};

/** Opens pages in WebKit, by WebDriver: MiniBrowser is a window, so it gets a screen of its own. */
export async function webkit(kit) {
  const port = await kit.port(), display = `:${100 + (port % 400)}`, screen = `/tmp/.X11-unix/X${display.slice(1)}`;
  const start = (command, args, env = {}) => {
    const child = spawn(command, args, { detached: true, stdio: 'ignore', env: { ...process.env, ...env } });
    kit.after(() => {
      try {
        process.kill(-child.pid, 'SIGKILL');
      } catch {}
    });
  };
  start('Xvfb', [display, '-screen', '0', '800x600x24', '-nolisten', 'tcp']);
  while (!existsSync(screen)) await new Promise((resolve) => setTimeout(resolve, 50));
  start(process.env.WEBKIT_DRIVER ?? '/usr/bin/WebKitWebDriver', [`--port=${port}`], { DISPLAY: display, WAYLAND_DISPLAY: '' });
  const ask = async (method, path, body) => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { method, body: body && JSON.stringify(body), headers: { 'content-type': 'application/json' } });
    const { value } = await answer.json();
    if (!answer.ok) throw new Error(`WebKitWebDriver: ${value.error}: ${value.message}`);
    return value;
  };
  while (!(await ask('GET', '/status').catch(() => null))?.ready) await new Promise((resolve) => setTimeout(resolve, 100));
  const libraries = '/usr/lib/x86_64-linux-gnu';
  const binary = readdirSync(libraries).filter((name) => name.startsWith('webkit2gtk-4')).map((name) => join(libraries, name, 'MiniBrowser')).at(-1);
  const options = { binary, args: ['--automation'] };
  const { sessionId } = await ask('POST', '/session', { capabilities: { alwaysMatch: { 'webkitgtk:browserOptions': options } } });
  kit.after(() => ask('DELETE', `/session/${sessionId}`));
  const told = async (limitMs = 25_000) => {
    for (const end = Date.now() + limitMs; Date.now() < end; await new Promise((resolve) => setTimeout(resolve, 100))) {
      const title = await ask('GET', `/session/${sessionId}/title`);
      if (title.startsWith('outcome: ')) return title.slice(9);
    }
    throw new Error('the page told nothing in time');
  };
  const open = async (url, limitMs) => {
    await ask('POST', `/session/${sessionId}/url`, { url });
    return told(limitMs);
  };
  open.all = async (urls) => {
    const handles = [], outcomes = [], first = await ask('GET', `/session/${sessionId}/window`);
    const turnTo = (handle) => ask('POST', `/session/${sessionId}/window`, { handle });
    for (const url of urls) {
      const { handle } = await ask('POST', `/session/${sessionId}/window/new`, { type: 'tab' });
      handles.push(handle);
      await turnTo(handle);
      await ask('POST', `/session/${sessionId}/url`, { url });
    }
    for (const handle of handles) {
      await turnTo(handle);
      outcomes.push(await told());
      await ask('DELETE', `/session/${sessionId}/window`);
    }
    await turnTo(first);
    return outcomes;
  };
  return open;
}

const printed = (command, ...args) => () => execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
const row = (name, before, found, more = {}) => ({ group: 'Browsers', name, before, found, limitMs: 180_000 + LOGINS * 9_000, ways: { ...ways, ...more } });
export default [
  row('Chromium', (kit) => kit.browser(), printed(process.env.CHROMIUM ?? '/usr/bin/chromium', '--version')),
  row('Firefox', (kit) => kit.browser('firefox'), printed(process.env.FIREFOX ?? '/usr/bin/firefox-esr', '--version'), { 'session with cookies blocked': withCookiesBlocked }),
  row('WebKit (WebKitGTK, in place of Safari)', webkit),
];
