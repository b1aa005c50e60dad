// The package in a content script, in Chromium and in Firefox: on a page without a policy, and on one whose policy is strict.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { build } from 'esbuild';
import { PROVEN } from '../proof.js';
import { withExtension } from './9-extensions.mjs';

const MANIFEST = JSON.stringify({
  manifest_version: 3, name: 'Content script', version: '1.0.0', permissions: ['storage'], host_permissions: ['http://127.0.0.1/*'],
  content_scripts: [{ matches: ['http://127.0.0.1/*'], js: ['content.js'] }],
  background: { service_worker: 'worker.js', scripts: ['worker.js'] },
  browser_specific_settings: { gecko: { id: 'content@example.com', strict_min_version: '128.0' } },
});

// The script does what the address says, and shows the outcome in the title, which it shares with the page.
const CONTENT = `import * as main from 'transak-user-token';
import * as js from 'transak-user-token/js';
import { extensionStorage } from 'transak-user-token/storage';
import { prove } from './proof.js';
const given = JSON.parse(decodeURIComponent(location.hash.slice(1))), { base, token, key } = given;
const options = { baseUrl: base, storage: extensionStorage(chrome.storage.local), key };
const code = (promise) => promise.then(() => 'resolved', (error) => error.code ?? String(error));
/** Reports that it is ready, and waits for the command to go on. It uses no timer, because the timers of a background tab are late. */
const told = () => new Promise((resolve) => {
  document.title = 'ready';
  new MutationObserver((records, observer) => document.title === 'go' && resolve(observer.disconnect())).observe(document.querySelector('title'), { childList: true });
});
const parts = {
  main: () => prove(main, given),
  js: () => prove(js, given),
  session: async () => {
    const session = await js.TokenSession.login(token, options), { accessToken } = await session.refresh();
    const again = await js.TokenSession.open(options), isKept = accessToken !== token && await again.accessToken() === accessToken;
    await again.clear();
    return [isKept, await code(session.refresh()), Object.keys(await chrome.storage.local.get(key)).length].join();
  },
  'two sessions': async () => {
    let isStoring;
    const kept = new Map([[key, token]]), storing = new Promise((resolve) => { isStoring = resolve; });
    const storage = {
      get: (key) => kept.get(key), delete: (key) => { kept.delete(key); },
      async set(key, value) {
        isStoring();
        // Long enough for another request.
        for (let count = 0; count < 5; count++) await fetch(base + '/healthz');
        kept.set(key, value);
      },
    };
    const open = () => js.TokenSession.open({ ...options, storage }), sessions = [await open(), await open()];
    const first = code(sessions[0].refresh());
    await storing;
    const outcomes = [await code(sessions[1].refresh()), await first], calls = [1, 2].map(() => code(js.refreshAccessToken(kept.get(key), { baseUrl: base })));
    return [...outcomes, ...await Promise.all(calls)].join();
  },
  login: async () => code(js.TokenSession.login(token, options)),
  tab: async () => {
    const session = await js.TokenSession.open(options);
    await told();
    const outcome = await code(session.refresh());
    await told();
    return outcome + ' ' + (await session.accessToken() === (await chrome.storage.local.get(key))[key]);
  },
  'in the page': async () => code(js.TokenSession.login(token, { ...options, storage: js.webStorage(() => localStorage) })),
  worker: () => chrome.runtime.sendMessage('status'),
};
parts[given.part]().then((outcome) => { document.title = 'outcome: ' + outcome; }, (error) => { document.title = 'outcome: ' + (error.code ?? error) + ': ' + error.message; });
`;

const WORKER = `import { TokenSession } from 'transak-user-token/js';
import { extensionStorage } from 'transak-user-token/storage';
const login = TokenSession.login(TOKEN, { baseUrl: BASE, storage: extensionStorage(chrome.storage.local), key: 'worker' });
chrome.runtime.onMessage.addListener((what, sender, answer) => {
  login.then(async (session) => {
    await session.accessToken();
    answer(session.snapshot().state);
  });
  return true;
});
`;

/** Starts a browser with the extension. Returns what opens a page in it, a gateway that revokes, and tokens in their last day. */
async function prepared(kit, which) {
  const gateway = kit.createGateway({ allowedOrigins: 'any', revoke: true }), { url: base, close } = await gateway.listen();
  kit.after(close);
  const exp = Math.floor(Date.now() / 1000) + 86_400, issue = () => gateway.issue({ iat: exp - 30 * 86_400, exp }), token = await issue();
  const folder = await kit.project({ 'content.js': CONTENT, 'worker.js': WORKER, 'dist/manifest.json': MANIFEST, 'site/index.html': '<!doctype html><title>waiting</title>' });
  await build({
    entryPoints: ['content.js', 'worker.js'], absWorkingDir: folder, outdir: 'dist', bundle: true, logLevel: 'silent',
    define: { BASE: JSON.stringify(base), TOKEN: JSON.stringify(token) },
  });
  const { browser } = await withExtension(kit, which, join(folder, 'dist'));
  const site = (policy) => kit.site(join(folder, 'site'), policy && { 'content-security-policy': policy });
  const sites = { plain: await site(), strict: await site("default-src 'none'; script-src 'self'"), connecting: await site(`default-src 'none'; script-src 'self'; connect-src ${base}`) };
  /** Opens a page with a part of the script to do, and returns what waits for a title that begins so. */
  const open = async (site, given) => {
    const page = await browser.newPage();
    await page.goto(`${site}/#${encodeURIComponent(JSON.stringify({ base, ...given }))}`);
    const title = async (start) => {
      for (const end = Date.now() + 25_000; Date.now() < end; await new Promise((resolve) => setTimeout(resolve, 50))) {
        const title = await page.title();
        if (title.startsWith(start)) return title.slice(start.length);
      }
      throw new Error(`no title begins with ${start}: ${await page.title()}`);
    };
    return { page, title, go: () => page.evaluate(() => { document.title = 'go'; }) };
  };
  const outcome = async (site, given) => (await open(site, given)).title('outcome: ');
  return { gateway, ...sites, open, outcome, issue, token };
}

/** Checks, refreshes and errs on these pages, with WebAssembly (`main`) or without. */
const proves = (part, ...sites) => async (kit, { gateway, outcome, ...world }) => {
  // Each page has a token of its own, because a refresh revokes the old one.
  for (const site of sites) assert.equal(await outcome(world[site], { part, token: await gateway.issue() }), PROVEN, site);
};
/** Fails on a page with a strict policy. */
const fails = (part, pattern) => async (kit, { strict, outcome, issue }) =>
  assert.match(await outcome(strict, { part, token: await issue() }), pattern);

async function session(kit, { connecting, outcome, issue }) {
  assert.equal(await outcome(connecting, { part: 'session', token: await issue(), key: 'session' }), 'true,ERR_INVALID_TOKEN,0');
}

async function twoSessions(kit, { plain, outcome, issue, gateway }) {
  const token = await issue();
  assert.equal(await outcome(plain, { part: 'two sessions', token, key: 'two sessions' }), 'resolved,resolved,resolved,resolved');
  assert.equal(gateway.refreshes(token), 1);
}

/** Lets two tabs refresh one token at once, and returns how often it was sent, and what each tab says. */
async function twoTabs({ plain, open, outcome, issue, gateway }) {
  const token = await issue(), key = 'tabs';
  assert.equal(await outcome(plain, { part: 'login', token, key }), 'resolved');
  const tabs = [await open(plain, { part: 'tab', key }), await open(plain, { part: 'tab', key })];
  gateway.fail({ kind: 'latency', ms: 300 }, { times: 2 });
  // First they refresh, then they are asked for the token.
  for (let step = 0; step < 2; step++) {
    await Promise.all(tabs.map(({ title }) => title('ready')));
    await Promise.all(tabs.map(({ go }) => go()));
  }
  const outcomes = await Promise.all(tabs.map(({ title }) => title('outcome: ')));
  gateway.heal();
  return { times: gateway.refreshes(token), outcomes };
}

async function once(kit, world) {
  assert.deepEqual(await twoTabs(world), { times: 1, outcomes: ['resolved true', 'resolved true'] });
}

/** The second tab is refused, perhaps before the token of the first tab is stored. In the end it has that token. */
async function loggedIn(kit, world) {
  const { outcomes } = await twoTabs(world);
  assert.ok(outcomes.includes('resolved true'));
  for (const outcome of outcomes) assert.match(outcome, /^(resolved|ERR_UNAUTHORIZED) true$/);
}

async function readByPage(kit, { plain, open, issue }) {
  const token = await issue(), { page, title } = await open(plain, { part: 'in the page', token, key: 'in the page' });
  assert.equal(await title('outcome: '), 'resolved');
  assert.equal(await page.evaluate(() => localStorage.getItem('in the page')), token);
}

async function byWorker(kit, { plain, strict, outcome, token, gateway }) {
  assert.deepEqual(await Promise.all([plain, strict].map((site) => outcome(site, { part: 'worker' }))), ['fresh', 'fresh']);
  assert.equal(gateway.refreshes(token), 1);
}

const shared = {
  'a session in `storage.local`': session, 'two sessions make one request, and so do two calls': twoSessions,
  'messages to the worker that has the token': byWorker, 'the page reads what `webStorage` keeps': readByPage,
};
const row = (name, which, note, ways) => ({
  group: 'Extensions', name, set: 'bundlers', limitMs: 90_000, note, before: (kit) => prepared(kit, which), ways: { ...ways, ...shared },
});
export default [
  row('A content script in Chromium', 'chrome', 'the policy of the page decides about WebAssembly; keep the token in the worker', {
    'main entry': proves('main', 'plain'),
    'one clear error from it under a strict policy of the page': fails('main', /^ERR_WASM_UNAVAILABLE: .*transak-user-token\/js/),
    '`transak-user-token/js` under any policy': proves('js', 'plain', 'strict'),
    'two tabs make one request': once,
  }),
  row('A content script in Firefox', 'firefox', "the policy of the page decides about requests (`connect-src`), and Web Locks hold nothing: two tabs may send one token, and one of them may be refused; keep the token in the worker", {
    'main entry': proves('main', 'plain', 'connecting'),
    '`transak-user-token/js`': proves('js', 'plain', 'connecting'),
    'a refresh rejects if `connect-src` forbids it': fails('js', /^ERR_NETWORK: /),
    'two tabs have the same token in the end': loggedIn,
  }),
];
