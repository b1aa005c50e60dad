// A session in React: an app in two tabs, and a component that a server renders.
import assert from 'node:assert/strict';
import { join } from 'node:path';

const DAY_S = 86_400;

/** The component of each row. It shows the session's state, and uses its token. */
const HOOK = `import { useEffect, useSyncExternalStore } from 'react';

export function useSession(session, serverSnapshot = session.snapshot) {
  const snapshot = useSyncExternalStore(session.subscribe, session.snapshot, serverSnapshot);
  globalThis.renders = (globalThis.renders ?? 0) + 1;
  useEffect(() => {
    session.start();
    return () => session.stop();
  }, [session]);
  useEffect(() => {
    if (snapshot.action !== 'login') session.accessToken().catch(console.error);
  }, [session, snapshot]);
  return snapshot;
}
`;

const files = {
  'hook.js': HOOK,
  'index.html': `<!doctype html><meta charset="utf-8"><title>app</title><link rel="icon" href="data:,"><div id="root"></div>
<script>__REACT_DEVTOOLS_GLOBAL_HOOK__ = { isDisabled: true };</script><script type="module" src="/app.js"></script>`,
  'app.jsx': `import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { TokenSession, webStorage } from 'transak-user-token';
import { useSession } from './hook.js';

const { base, token } = JSON.parse(decodeURIComponent(location.hash.slice(1)));
const session = new TokenSession(null, { baseUrl: base, storage: webStorage(() => localStorage), key: 'user' });

function App() {
  const { state, stored } = useSession(session);
  return <>
    <p id="state">{state}{stored && ' stored'}</p>
    <button id="login" onClick={() => session.replace(token)}>Log in</button>
    <button id="logout" onClick={() => session.clear()}>Log out</button>
  </>;
}
createRoot(document.getElementById('root')).render(<StrictMode><App /></StrictMode>);
`,
};

/** Logs in and out in one of two tabs, in which React's development build runs. */
export async function twoTabs(kit) {
  const folder = await kit.project(files), { gateway, base } = await kit.world(), { newPage, lines } = await kit.browser();
  await kit.run(join(kit.root, 'node_modules/.bin/esbuild'), ['app.jsx', '--bundle', '--format=esm', '--jsx=automatic', '--outfile=app.js', '--define:process.env.NODE_ENV="development"'], { cwd: folder });
  gateway.revoke = true;
  const iat = Math.floor(Date.now() / 1000) - 29 * DAY_S, token = await gateway.issue({ iat, exp: iat + 30 * DAY_S });
  const url = `${await kit.site(folder)}/#${encodeURIComponent(JSON.stringify({ base, token }))}`, tabs = [await newPage(), await newPage()];
  for (const tab of tabs) await tab.goto(url);
  const show = (text) => Promise.all(tabs.map((tab) => tab.waitForFunction((text) => document.getElementById('state')?.textContent === text, { timeout: 15_000, polling: 50 }, text)));
  const click = (id) => tabs[0].evaluate((id) => document.getElementById(id).click(), id);
  await show('invalid');
  await click('login');
  await show('fresh stored');
  const stored = await tabs[1].evaluate(() => localStorage.getItem('user'));
  assert.ok(await gateway.verify(stored));
  assert.notEqual(stored, token);
  await click('logout');
  await show('invalid');
  assert.equal(await tabs[1].evaluate(() => localStorage.length), 0);
  assert.equal(gateway.refreshes(), 1);
  assert.deepEqual(lines, []);
  // Each change is two renders in development.
  for (const tab of tabs) assert.ok(await tab.evaluate(() => renders) < 30);
}

/** A client component with a session at module level, for a Next.js project whose server passes `/transak` on to the gateway. */
export const nextFiles = {
  'app/session/hook.js': HOOK,
  'app/session/page.jsx': "import Session from './session.jsx';\nexport const dynamic = 'force-dynamic';\nexport default () => <Session />;\n",
  'app/session/session.jsx': `'use client';
import { useEffect } from 'react';
import { TokenSession, webStorage } from 'transak-user-token';
import { useSession } from './hook.js';

const session = new TokenSession(null, { baseUrl: '/transak', storage: webStorage(() => localStorage), key: 'user' });
// The snapshot that the server has rendered. In a page the session may find its token before React hydrates and compares.
const first = session.snapshot();

export default () => {
  const { state } = useSession(session, () => first);
  useEffect(() => { globalThis.session = session; }, []);
  return <p id="state">state {state}</p>;
};
`,
};

/** Logs in, reloads with the token stored, and logs out. */
export async function renderedOnServer(kit, { url, server, gateway, open: { newPage, lines } }) {
  gateway.reset();
  lines.length = 0;
  const html = await (await fetch(`${url}/session`)).text();
  assert.ok(/state (<!-- -->)?invalid/.test(html), `it is not rendered on the server: ${server.output.slice(-600)}`);
  const iat = Math.floor(Date.now() / 1000) - 29 * DAY_S, token = await gateway.issue({ iat, exp: iat + 30 * DAY_S });
  const page = await newPage();
  const show = (text) => page.waitForFunction((text) => globalThis.session && document.getElementById('state')?.textContent === text, { timeout: 15_000, polling: 50 }, text);
  await page.goto(`${url}/session`);
  await show('state invalid');
  await page.evaluate((token) => session.replace(token), token);
  await show('state fresh');
  for (let time = 0; time < 5; time++) {
    await page.reload();
    await show('state fresh');
  }
  await page.evaluate(() => session.clear());
  await show('state invalid');
  assert.equal(gateway.refreshes(), 1);
  assert.deepEqual(lines, []);
  assert.doesNotMatch(server.output, /error|rejection/i);
  await page.close();
}
