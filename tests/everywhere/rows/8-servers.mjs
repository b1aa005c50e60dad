// The servers of examples/ with the route, unchanged. Each is started, and called as a page would call it.
import assert from 'node:assert/strict';
import { cpSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { request } from 'node:http';
import { join, relative } from 'node:path';
import { worker } from '../workerd.mjs';
import { ROUTE, SERVED } from './1-runtimes.mjs';

const REFRESH = '/transak/api/v2/auth/refresh', SESSION = 'known';
const examples = join(import.meta.dirname, '../../../examples');

/** The files of an example, by their paths. */
function files(name, folder = join(examples, name)) {
  return Object.assign({}, ...readdirSync(folder).map((entry) => {
    const path = join(folder, entry);
    return statSync(path).isDirectory() ? files(name, path) : { [relative(join(examples, name), path)]: readFileSync(path, 'utf8') };
  }));
}

const environment = (base) => ({ TRANSAK_URL: base, TRANSAK_API_KEY: 'key', SESSION });

/** A page's request: a browser adds what `site` says. */
const ask = (fetch, url, token, { session = SESSION, site = 'same-origin', ...more } = {}) =>
  fetch(url + REFRESH, { headers: { authorization: token, 'x-session': session, cookie: `session=${session}`, 'sec-fetch-site': site, ...more } });

/** Calls the route in every way that a host could get wrong. `address` is the address of the caller that Transak must get. */
async function called(fetch, url, { gateway, token }, { address, more = {} }) {
  const requests = () => gateway.requests.length, token2 = await gateway.issue();
  assert.equal((await ask(fetch, url, token, { ...more, session: 'unknown' })).status, 403);
  assert.equal((await ask(fetch, url, token, { ...more, site: 'cross-site' })).status, 403);
  assert.equal((await ask(fetch, url, token, { ...more, origin: 'https://evil.test' })).status, 403);
  assert.equal((await ask(fetch, url, 'x.y.z', more)).status, 401);
  assert.equal(requests(), 0, 'nothing is sent for these');

  const [one, two, other] = await Promise.all([token, token, token2].map(async (token) => {
    const answer = await ask(fetch, url, token, more);
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get('cache-control'), 'no-store');
    return (await answer.json()).data.accessToken;
  }));
  assert.ok(await gateway.verify(one) && await gateway.verify(other));
  assert.equal(one, two, 'one request for one token');
  assert.equal(requests(), 2);
  const [{ headers }] = gateway.requests;
  assert.deepEqual([headers['x-api-key'], headers['x-user-ip'], headers['x-session'], headers.cookie], ['key', address, undefined, undefined]);
  gateway.fail({ kind: 'error', status: 503 });
  const failed = await ask(fetch, url, await gateway.issue(), more);
  assert.deepEqual([failed.status, (await failed.json()).error.statusCode], [503, 503]);
}

/** Starts an example's server, or another body in its place, in a process of its own. */
const server = (name, body) => async (kit) => {
  const example = files(name), cwd = await kit.project(body ? { ...example, 'server.mjs': body(example['server.mjs']) } : example);
  const world = await kit.world(), PORT = String(await kit.port()), url = `http://127.0.0.1:${PORT}`;
  await kit.serve(process.execPath, ['server.mjs'], url, { cwd, env: { ...environment(world.base), PORT, HOST: '127.0.0.1' } });
  await called(fetch, url, world, { address: '127.0.0.1' });
};

// Express and Fastify, as the comments at the end of the example show them.
const express = (body) => body.replace(/const server[^]*/, `import express from 'express'
express().use('/transak', listener).listen(Number(process.env.PORT), process.env.HOST)\n`);
const fastify = (body) => body.replace(/const server[^]*/, `import fastify from 'fastify'
const app = fastify()
app.all('/transak/*', (request, reply) => { reply.hijack(); listener(request.raw, reply.raw) })
await app.listen({ port: Number(process.env.PORT), host: process.env.HOST })\n`);

const next = (config) => async (kit) => {
  const world = await kit.world(), url = `http://127.0.0.1:${await kit.port()}`;
  const cwd = await kit.project({ ...files('nextjs'), 'next.config.mjs': `export default ${JSON.stringify(config)};\n` });
  await kit.run(kit.tool('next'), ['build'], { cwd });
  await kit.serve(kit.tool('next'), ['start', '--hostname', '127.0.0.1', '--port', new URL(url).port], url, { cwd, env: environment(world.base) });
  await called(fetch, url, world, { address: '203.0.113.7', more: { 'x-forwarded-for': '6.6.6.6, 203.0.113.7' } });

  // Its page, rendered on the server, finds the token of an earlier visit and has it refreshed by the route.
  assert.match(await (await fetch(url)).text(), /<p id="state">invalid/);
  const now = Math.floor(Date.now() / 1000), token = await world.gateway.issue({ iat: now - 29 * 86_400, exp: now + 86_400 });
  const page = await (await kit.launch()).newPage(), problems = [];
  page.on('pageerror', (error) => problems.push(String(error)));
  await page.goto(url);
  await page.evaluate((token, session) => {
    localStorage.setItem('user', token);
    document.cookie = `session=${session}`;
  }, token, SESSION);
  await page.reload();
  await page.waitForFunction(() => document.querySelector('#state').textContent === 'fresh, use', { timeout: 25_000, polling: 50 });
  assert.equal(world.gateway.refreshes(token), 1);
  assert.deepEqual(problems, []);
};

/** A page that shows the outcome of its refresh, with or without a login before it. */
const PAGE = `<!doctype html><link rel="icon" href="data:,"><script type="module">
import { refreshAccessToken } from './package/index.js'
const { token, isLoggedIn, baseUrl, credentials } = JSON.parse(decodeURIComponent(location.hash.slice(1)))
if (isLoggedIn) await fetch('/login', { method: 'POST' })
const outcome = await refreshAccessToken(token, { baseUrl, credentials, retries: 0 }).then(() => 'refreshed', ({ code, status }) => code + ' ' + status)
document.title = 'outcome: ' + outcome
</script>
`;

const behindNginx = async (kit) => {
  const example = files('express'), world = await kit.world(), PORT = String(await kit.port()), front = await kit.port();
  const conf = example['nginx.conf'].replace('127.0.0.1:8080', `127.0.0.1:${PORT}`).replace('127.0.0.1:8081', `127.0.0.1:${front}`);
  const cwd = await kit.project({ ...example, 'nginx.conf': conf, 'public/index.html': PAGE, 'logs/.keep': '' });
  cpSync(join(cwd, 'node_modules/transak-user-token'), join(cwd, 'public/package'), { recursive: true });
  const child = await kit.serve(process.execPath, ['server.mjs'], `http://127.0.0.1:${PORT}`, { cwd, env: { TRANSAK_URL: world.base, TRANSAK_API_KEY: 'key', PORT } });
  const url = `http://127.0.0.1:${front}`;
  await kit.serve('nginx', ['-p', cwd, '-c', 'nginx.conf'], url, { cwd });
  const open = await kit.browser();
  const page = async (more) => open(`${url}/#${encodeURIComponent(JSON.stringify({ token: await world.gateway.issue(), baseUrl: '/transak', credentials: 'same-origin', ...more }))}`);

  assert.equal(await page({}), 'ERR_FORBIDDEN 403');
  assert.match(child.output, /^refused 403 authorize$/m);
  assert.equal(await page({ isLoggedIn: true }), 'refreshed');
  assert.equal(await page({ credentials: undefined }), 'ERR_FORBIDDEN 403', 'no cookie is sent unless it is asked for');
  assert.equal(await page({}), 'refreshed', 'the cookie is there');
  const [{ headers }] = world.gateway.requests;
  assert.deepEqual([headers['x-user-ip'], headers.cookie, world.gateway.requests.length], ['127.0.0.1', undefined, 2]);
  const session = await fetch(`${url}/login`, { method: 'POST' }), cookie = session.headers.get('set-cookie').split(';')[0];
  const long = await world.gateway.issue({ sub: 'x'.repeat(9_000) });
  // From another address of this machine than nginx's, which is trusted.
  const answer = await new Promise((resolve, reject) => request(url + REFRESH, {
    localAddress: '127.0.0.2', headers: { cookie, authorization: long, 'sec-fetch-site': 'same-origin', 'x-forwarded-for': '6.6.6.6' },
  }, resolve).on('error', reject).end());
  answer.resume();
  assert.equal(answer.statusCode, 200);
  assert.equal(world.gateway.requests.at(-1).headers['x-user-ip'], '127.0.0.2', 'what the client says of itself is not believed');
};

const workers = async (kit) => {
  const world = await kit.world(), call = await worker(kit, await kit.project(files('workers')), environment(world.base), ['core.wasm', 'server.wasm']);
  await called(call, 'http://worker.test', world, { address: '203.0.113.7', more: { 'cf-connecting-ip': '203.0.113.7' } });
};

/** As in a hardened realm: every intrinsic is frozen, and of shared globals only those that SES knows are left. */
const hardened = async (kit) => {
  const cwd = await kit.project({ 'route.mjs': ROUTE, 'main.mjs': "import 'ses'\nlockdown()\nawait import('./route.mjs')\n" }), { env } = await kit.world();
  assert.equal((await kit.run(process.execPath, ['main.mjs'], { cwd, env })).trim(), SERVED);
};

const route = (name, version, set, ways, more) => ({ group: 'Servers', name: `The route in ${name}`, version, set, ways, ...more });
export default [
  route('node:http', undefined, 'servers', { 'an example of the repository': server('node-http') }),
  route('Express', 'express', 'servers', { 'by `toNodeListener`': server('node-http', express), 'with a cookie session behind nginx': behindNginx }, { alone: true }),
  route('Fastify', 'fastify', 'servers', { 'by `toNodeListener`': server('node-http', fastify) }),
  route('Hono', 'hono', 'servers', { 'an example of the repository': server('hono') }),
  route('node:http under SES', 'ses', 'servers', { '`lockdown()` before the import': hardened }),
  route('Next.js', 'next', 'next', { 'an example of the repository': next({}), 'with `cacheComponents`': next({ cacheComponents: true }) }, { limitMs: 240_000 }),
  route('Cloudflare Workers (workerd)', undefined, 'runtimes', { 'an example of the repository': workers }),
];
