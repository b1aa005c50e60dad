// Shows the package in a minute, with a gateway on this computer: a login, a check, a refresh and a refusal. It ends with an error if a
// result is not as expected. So it is a smoke test, too. It prints no token.
// Usage: node www/demo.mjs [--once] [folder where the package is installed]
import assert from 'node:assert/strict';
import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { load, serve } from './server.mjs';

export { serve };

const SECOND = 1000, MINUTE = 60 * SECOND, DAY = 24 * 60 * MINUTE;
const BAR = 60;
const EMAIL = 'user@example.com', OTP = '123456';

const coloured = process.stdout.isTTY && !process.env.NO_COLOR;
const paint = (code) => (text) => coloured ? `\x1b[${code}m${text}\x1b[0m` : text;
const bold = paint(1), dim = paint(2), red = paint(31), green = paint(32), yellow = paint(33);
const shade = { fresh: green, expiring: yellow, expired: red };

const say = (text = '') => console.log(text);
const heading = (text) => say(`\n${bold(text)}`);
const row = (name, text) => say(`  ${dim(name.padEnd(14))} ${text}`);

/** @param {string} folder where the package is installed */
export async function walk(folder) {
  const { createGateway, ensureFreshToken, refreshAccessToken, tokenStatus, version } = load(folder);
  const gateway = createGateway();
  const { url, close } = await gateway.listen();
  const options = { baseUrl: url };
  try {
    say(`${bold(`transak-user-token ${version}`)}  is the token fresh, expiring or expired, and what to do next?`);
    say(dim(`A gateway on this computer takes the place of Transak's: ${url}`));

    heading('1  Log in');
    const token = await logIn(url);
    row('token', `${token.length} characters, which are not printed`);

    heading('2  Check it: offline, at once');
    const status = expectStatus(tokenStatus(token), 'fresh', 'use');
    drawTimes(status);

    heading('3  28 of its 30 days later: refresh it');
    const now = Math.floor(Date.now() / SECOND);
    const aged = await gateway.issue({ sub: EMAIL, iat: now - 28 * DAY / SECOND, exp: now + 2 * DAY / SECOND });
    const agedStatus = expectStatus(tokenStatus(aged), 'expiring', 'refresh');
    drawTimes(agedStatus);
    const result = await ensureFreshToken(aged, options);
    assert.ok(result.refreshed && result.accessToken !== aged, 'ensureFreshToken brings a new token');
    assert.ok(gateway.refreshes() === 1, 'with one request');
    row('ensureFresh…', `one request, and a new token in its place`);
    expectStatus(tokenStatus(result.accessToken), 'fresh', 'use', 'new token');

    heading('4  Expired: too late for a refresh');
    const expired = await gateway.issue({ sub: EMAIL, iat: now - 31 * DAY / SECOND, exp: now - DAY / SECOND });
    expectStatus(tokenStatus(expired), 'expired', 'login');
    const before = gateway.refreshes();
    await expectError(refreshAccessToken(expired, options), 'ERR_TOKEN_EXPIRED', 'login');
    assert.ok(gateway.refreshes() === before, 'an expired token is refused without a request');
    row('requests', 'none: no request is sent for an expired token');

    heading('5  Refused by the gateway: 401');
    gateway.fail({ kind: 'error', status: 401, errorCode: 1002 });
    await expectError(refreshAccessToken(token, options), 'ERR_UNAUTHORIZED', 'login');
    row('requests', 'one: a refusal is not retried');

    heading('6  A short outage: 503, then a new token');
    const counted = gateway.refreshes();
    gateway.fail({ kind: 'error', status: 503 });
    const retried = await refreshAccessToken(token, options);
    assert.ok(gateway.refreshes() - counted === 2, 'a 503 is retried');
    row('requests', 'two: the second one got the token');
    expectStatus(tokenStatus(retried.accessToken), 'fresh', 'use', 'new token');

    say(`\n${green('✓')} All as expected.`);
  } finally {
    await close();
  }

  function expectStatus(status, state, action, name = 'tokenStatus') {
    assert.deepEqual([status.state, status.action], [state, action]);
    row(name, `${shade[state](bold(state))}, action: ${bold(action)}`);
    return status;
  }

  async function expectError(promise, code, action) {
    const error = await promise.then(() => assert.fail(`${code} expected`), (reason) => reason);
    if (error.code !== code) throw error;
    assert.ok(error.action === action, `${code} asks for ${action}`);
    row('error', `${red(bold(code))}, action: ${bold(action)}`);
    row('', error.message);
  }
}

/** Makes the two calls to Transak that give a first token. */
async function logIn(url) {
  const apiKey = 'demo';
  const post = async (path, body) => {
    const response = await fetch(url + path, {
      method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body),
    });
    assert.ok(response.status === 200, `${path} answers ${response.status}`);
    return (await response.json()).data;
  };
  const { stateToken } = await post('/api/v2/auth/login', { apiKey, email: EMAIL });
  row('login', `one-time password for ${EMAIL}`);
  const { accessToken } = await post('/api/v2/auth/verify', { apiKey, email: EMAIL, otp: OTP, stateToken });
  row('verify', `${OTP} accepted`);
  return accessToken;
}

function drawTimes({ state, issuedAt, refreshAt, expiresAt, expiresInMs }) {
  const at = (instant) => Math.round((instant - issuedAt) / (expiresAt - issuedAt) * BAR);
  const windowAt = at(refreshAt), nowAt = Math.min(at(expiresAt - expiresInMs), BAR - 1);
  row('', ' '.repeat(nowAt) + shade[state]('▼ now'));
  row('', green('━'.repeat(windowAt)) + yellow('╱'.repeat(BAR - windowAt)) + red('┃'));
  const time = (instant) => new Date(instant).toISOString().slice(0, 16).replace('T', ' ');
  row('issued', time(issuedAt));
  row('refresh from', `${time(refreshAt)}   ${span(expiresAt - refreshAt)} before it expires`);
  row('expires', `${time(expiresAt)}   in ${span(expiresInMs)}  ${dim('(times are UTC)')}`);
}

function span(ms) {
  const days = Math.round(ms / DAY);
  return days === 1 ? '1 day' : `${days} days`;
}

async function main(args) {
  const folder = args.find((arg) => !arg.startsWith('--')) ?? join(import.meta.dirname, '../target/installed');
  await walk(folder);
  if (args.includes('--once')) return;
  const page = await serve(folder, { port: Number(process.env.PORT ?? 0) });
  say(`\nSee it live, with a token of 60 seconds:  ${bold(page.url)}`);
  say(dim('Ctrl-C ends it.'));
  process.once('SIGINT', () => page.close());
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) await main(process.argv.slice(2));
