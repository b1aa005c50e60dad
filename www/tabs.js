// A session that all tabs of this page share. The token is in their common store. The page shows only digits of its hash.
import { TokenSession, webStorage } from '/package/index.js';
import { clock, countdown } from './times.js';

const EVENTS = ['refreshed', 'refreshfailed', 'expired', 'replaced', 'cleared', 'storageerror'];
const STATES = { fresh: 'Fresh', expiring: 'Expiring', expired: 'Expired', invalid: 'No token yet' };
const LOG_LENGTH = 60;

const $ = (id) => document.getElementById(id);
const config = await (await fetch('/config.json')).json();
const options = {
  baseUrl: config.gateway, storage: webStorage(localStorage), key: 'demo-user', fetch: counted, refreshWindowMs: config.lifetimeMs / 3,
};

let requests = 0, busy = false;

/** The session of this tab. It is empty before a login. It adopts a login in another tab. */
let session;
use(await TokenSession.open(options));
$('log-in').addEventListener('click', () => attempt(logIn));
$('refresh').addEventListener('click', () => attempt(() => session.refresh()));
$('log-out').addEventListener('click', () => attempt(() => session.clear()));
setInterval(show, 200);
document.body.dataset.ready = 'true';

/** Shows a session from now on. */
function use(next) {
  for (const type of EVENTS) next.addEventListener(type, ({ detail }) => log(detail?.error ? `${type}: ${detail.error.code}` : type));
  next.subscribe(() => { show(); mark(); });
  next.start();
  session?.dispose();
  session = next;
  show();
  mark();
}

async function logIn() {
  const email = 'user@example.com', apiKey = 'demo';
  const { stateToken } = await post('/api/v2/auth/login', { apiKey, email });
  const { accessToken } = await post('/api/v2/auth/verify', { apiKey, email, otp: '123456', stateToken });
  // Resolves when the token is stored. After that the page may navigate.
  use(await TokenSession.login(accessToken, options));
  log('logged in');
}

async function post(path, body) {
  const response = await fetch(config.gateway + path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  const { data, error } = await response.json();
  if (!response.ok) throw new Error(error.message);
  return data;
}

function counted(url, init) {
  $('requests').textContent = String(++requests);
  return fetch(url, init);
}

/** Runs one call at a time. */
async function attempt(work) {
  if (busy) return;
  busy = true;
  show();
  try {
    await work();
  } catch (problem) {
    log(problem.code ?? problem.message);
  } finally {
    busy = false;
    show();
  }
}

/** Shows a few digits of the token's digest: enough to see that two tabs hold the same one. */
async function mark() {
  const token = await session.accessToken().catch(() => null);
  const digest = token && new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(token)));
  $('hash').hidden = !digest;
  $('mark').textContent = digest ? [...digest.slice(0, 4)].map((byte) => byte.toString(16).padStart(2, '0')).join('') : 'none';
}

function show() {
  const { state, action, expiresInMs } = session.status();
  document.body.dataset.state = state === 'invalid' ? 'none' : state;
  document.body.dataset.action = action;
  $('state').textContent = STATES[state];
  if (expiresInMs !== undefined) [$('countdown-name').textContent, $('countdown').textContent] = countdown(expiresInMs);
  $('log-in').disabled = busy;
  $('refresh').disabled = busy || action === 'login';
  $('log-out').disabled = busy || state === 'invalid';
}

function log(text) {
  const item = document.createElement('li'), time = document.createElement('time'), what = document.createElement('span');
  time.textContent = clock(Date.now(), 0);
  what.textContent = text;
  item.append(time, what);
  $('log').querySelector('.note')?.remove();
  $('log').prepend(item);
  while ($('log').children.length > LOG_LENGTH) $('log').lastChild.remove();
}
