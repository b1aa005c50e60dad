// This page checks one token on every frame. Only this variable holds the token, and nothing here stores it.
import { ensureFreshToken, refreshAccessToken, tokenStatus } from '/package/index.js';
import { draw } from './timeline.js';
import { MINUTE, clock, countdown, span } from './times.js';

/** The number of the slider's steps. One step is a 60th of the token's life. */
const STEPS = 60;
/** A life of a minute is short. So the refresh window is a third of it, which leaves time to see the window. */
const SHARE_OF_A_MINUTE = 20;
const TIMEOUT_MS = 2500;
const LOG_LENGTH = 60;

const FAULTS = {
  'drop-before': { kind: 'drop', when: 'before' },
  'drop-after': { kind: 'drop', when: 'after' },
  500: { kind: 'error', status: 500 },
  401: { kind: 'error', status: 401, errorCode: 1002, message: 'Access token is missing, invalid or expired' },
  429: { kind: 'rate-limit', retryAfter: 2 },
  html: { kind: 'html' },
  hang: { kind: 'hang' },
};

const STATES = { fresh: 'Fresh', expiring: 'Expiring', expired: 'Expired', invalid: 'Invalid' };
const ADVICE = {
  fresh: ({ refreshAt, expiresAt, issuedAt }) => `Use it. It needs no refresh before ${clock(refreshAt, expiresAt - issuedAt)}.`,
  expiring: ({ expiresAt, issuedAt }) => `Refresh it now. It still works, until ${clock(expiresAt, expiresAt - issuedAt)}.`,
  expired: () => 'Log in again. An expired token cannot be refreshed.',
  invalid: ({ reason }) => `Log in again: ${reason}.`,
};
const MEANING = {
  retry: 'try again later; until then the old token may still work',
  login: 'log in again',
  fix: 'a mistake in the program or its set-up',
};

const $ = (id) => document.getElementById(id);
const config = await (await fetch('/config.json')).json();

let token;
let share = null;
let busy = false;
let requests = 0;
/** The token's state when the result on the page came. In any other state the result is dimmed. */
let resultState;
/** The values on the page, so that a frame writes only those that change. */
const shown = new Map();

start();

function start() {
  selectLifetime(config.lifetimeMs);
  $('login').addEventListener('submit', (event) => {
    event.preventDefault();
    call($('log-in'), logIn);
  });
  $('lifetime').addEventListener('change', async () => {
    const lifetimeMs = Number($('lifetime').value);
    await tell('/gateway/lifetime', { lifetimeMs });
    presetWindow(lifetimeMs);
    log(`Tokens issued from now on live for ${span(lifetimeMs)}`);
  });
  $('share').addEventListener('input', () => { share = Number($('share').value); });
  $('default-window').addEventListener('click', () => { share = null; });
  $('ensure').addEventListener('click', () => call($('ensure'), () => renew('ensureFreshToken', ensureFreshToken)));
  $('refresh').addEventListener('click', () => call($('refresh'), () => renew('refreshAccessToken', refreshAccessToken)));
  requestAnimationFrame(frame);
}

/** Runs one call at a time. A click during a call does nothing. */
async function call(button, work) {
  if (busy) return;
  busy = true;
  button.setAttribute('aria-disabled', 'true');
  try {
    await work();
  } catch (problem) {
    showResult('error', 'The demo’s own server does not answer', [['message', problem.message]]);
  } finally {
    busy = false;
    button.removeAttribute('aria-disabled');
  }
}

async function logIn() {
  const apiKey = 'demo', email = $('email').value, otp = $('otp').value;
  $('login-error').hidden = true;
  try {
    const { stateToken } = await post('/api/v2/auth/login', { apiKey, email });
    log('Login: a one-time password was requested');
    const { accessToken } = await post('/api/v2/auth/verify', { apiKey, email, otp, stateToken });
    token = accessToken;
    log('One-time password accepted: a token came');
  } catch (problem) {
    $('login-error').textContent = `The login failed: ${problem.message}`;
    $('login-error').hidden = false;
    log('Login failed');
  }
}

async function post(path, body) {
  const response = await fetch(config.gateway + path, {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body),
  });
  const { data, error } = await response.json();
  if (!response.ok) throw new Error(error.message);
  return data;
}

/** Calls either function of the package. */
async function renew(name, ask) {
  const asked = token ?? '';
  await tell('/gateway/fault', { fault: FAULTS[$('fault').value] ?? null, once: $('once').checked });
  log(`${name}(token)`);
  requests = 0;
  try {
    const { accessToken, refreshed, error } = await ask(asked, {
      baseUrl: config.gateway, timeoutMs: TIMEOUT_MS, fetch: watchedFetch, ...windowOption(),
    });
    if (token === asked) token = accessToken;
    if (error) showError(`${name}: the old token, which still works`, error);
    else showSuccess(name, accessToken !== asked, refreshed);
  } catch (error) {
    showError(`${name} was rejected`, error);
  }
  if (requests > 0) {
    $('fault').value = '';
    await tell('/gateway/fault', { fault: null });
  }
}

async function watchedFetch(url, init) {
  const number = ++requests;
  try {
    const response = await fetch(url, init);
    log(`Request ${number}: ${response.status}`);
    return response;
  } catch (problem) {
    log(`Request ${number}: ${init.signal?.aborted ? `no answer in ${span(TIMEOUT_MS)}` : 'no answer'}`);
    throw problem;
  }
}

async function tell(path, body) {
  const response = await fetch(path, {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(await response.text());
}

function selectLifetime(lifetimeMs) {
  const select = $('lifetime');
  if (![...select.options].some(({ value }) => Number(value) === lifetimeMs)) {
    select.add(new Option(span(lifetimeMs), String(lifetimeMs)));
  }
  select.value = String(lifetimeMs);
  presetWindow(lifetimeMs);
}

function presetWindow(lifetimeMs) {
  share = lifetimeMs <= MINUTE ? SHARE_OF_A_MINUTE : null;
}

/** The window is a share of the token's life. Without a token, it is a share of the life of the next token. */
function windowOption() {
  if (share === null) return {};
  const status = token === undefined ? {} : tokenStatus(token);
  const lifetimeMs = status.issuedAt ? status.expiresAt - status.issuedAt : Number($('lifetime').value);
  return { refreshWindowMs: Math.round(lifetimeMs * share / STEPS) };
}

/** Draws an example of a life while there is no valid token. The style sheet hides its times. */
function outline({ refreshWindowMs }) {
  const life = Number($('lifetime').value);
  draw({ state: 'none', issuedAt: 0, refreshAt: life - (refreshWindowMs ?? life / 10), expiresAt: life, expiresInMs: life });
}

function frame() {
  const options = windowOption();
  const status = token === undefined ? undefined : tokenStatus(token, options);
  if (status) showStatus(status);
  if (!status || status.state === 'invalid') outline(options);
  showWindow(options, status);
  requestAnimationFrame(frame);
}

/** Calls `write` if `value` has changed. */
function change(key, value, write) {
  if (shown.get(key) === value) return;
  shown.set(key, value);
  write(value);
}

function showStatus(status) {
  const { state, action } = status;
  change('state', state, () => {
    document.body.dataset.state = state;
    if (state !== resultState) $('result').dataset.past = '';
    document.body.dataset.action = action;
    $('state').textContent = STATES[state];
    $('icon').setAttribute('href', `#icon-${state === 'invalid' ? 'expired' : state}`);
    log(`The token is ${state}; action: ${action}`);
  });
  change('advice', ADVICE[state](status), (text) => { $('advice').textContent = text; });
  if (state === 'invalid') return;
  const [name, time] = countdown(status.expiresInMs);
  change('countdown-name', name, (text) => { $('countdown-name').textContent = text; });
  change('countdown', time, (text) => { $('countdown').textContent = text; });
  draw(status);
}

/** Says which window is in use, and whether it is the default. */
function showWindow({ refreshWindowMs }, status) {
  const choice = refreshWindowMs === undefined ? 'default: 10 % of the lifetime' : `refreshWindowMs: ${refreshWindowMs}`;
  const lengthMs = status?.expiresAt ? status.expiresAt - status.refreshAt : refreshWindowMs ?? Number($('lifetime').value) / 10;
  const length = `${span(lengthMs)} before expiry`, text = `${length} (${choice})`;
  change('window', text, () => {
    $('window-text').textContent = text;
    $('share').value = String(share ?? STEPS / 10);
    $('share').setAttribute('aria-valuetext', length);
    $('default-window').hidden = share === null;
  });
}

function showSuccess(name, isNew, refreshed) {
  const rows = [['requests', String(requests)]];
  if (refreshed !== undefined) rows.unshift(['refreshed', String(refreshed)]);
  showResult('good', `${name}: ${isNew ? 'a new token' : 'the token as it was'}`, rows);
}

function showError(title, error) {
  const rows = [
    ['code', error.code],
    ['action', `${error.action}: ${MEANING[error.action]}`],
    ['message', error.message],
    ['attempts', String(error.attempts)],
    ['outcomeUnknown', error.outcomeUnknown ? 'true: the old token may be gone' : 'false'],
    ['status', error.status],
    ['errorCode', error.errorCode],
    ['retryAfterMs', error.retryAfterMs],
  ].filter(([, value]) => value !== undefined);
  showResult('error', title, rows);
  log(`${error.code}, action: ${error.action}`);
}

function showResult(outcome, title, rows) {
  const heading = element('h3', title);
  const list = element('dl');
  for (const [name, value] of rows) {
    const dd = element('dd', name === 'code' ? '' : String(value));
    if (name === 'code') dd.append(element('code', value));
    dd.dataset.field = name;
    list.append(element('dt', name), dd);
  }
  $('result').dataset.outcome = outcome;
  delete $('result').dataset.past;
  resultState = token === undefined ? undefined : tokenStatus(token, windowOption()).state;
  $('result').replaceChildren(heading, list);
  if (outcome === 'good') log(title);
}

function log(text) {
  const item = element('li');
  item.append(element('time', clock(Date.now(), 0)), element('span', text));
  $('log').querySelector('.note')?.remove();
  $('log').prepend(item);
  while ($('log').children.length > LOG_LENGTH) $('log').lastChild.remove();
}

function element(name, text = '') {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}
