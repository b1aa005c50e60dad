// Sessions in the pages of a browser: a login that the page leaves at once, a logout while it is away, and a page or a frame
// that may store nothing.
import assert from 'node:assert/strict';
import { html } from './harness.mjs';

/** How many logins of each kind there are. */
export const LOGINS = Number(process.env.LOGINS ?? 10);

const IMPORT = `import { TokenSession, webStorage } from '/node_modules/transak-user-token/index.js';
const given = JSON.parse(decodeURIComponent(location.hash.slice(1)));
const go = (path, given) => location.assign(path + '#' + encodeURIComponent(JSON.stringify(given)));
`;

// The page navigates as soon as the login is done, and from there back to the next login.
const LOGIN = `${IMPORT}
const options = { baseUrl: given.base, storage: webStorage(() => localStorage), key: 'user' };
const text = (value) => btoa(JSON.stringify(value)).replace(/=+$/, '');
const issue = () => {
  const iat = Math.floor(Date.now() / 1000);
  return [text({ alg: 'HS256' }), text({ sub: 'user@example.com', jti: String(Math.random()), iat, exp: iat + 86_400 }), 'signature'].join('.');
};
const kinds = [
  (token) => new TokenSession(token, options).accessToken(),
  (token) => TokenSession.login(token, options),
  (token) => new TokenSession(issue(), options).replace(token),
];
localStorage.clear();
const token = issue();
await kinds[given.time % kinds.length](token);
go('next.html', { ...given, token });
`;

const NEXT = `${IMPORT}
const { token, base, times, lost } = given, time = given.time + 1;
const session = await TokenSession.open({ baseUrl: base, storage: webStorage(() => localStorage), key: 'user' });
const opened = await session.accessToken().catch(() => null);
if (opened !== token || localStorage.getItem('user') !== token) lost[given.time % lost.length]++;
if (time < times) go('login.html', { base, times, time, lost });
else document.title = 'outcome: lost ' + lost;
`;

// The page navigates to another one, where there is a logout, and comes back.
const BACK = `${IMPORT}
const session = await TokenSession.login(given.token, { baseUrl: given.base, storage: webStorage(() => localStorage), key: 'user' });
const cleared = new Promise((resolve) => session.addEventListener('cleared', resolve));
session.start();
await session.accessToken();
addEventListener('pageshow', async ({ persisted }) => {
  if (!persisted) return;
  const calls = await Promise.allSettled([session.accessToken(), cleared.then(() => session.accessToken()), cleared.then(() => session.refresh())]);
  document.title = 'outcome: handed out ' + calls.filter(({ status }) => status === 'fulfilled').length + ', stored ' + localStorage.getItem('user');
});
// The page waits until it is loaded. Earlier, the next page would replace it in the history.
while (document.readyState !== 'complete') await new Promise((resolve) => setTimeout(resolve, 20));
setTimeout(() => go('out.html', given), 100);
`;

const OUT = `${IMPORT}
const session = await TokenSession.open({ baseUrl: given.base, storage: webStorage(() => localStorage), key: 'user' });
await session.clear();
while (document.readyState !== 'complete') await new Promise((resolve) => setTimeout(resolve, 20));
history.back();
`;

// Each way to begin a session, and each of its methods, in a page that may have no storage.
const METHODS = `${IMPORT}
const options = { baseUrl: given.base, storage: webStorage(() => localStorage), key: 'user' };
const facts = [];
const code = (promise) => promise.then(() => 'resolved', (error) => error.code ?? String(error));
const task = () => new Promise((resolve) => setTimeout(resolve, 50));

async function use(name, session, token) {
  let errors = 0, told = 0;
  session.addEventListener('storageerror', () => errors++);
  session.subscribe(() => told++);
  if (token) await session.replace(token);
  const first = await session.accessToken(), { accessToken } = await session.refresh();
  session.start();
  const held = await session.accessToken();
  session.stop();
  const { state } = session.snapshot(), { state: same } = session.status();
  const cleared = await code(session.clear()), after = await code(session.accessToken());
  await task();
  session.dispose();
  facts.push([name, first !== accessToken && accessToken === held, state === same && state, told > 0, cleared, after, 'errors ' + errors].join(' '));
}

async function prove() {
  const [opened, loggedIn, constructed, brief] = given.tokens;
  await use('opened', await TokenSession.open(options), opened);
  await use('logged in', await TokenSession.login(loggedIn, options));
  await use('constructed', new TokenSession(constructed, options));
  const session = new TokenSession(brief, options);
  facts.push('cleared at once ' + await code(session.clear()));
  session.dispose();
  let blocked = false;
  try { blocked = !localStorage; } catch { blocked = true; }
  facts.push('blocked ' + blocked);
}
const unhandled = [];
addEventListener('error', ({ message }) => unhandled.push(message));
addEventListener('unhandledrejection', ({ reason }) => unhandled.push(String(reason)));
prove().catch((error) => facts.push(String(error?.stack ?? error))).then(task).then(() => {
  const outcome = facts.concat(unhandled).join(', ');
  if (parent === window) document.title = 'outcome: ' + outcome;
  else parent.postMessage(outcome, '*');
});
`;

const FRAMED = `<!doctype html><title>waiting</title><link rel="icon" href="data:,"><script>
const { src, sandbox } = JSON.parse(decodeURIComponent(location.hash.slice(1)));
const frame = document.createElement('iframe');
if (sandbox) frame.sandbox = sandbox;
frame.src = src;
onmessage = ({ data }) => { document.title = 'outcome: ' + data; };
document.documentElement.append(frame);
</script>`;

const files = {
  'login.js': LOGIN, 'login.html': html('/login.js', 'type="module"'),
  'next.js': NEXT, 'next.html': html('/next.js', 'type="module"'),
  'back.js': BACK, 'back.html': html('/back.js', 'type="module"'),
  'out.js': OUT, 'out.html': html('/out.js', 'type="module"'),
  'methods.js': METHODS, 'methods.html': html('/methods.js', 'type="module"'),
  'framed.html': FRAMED,
};
const hash = (given) => `#${encodeURIComponent(JSON.stringify(given))}`;

/** Logs in and navigates, several times for each kind of login, and finds the session in the next page. */
export async function loginThenLeave(kit, open) {
  const site = await kit.site(await kit.project(files)), { base } = await kit.world();
  const outcome = await open(`${site}/login.html${hash({ base, times: 3 * LOGINS, time: 0, lost: [0, 0, 0] })}`, 60_000 + LOGINS * 9_000);
  assert.equal(outcome, 'lost 0,0,0');
}

/** Logs out while a page is in the back/forward cache. A page that is not kept there logs in again, and never reports. */
export async function backAfterLogout(kit, open) {
  const site = await kit.site(await kit.project(files)), { gateway, base } = await kit.world();
  assert.equal(await open(`${site}/back.html${hash({ base, token: await gateway.issue() })}`), 'handed out 0, stored null');
}

/** The expected results for a session without a store, and with one. */
const facts = (isBlocked) => {
  const used = `true fresh true resolved ERR_INVALID_TOKEN errors ${isBlocked ? 1 : 0}`;
  return `opened ${used}, logged in ${used}, constructed ${used}, cleared at once resolved, blocked ${isBlocked}`;
};

/** Calls every method of a session, in a page or in a frame of this site, of another one or of none. */
async function everyMethod(kit, open, frame) {
  const site = await kit.site(await kit.project(files), { 'access-control-allow-origin': '*' }), { gateway, base } = await kit.world();
  const tokens = await Promise.all(Array.from({ length: 4 }, () => gateway.issue()));
  const path = `/methods.html${hash({ base, tokens })}`;
  const frames = { 'of another site': { src: site.replace('127.0.0.1', 'localhost') + path }, 'without an origin': { src: site + path, sandbox: 'allow-scripts' } };
  return open(frame ? `${site}/framed.html${hash(frames[frame])}` : site + path);
}

/** Calls every method in a frame of another site. The browser may allow it to store, or not. */
export const inFrameOfAnotherSite = async (kit, open) => {
  const outcome = await everyMethod(kit, open, 'of another site');
  assert.equal(outcome, facts(outcome.endsWith('blocked true')));
};

export const inSandbox = async (kit, open) => assert.equal(await everyMethod(kit, open, 'without an origin'), facts(true));

/** Calls every method in a Firefox that blocks other sites' cookies (1), or all (2). */
export async function withCookiesBlocked(kit) {
  for (const [behavior, frame, isBlocked] of [[1, null, false], [1, 'of another site', true], [2, null, true], [2, 'of another site', true]]) {
    const open = await kit.browser('firefox', { 'network.cookie.cookieBehavior': behavior });
    assert.equal(await everyMethod(kit, open, frame), facts(isBlocked), `cookieBehavior ${behavior}, ${frame ?? 'a page'}`);
  }
}
