// The demo, with the installed package: the script in the terminal, and the page in a headless Chromium.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test from 'node:test';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import puppeteer from 'puppeteer-core';
import { above } from './types/lists.mjs';

const folder = import.meta.dirname;
const www = process.env.DEMO_WWW ?? findWww(folder);

/** The folder with the package is somewhere below the repository. */
function findWww(from) {
  if (existsSync(join(from, 'www/demo.mjs'))) return join(from, 'www');
  if (from === dirname(from)) throw new Error('no www/ above: set DEMO_WWW');
  return findWww(dirname(from));
}

test('the script runs to its end and prints no token', async () => {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [join(www, 'demo.mjs'), '--once', folder]);
  assert.match(stdout, /All as expected/);
  assert.equal(stderr, '');
  assert.ok(!stdout.includes('eyJ'), 'no token in the output');
});

test('the server accepts its settings from the page only', async (t) => {
  const { url } = await serving(t);
  const post = (headers) => fetch(new URL('/gateway/fault', url), { method: 'POST', headers, body: '{}' });
  assert.equal((await post({ 'content-type': 'application/json' })).status, 200);
  // A page of another origin may send this without a preflight.
  assert.equal((await post({ 'content-type': 'text/plain' })).status, 415);
  for (const path of ['/server.mjs', '/Cargo.toml', '/%2e%2e/Cargo.toml', '/package/']) {
    assert.equal((await fetch(url.replace(/\/$/, '') + path)).status, 404, path);
  }
});

test('a token goes through its states on the page', async (t) => {
  const { page, setLifetime } = await opened(t);
  await setLifetime(12_000);
  await page.reload();
  await page.evaluate(() => {
    globalThis.seen = [];
    new MutationObserver(() => globalThis.seen.push(document.body.dataset.state))
      .observe(document.body, { attributeFilter: ['data-state'] });
  });
  await logIn(page);
  await state(page, 'expired');
  assert.deepEqual(await page.evaluate(() => globalThis.seen), ['fresh', 'expiring', 'expired']);
  assert.equal(await text(page, '#state'), 'Expired');

  await page.click('#refresh');
  await field(page, 'code', 'ERR_TOKEN_EXPIRED');
  assert.equal(await text(page, '[data-field="attempts"]'), '0');
});

test('the result of a call is dimmed once the state has changed', async (t) => {
  const { page, later } = await opened(t);
  await logIn(page);
  await page.click('#refresh');
  await page.waitForSelector('#result[data-outcome="good"]:not([data-past])');
  await later(page, 45_000);
  await state(page, 'expiring');
  assert.ok(await page.$('#result[data-past]'));
  await later(page, 61_000);
  await state(page, 'expired');
  await page.click('#refresh');
  await page.waitForSelector('#result[data-outcome="error"]:not([data-past])');
});

test('a token that has expired within a second has expired just now', async (t) => {
  const { page } = await opened(t);
  const [verified] = await Promise.all([page.waitForResponse((response) => response.url().endsWith('/verify') && response.request().method() === 'POST'), logIn(page)]);
  const { data: { accessToken } } = await verified.json();
  const { exp } = JSON.parse(Buffer.from(accessToken.split('.')[1], 'base64url'));
  for (const [ms, said] of [[0, 'just now'], [999, 'just now'], [1000, '1 s ago'], [61_000, '1 min 1 s ago']]) {
    await page.evaluate((now) => { Date.now = () => now; }, exp * 1000 + ms);
    await page.waitForFunction((said) => document.querySelector('.countdown').textContent.trim() === `expired ${said}`, { timeout: 30_000 }, said);
  }
});

test('what is no token is invalid, and has no times', async (t) => {
  const { page } = await opened(t);
  await page.evaluate(() => {
    const { fetch } = globalThis;
    globalThis.fetch = async (url, init) => String(url).endsWith('/verify') ? Response.json({ data: { accessToken: 'text' } }) : fetch(url, init);
  });
  await page.waitForFunction(() => document.querySelector('#window-text').textContent !== '');
  await page.click('#log-in');
  await state(page, 'invalid');
  assert.equal(await text(page, '#advice'), 'Log in again: not_a_jwt.');
  for (const part of ['.countdown', '#now', '#mark-issued', '#mark-expires']) assert.equal(await page.$eval(part, (element) => element.checkVisibility({ visibilityProperty: true })), false, part);
  // The example of a life has the width of the page, whatever that is.
  for (const width of [390, 1280]) {
    await page.setViewport({ width, height: 900 });
    await page.waitForFunction(() => Number(document.querySelector('#outline').getAttribute('width')) === document.querySelector('#timeline').clientWidth, { timeout: 30_000 });
  }
});

test('a life of days has a date at each of its times', async (t) => {
  const { page } = await opened(t);
  await page.select('#lifetime', '2592000000');
  await logIn(page);
  for (const time of await page.$$eval('.mark .time, #now text', (all) => all.map(({ textContent }) => textContent))) assert.match(time, /^(now )?\d+ [A-Z]\w+ \d\d:\d\d$/);
});

test('the slider grows to the right, and says its unit', async (t) => {
  const { page } = await opened(t);
  await page.waitForFunction(() => document.querySelector('#window-text').textContent !== '');
  const said = () => page.$eval('#share', (slider) => slider.getAttribute('aria-valuetext'));
  assert.equal(await said(), '20 s before expiry');
  await page.focus('#share');
  await page.keyboard.press('ArrowRight');
  await page.waitForFunction(() => document.querySelector('#window-text').textContent.startsWith('21 s before expiry'));
  assert.equal(await said(), '21 s before expiry');
});

test('the second page has one primary button, and a button that can do nothing is disabled', async (t) => {
  const { page, url } = await opened(t);
  await page.goto(new URL('tabs.html', url));
  await page.waitForSelector('body[data-ready]');
  const buttons = () => page.$$eval('button', (all) => all.map((button) => ({
    name: button.id, on: !button.disabled, filled: getComputedStyle(button).backgroundColor === getComputedStyle(document.querySelector('a')).color,
  })));
  const named = (all, what) => all.filter((button) => button[what]).map(({ name }) => name);
  assert.match(await text(page, '#log'), /^Nothing so far/);
  assert.deepEqual(named(await buttons(), 'on'), ['log-in']);
  assert.deepEqual(named(await buttons(), 'filled'), ['log-in']);
  await page.click('#log-in');
  await page.waitForSelector('#log-out:not(:disabled)');
  assert.deepEqual(named(await buttons(), 'on'), ['log-in', 'refresh', 'log-out']);
  assert.deepEqual(named(await buttons(), 'filled'), ['refresh']);
  await page.click('#log-out');
  await page.waitForSelector('#log-out:disabled');
  assert.deepEqual(named(await buttons(), 'on'), ['log-in']);
  assert.doesNotMatch(await text(page, '#log'), /Nothing so far/);
});

test('the second page says when its token has expired', async (t) => {
  const { page, url, setLifetime } = await opened(t);
  await setLifetime(2000);
  await fetch(new URL('/gateway/fault', url), { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{ "fault": { "kind": "hang" } }' });
  await page.goto(new URL('tabs.html', url));
  await page.waitForSelector('body[data-ready]');
  await page.click('#log-in');
  await state(page, 'expired');
  assert.match(await text(page, '.countdown'), /^expired (just now|\d+ s ago)$/);
});

test('axe-core finds nothing in any state, at both widths, light and dark', async (t) => {
  const axe = readFileSync(above('node_modules/axe-core/axe.min.js'), 'utf8');
  const { page, url, expected, setLifetime, later } = await opened(t);
  const found = async (name) => {
    await page.evaluate(axe);
    for (const width of [1280, 390]) for (const value of ['light', 'dark']) {
      await page.setViewport({ width, height: 900 });
      await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value }]);
      const { rules, overflow } = await page.evaluate(async () => ({
        rules: (await globalThis.axe.run()).violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target).join()}`),
        overflow: document.documentElement.scrollWidth - innerWidth,
      }));
      assert.deepEqual(rules, [], `${name}, ${width}, ${value}`);
      assert.ok(overflow <= 0, `${name} is wider than ${width}`);
    }
  };
  await page.waitForFunction(() => document.querySelector('#window-text').textContent !== '');
  await found('no token');
  await logIn(page);
  await page.click('#refresh');
  await page.waitForSelector('[data-outcome="good"]');
  await found('fresh');
  expected.push(401);
  await page.select('#fault', '401');
  await page.click('#refresh');
  await field(page, 'code', 'ERR_UNAUTHORIZED');
  await found('refused');
  await later(page, 61_000);
  await state(page, 'expired');
  await found('expired');
  await setLifetime(2 ** 31);
  await page.goto(new URL('tabs.html', url));
  await page.waitForSelector('body[data-ready]');
  await found('tabs, no token');
  await page.click('#log-in');
  await page.waitForSelector('#log-out:not(:disabled)');
  await found('tabs, fresh');
});

test('a refresh takes an expiring token back to fresh', async (t) => {
  const { page, setLifetime, later } = await opened(t);
  await logIn(page);
  await later(page, 45_000);
  await state(page, 'expiring');
  await setLifetime(600_000);
  await page.click('#ensure');
  await state(page, 'fresh');
  await field(page, 'refreshed', 'true');
});

test('an error is shown as code and action', async (t) => {
  const { page, expected } = await opened(t);
  await logIn(page);
  expected.push(401);
  await page.select('#fault', '401');
  await page.click('#refresh');
  await field(page, 'code', 'ERR_UNAUTHORIZED');
  assert.match(await text(page, '[data-field="action"]'), /^login/);
  assert.equal(await text(page, '[data-field="errorCode"]'), '1002');
});

test('a retry succeeds after a fault at the first attempt only', async (t) => {
  const { page, expected } = await opened(t);
  await logIn(page);
  expected.push(500);
  await page.select('#fault', '500');
  await page.click('#once');
  await page.click('#refresh');
  await field(page, 'requests', '2');
});

test('two tabs hold the same session: login, renewal by itself, logout', async (t) => {
  const { page, newPage, url, setLifetime } = await opened(t);
  await setLifetime(15_000);
  const tabs = [page, await newPage()];
  for (const tab of tabs) {
    await tab.goto(new URL('tabs.html', url));
    await tab.waitForSelector('body[data-ready]');
  }
  await tabs[0].bringToFront();
  await tabs[0].click('#log-in');
  const marked = (tab, before) => tab.waitForFunction(
    (before) => ![before, 'none'].includes(document.querySelector('#mark').textContent), { timeout: 30_000, polling: 50 }, before);
  const marks = () => Promise.all(tabs.map((tab) => text(tab, '#mark')));
  for (const tab of tabs) await marked(tab, 'none');
  await setLifetime(600_000);
  const [login, other] = await marks();
  assert.equal(login, other);

  // After two thirds of the token's life one tab renews it, and both tabs show that.
  for (const tab of tabs) await marked(tab, login);
  await until(async () => new Set(await marks()).size === 1);
  const requests = await Promise.all(tabs.map((tab) => text(tab, '#requests')));
  assert.deepEqual(requests.map(Number).sort(), [0, 1]);
  for (const tab of tabs) assert.match(await text(tab, '#log'), /refreshed/);

  await tabs[1].bringToFront();
  await tabs[1].click('#log-out');
  for (const tab of tabs) await tab.waitForFunction(() => document.querySelector('#mark').textContent === 'none', { timeout: 30_000, polling: 50 });
  assert.equal(await page.evaluate(() => localStorage.length), 0);
  for (const tab of tabs) assert.ok(!(await tab.content()).includes('eyJ'), 'no token in the document');
});

async function until(holds) {
  for (const end = Date.now() + 30_000; !(await holds());) assert.ok(Date.now() < end, 'in time');
}

async function serving(t) {
  const { serve } = await import(pathToFileURL(join(www, 'demo.mjs')));
  const demo = await serve(folder);
  t.after(demo.close);
  return demo;
}

/**
 * Opens the page on a gateway of its own. When the test ends nothing may have gone wrong unnoticed: no exception, no
 * breach of the page's policy, no message in the console but of the statuses `expected`, no token in the document.
 */
async function opened(t) {
  const { url, gatewayUrl } = await serving(t);
  const userDataDir = mkdtempSync(join(tmpdir(), 'demo-'));
  const browser = await puppeteer.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    userDataDir,
    timeout: 120_000,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync'],
  });
  const problems = [], statuses = [], expected = [];
  const newPage = async () => {
    const page = await browser.newPage();
    page.on('pageerror', ({ message }) => problems.push(message));
    page.on('response', (response) => response.ok() || statuses.push(response.status()));
    page.on('console', (message) => {
      // The browser itself logs each answer that is no success. `statuses` has their statuses.
      const ofAnswer = message.text().startsWith('Failed to load resource') && message.location().url?.startsWith(gatewayUrl);
      if (!ofAnswer) problems.push(message.text());
    });
    return page;
  };
  const page = await newPage();
  t.after(async () => {
    const html = await page.content();
    await browser.close();
    rmSync(userDataDir, { recursive: true, force: true, maxRetries: 5 });
    assert.deepEqual(problems, []);
    assert.deepEqual(statuses, expected);
    assert.ok(!html.includes('eyJ'), 'no token in the document');
  });
  await page.goto(url);
  const setLifetime = async (lifetimeMs) => {
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ lifetimeMs }) };
    assert.equal((await fetch(new URL('/gateway/lifetime', url), init)).status, 200);
  };
  /** Sets the page's clock forward from now. */
  const later = (page, ms) => page.evaluate((ms) => {
    const { now } = Date;
    Date.now = () => now() + ms;
  }, ms);
  return { page, newPage, url, expected, setLifetime, later };
}

/** Waits until the page shows the refresh window: then it listens to clicks. */
async function logIn(page) {
  await page.waitForFunction(() => document.querySelector('#window-text').textContent !== '');
  await page.click('#log-in');
  await state(page, 'fresh');
}

const state = (page, name) => page.waitForSelector(`body[data-state="${name}"]`, { timeout: 30_000 });
const text = (page, selector) => page.$eval(selector, (element) => element.textContent);
const field = (page, name, value) => page.waitForFunction(
  (name, value) => document.querySelector(`[data-field="${name}"]`)?.textContent === value, { timeout: 30_000 }, name, value);
