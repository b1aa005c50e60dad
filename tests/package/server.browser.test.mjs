// A page on one origin, the route on another, the gateway on a third, in Chromium.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createGateway } from 'transak-user-token/gateway';
import { createRefreshHandler, toNodeListener } from 'transak-user-token/server';
import { openBrowser, openSite } from './browser.mjs';
import { API_KEY, REFRESH, arrived, listen } from './server.world.mjs';

let site, other, gateway, upstream, closeGateway;
before(async () => {
  site = await openBrowser();
  other = await openSite({ pages: { '/blank.html': '<!doctype html><title>blank</title>' } });
  gateway = createGateway();
  ({ url: upstream, close: closeGateway } = await gateway.listen());
});
after(async () => {
  await site?.close();
  await other?.close();
  await closeGateway?.();
});

const handler = (options) => createRefreshHandler({ baseUrl: upstream, apiKey: API_KEY, allowedOrigins: [site.origin], authorize: 'none', ...options });

/** Returns the outcome of a refresh in a page. */
const refresh = (page, token, baseUrl, credentials, headers) => page.evaluate(async (token, baseUrl, credentials, headers) => {
  const { refreshAccessToken } = await import('/node_modules/transak-user-token/index.js');
  return refreshAccessToken(token, { baseUrl, credentials, headers, retries: 0 }).then(({ accessToken }) => ({ accessToken }), ({ code, status, traceId, retryAfterMs }) => ({ code, status, traceId, retryAfterMs }));
}, token, baseUrl, credentials, headers);

test('a page of a listed origin refreshes through the route', async (t) => {
  gateway.reset();
  const base = await listen(t, toNodeListener(handler())), page = await site.open(), token = await gateway.issue({ sub: 'a' });
  const { accessToken } = await refresh(page, token, base);
  assert.equal((await gateway.verify(accessToken)).sub, 'a');
  assert.equal(gateway.requests.length, 1);
  const [{ method, path, headers }] = gateway.requests;
  assert.deepEqual([method, path, headers.authorization, headers['x-api-key'], headers['x-user-ip']], ['GET', REFRESH, token, API_KEY, '127.0.0.1']);
  for (const name of Object.keys(headers)) assert.ok(!/^(origin|referer|cookie|sec-ch-.*|sec-fetch-site)$/.test(name), name);
  assert.doesNotMatch(headers['user-agent'] ?? '', /Mozilla|Chrome/);

  gateway.fail({ kind: 'rate-limit', retryAfter: 9 });
  const { code, retryAfterMs, traceId } = await refresh(page, await gateway.issue(), base);
  assert.deepEqual([code, retryAfterMs], ['ERR_RATE_LIMITED', 9000]);
  assert.match(traceId, /^[0-9a-f-]{36}$/);
});

test('a page of a listed origin sends the header that authorize reads', async (t) => {
  gateway.reset();
  const authorize = ({ headers }) => headers.get('x-session') === 'known';
  const base = await listen(t, toNodeListener(handler({ authorize }))), page = await site.open(), token = await gateway.issue();
  assert.equal((await refresh(page, token, base, undefined, { 'x-session': 'unknown' })).code, 'ERR_FORBIDDEN');
  assert.ok((await refresh(page, token, base, undefined, { 'x-session': 'known' })).accessToken);
  assert.equal(gateway.requests.length, 1);
});

test('a page of another origin is refused by the browser, and the gateway sees nothing', async (t) => {
  gateway.reset();
  const base = await listen(t, toNodeListener(handler())), page = await site.open();
  await page.goto(`${other.origin}/blank.html`);
  assert.equal((await refresh(page, await gateway.issue(), base)).code, 'ERR_NETWORK');
  assert.equal(gateway.requests.length, 0);
});

test("a page of the route's own origin needs no entry", async (t) => {
  gateway.reset();
  const listener = toNodeListener(handler({ allowedOrigins: [] }));
  const base = await listen(t, async (req, res) => {
    if (req.url.startsWith('/transak/')) return listener(req, res);
    if (req.url === '/') return res.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><link rel="icon" href="data:,">');
    res.writeHead(200, { 'content-type': 'text/javascript' }).end(await readFile(join(import.meta.dirname, req.url)));
  });
  const page = await site.open();
  await page.goto(base);
  assert.ok((await refresh(page, await gateway.issue(), '/transak')).accessToken);
  assert.equal(gateway.requests.length, 1);
});

test('a page of its own origin sends its cookie, and a page of a listed origin if that is allowed', async (t) => {
  gateway.reset();
  const events = [], authorize = ({ headers }) => /(?:^|; )session=known(?:;|$)/.test(headers.get('cookie') ?? '');
  const own = toNodeListener(handler({ allowedOrigins: [], authorize, onEvent: (event) => events.push(event) }));
  const base = await listen(t, async (req, res) => {
    if (req.url.startsWith('/transak/')) return own(req, res);
    if (req.url === '/') return res.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><link rel="icon" href="data:,">');
    res.writeHead(200, { 'content-type': 'text/javascript' }).end(await readFile(join(import.meta.dirname, req.url)));
  });
  const page = await site.open();
  await page.goto(base);
  assert.equal((await refresh(page, await gateway.issue(), '/transak', 'same-origin')).code, 'ERR_FORBIDDEN');
  assert.deepEqual(events.map(({ outcome, reason, status }) => [outcome, reason, status]), [['refused', 'authorize', 403]]);
  await page.evaluate(() => { document.cookie = 'session=known; SameSite=Lax'; });
  assert.equal((await refresh(page, await gateway.issue(), '/transak')).code, 'ERR_FORBIDDEN', 'no cookie goes by default');
  assert.ok((await refresh(page, await gateway.issue(), '/transak', 'same-origin')).accessToken);
  assert.equal(gateway.requests.at(-1).headers.cookie, undefined);

  await page.goto(`${site.origin}/blank.html`);
  const closed = await listen(t, toNodeListener(handler({ authorize }))), open = await listen(t, toNodeListener(handler({ authorize, allowCredentials: true })));
  assert.equal((await refresh(page, await gateway.issue(), closed, 'include')).code, 'ERR_NETWORK', 'the browser refuses');
  assert.equal((await refresh(page, await gateway.issue(), open, 'same-origin')).code, 'ERR_FORBIDDEN');
  assert.ok((await refresh(page, await gateway.issue(), open, 'include')).accessToken);
});

test('a page that lost its answer gets the same new token', async (t) => {
  gateway.reset();
  gateway.revoke = true;
  t.after(() => { gateway.revoke = false; });
  const base = await listen(t, toNodeListener(handler())), token = await gateway.issue({ sub: 'b' });
  const leaving = await site.open();
  gateway.fail({ kind: 'latency', ms: 150 });
  leaving.evaluate((base, authorization) => { fetch(`${base}/api/v2/auth/refresh`, { headers: { authorization } }).catch(() => {}); }, base, token).catch(() => {});
  await arrived(gateway);
  await leaving.close();
  const page = await site.open(), [one, two] = [await refresh(page, token, base), await refresh(page, token, base)];
  assert.ok(one.accessToken);
  assert.equal(two.accessToken, one.accessToken);
  assert.equal(gateway.refreshes(token), 1);
});
