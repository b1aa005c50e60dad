// Frameworks with a build of their own: that of production, its server, and the page in Chromium. They need Node 22 or later.
import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { angularFiles } from '../angular.mjs';
import { KEPT } from '../keep.js';
import { PROVEN } from '../proof.js';

// What the page runs. A part of it is loaded later, in a file of its own: it has the same copy of the package.
const files = {
  'client.js': `import * as api from 'transak-user-token';
import { keep } from './keep.js';
const tell = (outcome) => { document.title = 'outcome: ' + outcome; };
const once = async () => {
  const later = await import('./later.js');
  if (later.TokenSession !== api.TokenSession) return 'two copies';
  return keep(api, JSON.parse(decodeURIComponent(location.hash.slice(1))));
};
export const client = () => once().then(tell, (error) => tell(String(error)));
`,
  'later.js': "export { TokenSession } from 'transak-user-token';\n",
  'server.js': `import * as api from 'transak-user-token';
import { prove } from './proof.js';
export const server = () => prove(api, { base: process.env.BASE, token: process.env.TOKEN }).catch(String);
`,
};

const nuxt = {
  'nuxt.config.mjs': "export default { compatibilityDate: '2026-01-01', telemetry: false };\n",
  'app/app.vue': `<script setup>
import { onMounted } from 'vue';
import { tokenStatus } from 'transak-user-token';
import { client } from '../client.js';
const { reason } = tokenStatus('x');
onMounted(client);
</script>
<template><p>rendered {{ reason }}</p></template>
`,
  'server/routes/server.js': "import { server } from '../../server.js';\nexport default defineEventHandler(server);\n",
};

const astro = {
  'astro.config.mjs': "import node from '@astrojs/node';\nexport default { output: 'server', adapter: node({ mode: 'standalone' }) };\n",
  'src/pages/index.astro': `---
import { tokenStatus } from 'transak-user-token';
const { reason } = tokenStatus('x');
---
<!doctype html><html lang="en"><head><meta charset="utf-8"><title>waiting</title><link rel="icon" href="data:,"></head>
<body><p>rendered {reason}</p><script>import { client } from '../../client.js'; client();</script></body></html>
`,
  'src/pages/server.js': "import { server } from '../../server.js';\nexport const GET = async () => new Response(await server());\n",
};

const reactRouter = {
  'package.json': '{ "private": true, "type": "module", "dependencies": { "isbot": "*" } }',
  'vite.config.js': "import { reactRouter } from '@react-router/dev/vite';\nexport default { plugins: [reactRouter()] };\n",
  'app/routes.js': "import { index, route } from '@react-router/dev/routes';\nexport default [index('page.jsx'), route('server', 'route.js')];\n",
  'app/root.jsx': `import { Outlet, Scripts } from 'react-router';
export default () => <html lang="en"><head><title>waiting</title><link rel="icon" href="data:," /></head><body><Outlet /><Scripts /></body></html>;
`,
  'app/page.jsx': `import { useEffect } from 'react';
import { tokenStatus } from 'transak-user-token';
import { client } from '../client.js';
export default () => {
  useEffect(() => { client(); }, []);
  return <p>rendered {tokenStatus('x').reason}</p>;
};
`,
  'app/route.js': "import { server } from '../server.js';\nexport const loader = async () => new Response(await server());\n",
};

/** Builds an app once, and starts its server. */
const built = (app, tool, args, start, output) => async (kit) => {
  const keep = await readFile(join(import.meta.dirname, '../keep.js'), 'utf8'), port = String(await kit.port()), url = `http://127.0.0.1:${port}`;
  const cwd = await kit.project({ ...files, 'keep.js': keep, ...app }), { gateway, base, token, env } = await kit.world();
  await kit.run(kit.node, [kit.tool(tool), ...args], { cwd, env: { ASTRO_TELEMETRY_DISABLED: '1', NG_CLI_ANALYTICS: 'false' } });
  const server = await kit.serve(kit.node, start(kit), url, { cwd, env: { ...env, HOST: '127.0.0.1', PORT: port, NODE_ENV: 'production' } });
  return { cwd, url, gateway, base, token, server, output: join(cwd, output), open: await kit.browser() };
};

const text = async (url) => (await fetch(url)).text();
const onServer = async (kit, { url, gateway, token }) => {
  gateway.reset();
  assert.equal(await text(`${url}/server`), PROVEN);
  assert.equal(gateway.refreshes(token), 1);
};

/** Opens the page, which the server has rendered. */
const inPage = async (kit, { url, gateway, base, server, open }) => {
  gateway.reset();
  const page = await text(`${url}/`);
  assert.match(page, /rendered (<!-- -->)?not_a_jwt/);
  const [token, second] = [await gateway.issue(), await gateway.issue()];
  assert.equal(await open(`${url}/#${encodeURIComponent(JSON.stringify({ base, token, second }))}`), KEPT);
  assert.deepEqual([gateway.refreshes(token), gateway.refreshes(second)], [1, 1]);
  assert.deepEqual(open.lines, []);
  assert.doesNotMatch(server.output, /error|rejection/i);
};

/** Counts the copies of the package: each copy has the name of the shared functions once. */
const oneCopy = async (kit, { output }) => {
  const names = (await readdir(output, { recursive: true })).filter((name) => /\.m?js$/.test(name));
  const texts = await Promise.all(names.map((name) => readFile(join(output, name), 'utf8')));
  assert.equal(texts.join('').split('transak-user-token/1').length - 1, 1);
};

/**
 * In an app with zone.js, timers in its zone keep it from being stable: those of a session that is started there, or called. Each tells
 * whether there are any: before, started inside, stopped, started outside, called outside, called inside.
 */
const outsideTheZone = async (kit, { cwd, gateway, base, open }) => {
  await kit.run(kit.node, [kit.tool('ng'), 'build', 'zoned'], { cwd });
  const hash = encodeURIComponent(JSON.stringify({ base, token: await gateway.issue() }));
  assert.equal(await open(`${await kit.site(join(cwd, 'zoned/browser'))}/#${hash}`), 'false,true,false,false,false,true');
};

const ways = { 'server route': onServer, 'page rendered on the server': inPage, 'one copy in the page': oneCopy };
const row = (name, version, set, before, more) => ({ group: 'Frameworks', name, version, set, node: 24, limitMs: 180_000, before, ways: { ...ways, ...more } });
export default [
  row('Angular', '@angular/core', 'angular', built(angularFiles, 'ng', ['build', 'app'], () => ['dist/server/server.mjs'], 'dist/browser'), { 'with zone.js, a session outside of the zone': outsideTheZone }),
  row('Nuxt', 'nuxt', 'frameworks', built(nuxt, 'nuxt', ['build'], () => ['.output/server/index.mjs'], '.output/public')),
  row('Astro', 'astro', 'frameworks', built(astro, 'astro', ['build'], () => ['dist/server/entry.mjs'], 'dist/client')),
  row('React Router', 'react-router', 'frameworks', built(reactRouter, 'react-router', ['build'], (kit) => [kit.tool('react-router-serve'), 'build/server/index.js'], 'build/client')),
];
