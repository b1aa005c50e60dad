// Every way in which an exchange can end, over HTTP, in Node and in Chromium. The cases are in exchange.cases.mjs.
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { createGateway } from 'transak-user-token/gateway';
import { ofPackage, openBrowser } from './browser.mjs';
import { CLAIMS, cases, watch } from './exchange.cases.mjs';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** A pattern for the origin in a message. Here every request goes to this machine. */
const ORIGIN = 'http://127\\.0\\.0\\.1:\\d+';

/** A base URL at which nobody listens. */
async function unheard() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${port}`;
}

/** Makes the tests of one runtime; `start` resolves with how to play a case there, its console's lines and its origin. */
function runtime(name, start, options = {}) {
  describe(name, options, () => {
    let gateway, listener, refused, here;
    const tokens = [];
    before(async () => {
      here = await start();
      gateway = createGateway({ allowedOrigins: here.origin ? [here.origin] : [] });
      listener = await gateway.listen();
      refused = await unheard();
    });
    after(async () => {
      await here?.close();
      await listener?.close();
    });

    for (const item of cases) {
      test(item.name, async () => {
        gateway.reset();
        here.uncaught();
        const token = await gateway.issue({ ...CLAIMS, ...item.claims });
        const next = await gateway.issue({ sub: CLAIMS.sub });
        tokens.push(token, next);
        for (const fault of item.faults?.(token) ?? []) gateway.fail(fault);
        const world = { token, next, base: listener.url, refused };
        const { leaks = [], ...outcome } = await here.play(item.name, world);
        check(outcome, item.expect);
        assert.deepEqual(leaks, [], 'a secret shows');
        gateway.heal();
        assert.equal(await here.works(world), 'it works');
        assert.deepEqual(here.uncaught(), [], 'something was thrown that nobody could catch');
        assert.equal(gateway.refreshes(next), 1);
        assert.ok(gateway.refreshes(token) <= (item.expect.attempts ?? 1), 'more requests than were reported');
        assert.deepEqual(gateway.requests.filter(({ path }) => path.startsWith('/elsewhere')), [], 'a redirect was followed');
      });
    }

    test('no line of the console shows a secret', () => assert.deepEqual(here.lines.filter(watch(...tokens)), []));
  });
}

function check({ resolves, aborts, stranger, ...actual }, expect) {
  if (stranger) assert.fail(`it rejects with another error: ${stranger}`);
  if (expect.resolves || expect.aborts) {
    return assert.deepEqual({ resolves, aborts, code: actual.code }, { resolves: undefined, aborts: undefined, code: undefined, ...expect });
  }
  assert.equal(resolves, undefined, 'it resolves');
  const { name, message, traceId, cause = [], ...fields } = actual;
  const { says = /^[a-z].*[^.]$/i, ...expected } = expect;
  for (const [field, want] of Object.entries(expected)) {
    const got = fields[field];
    if (want === 'any') delete expected[field], delete fields[field];
    else if (Array.isArray(want) && want.includes(got)) expected[field] = got;
    else if (want?.upTo && got > want.over && got <= want.upTo) expected[field] = got;
  }
  assert.deepEqual(fields, expected);
  assert.equal(name, 'TransakTokenError');
  assert.match(message, says);
  if (fields.attempts) assert.match(message, fields.status ? new RegExp(`[:;] ${ORIGIN} answered ${fields.status}$`) : new RegExp(`[:;] ${ORIGIN} was asked$`));
  if (traceId !== undefined) assert.match(traceId, UUID);
  assert.deepEqual(cause.filter((key) => !['name', 'code'].includes(key)), []);
}

/** @param {string[]} given what the child is told */
async function node(...given) {
  const lines = [];
  let child, ended;
  /** A plain process, which an uncaught rejection ends. */
  const spawn = async () => {
    child = fork(new URL('exchange.child.mjs', import.meta.url), given, { silent: true });
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => lines.push(text));
    ended = once(child, 'close').then(() => assert.fail(`the process died: ${lines.at(-1)?.slice(-200)}`));
    // No case is played after the end has begun.
    ended.catch(() => {});
    await once(child, 'message');
  };
  const ask = async (...question) => {
    if (!child?.connected) await spawn();
    child.send(question);
    return Promise.race([once(child, 'message').then(([result]) => result), ended]);
  };
  const close = async () => child?.connected && child.disconnect();
  return { lines, close, play: (name, world) => ask('play', name, world), works: (world) => ask('works', world), uncaught: () => [] };
}

runtime('Node', node);

// The same as Workers have it, with the smaller wasm.
runtime('Node, as Workers have it', () => node('workers'), ofPackage);

runtime('Chromium', async () => {
  const browser = await openBrowser();
  const page = await browser.open();
  await page.evaluate(async () => {
    const module = await import('/node_modules/transak-user-token/index.js');
    const { play, works } = await import('/exchange.cases.mjs');
    window.addEventListener('unhandledrejection', ({ reason }) => console.log(`uncaught: ${reason}`));
    Object.assign(window, { play: (name, world) => play(name, world, module), works: (world) => works(world, module) });
  });
  let seen = 0;
  const uncaught = () => browser.lines.slice(seen, seen = browser.lines.length).filter((line) => line.startsWith('uncaught'));
  const ask = (question, ...given) => page.evaluate((which, ...rest) => window[which](...rest), question, ...given);
  return { ...browser, uncaught, play: (name, world) => ask('play', name, world), works: (world) => ask('works', world) };
}, ofPackage);
