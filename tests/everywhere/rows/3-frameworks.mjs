// Frameworks that render on a server: their build, their own server, and the page in Chromium; and React alone.
import assert from 'node:assert/strict';
import { nextFiles, renderedOnServer, twoTabs } from '../react.mjs';

const PROOF = "import { prove } from '../proof.js';\n";

const next = {
  'package.json': '{ "private": true }',
  'next.config.mjs': "export default { rewrites: () => [{ source: '/transak/:path*', destination: process.env.BASE + '/:path*' }] };\n",
  ...nextFiles,
  'app/layout.jsx': "export default ({ children }) => <html lang=\"en\"><head><title>waiting</title></head><body>{children}</body></html>;\n",
  // A server component, rendered for each request.
  'app/server/page.jsx': `import * as api from 'transak-user-token';\n${PROOF.replace('../', '../../')}export const dynamic = 'force-dynamic';
export default async () => <p id="outcome">{await prove(api, { base: process.env.BASE, token: process.env.TOKEN }).catch(String)}</p>;\n`,
  // A client component: the check when it is rendered on the server, the refresh in the page.
  'app/client/page.jsx': `'use client';
import { useEffect, useState } from 'react';
import * as api from 'transak-user-token';\n${PROOF.replace('../', '../../')}
export default () => {
  const [state] = useState(() => api.tokenStatus('x').reason);
  useEffect(() => {
    const tell = (outcome) => { document.title = 'outcome: ' + outcome; };
    prove(api, JSON.parse(decodeURIComponent(location.hash.slice(1)))).then(tell, (error) => tell(String(error)));
  }, []);
  return <p>rendered {state}</p>;
};\n`,
  'app/edge/route.js': `import * as api from 'transak-user-token';\n${PROOF.replace('../', '../../')}export const runtime = 'edge';
export const dynamic = 'force-dynamic';
export const GET = async (request) => {
  const { searchParams } = new URL(request.url);
  return new Response(await prove(api, { base: searchParams.get('base'), token: searchParams.get('token') }).catch(String));
};\n`,
};

/** Builds the project once and starts its server; the ways ask it. */
const nextBy = (flag) => async (kit) => {
  const cwd = await kit.project(next), { base, token, env, ...world } = await kit.world(), url = `http://127.0.0.1:${await kit.port()}`;
  await kit.run(kit.tool('next'), ['build', flag], { cwd, env });
  const server = await kit.serve(kit.tool('next'), ['start', '--hostname', '127.0.0.1', '--port', new URL(url).port], `${url}/client`, { cwd, env });
  return { url, server, base, token, ...world, open: await kit.browser() };
};
const text = async (url) => (await fetch(url)).text();
const reset = ({ gateway }) => gateway.reset();
const nextWays = {
  'server component': async (kit, world) => {
    reset(world);
    world.proven((await text(`${world.url}/server`)).match(/<p id="outcome">([^<]*)/)?.[1]);
  },
  'client component': async (kit, world) => {
    reset(world);
    const page = await text(`${world.url}/client`);
    if (!/rendered (<!-- -->)?not_a_jwt/.test(page)) throw new Error('it was not rendered on the server');
    world.proven(await world.open(`${world.url}/client${world.hash}`));
  },
  'edge route': async (kit, world) => {
    reset(world);
    world.proven(await text(`${world.url}/edge?${new URLSearchParams({ base: world.base, token: world.token })}`));
  },
};

const sessionWays = { ...nextWays, 'session at module level': renderedOnServer };

/** With `cacheComponents` a page that reads the clock is not rendered by the build: `tokenStatus` reads it unless it is given a time. */
const cached = (options) => async (kit) => {
  const { gateway } = await kit.world(), token = await gateway.issue();
  const cwd = await kit.project({
    'package.json': next['package.json'], 'app/layout.jsx': next['app/layout.jsx'],
    'next.config.mjs': 'export default { cacheComponents: true };\n',
    'app/page.jsx': `import { tokenStatus } from 'transak-user-token';\nexport default () => <p>{tokenStatus('${token}', ${options}).state}</p>;\n`,
  });
  return kit.run(kit.tool('next'), ['build'], { cwd });
};

const svelte = {
  'svelte.config.js': "import adapter from '@sveltejs/adapter-node';\nexport default { kit: { adapter: adapter() } };\n",
  'vite.config.js': "import { sveltekit } from '@sveltejs/kit/vite';\nexport default { plugins: [sveltekit()] };\n",
  'src/app.html': '<!doctype html><html lang="en"><head><title>waiting</title>%sveltekit.head%</head><body>%sveltekit.body%</body></html>\n',
  'src/routes/server/+server.js': `import * as api from 'transak-user-token';\n${PROOF.replace('../', '../../../')}
export const GET = async ({ url: { searchParams } }) => new Response(await prove(api, { base: searchParams.get('base'), token: searchParams.get('token') }).catch(String));\n`,
  'src/routes/client/+page.svelte': `<script>
  import { onMount } from 'svelte';
  import * as api from 'transak-user-token';
  ${PROOF.replace('../', '../../../')}
  const state = api.tokenStatus('x').reason;
  const tell = (outcome) => { document.title = 'outcome: ' + outcome; };
  onMount(() => { prove(api, JSON.parse(decodeURIComponent(location.hash.slice(1)))).then(tell, (error) => tell(String(error))); });
</script>
<p>rendered {state}</p>\n`,
};
const svelteKit = async (kit) => {
  const cwd = await kit.project(svelte), world = await kit.world(), port = String(await kit.port()), url = `http://127.0.0.1:${port}`;
  await kit.run(kit.tool('vite'), ['build'], { cwd });
  await kit.serve(process.execPath, ['build/index.js'], `${url}/client`, { cwd, env: { HOST: '127.0.0.1', PORT: port, ORIGIN: url } });
  return { url, ...world, open: await kit.browser() };
};

export default [
  { group: 'Frameworks', name: 'React', version: 'react', set: 'next', ways: { 'StrictMode in two tabs': twoTabs } },
  { group: 'Frameworks', name: 'Next.js by Turbopack', version: 'next', set: 'next', limitMs: 240_000, before: nextBy('--turbopack'), ways: sessionWays },
  { group: 'Frameworks', name: 'Next.js by webpack', version: 'next', set: 'next', limitMs: 240_000, before: nextBy('--webpack'), ways: sessionWays },
  {
    group: 'Frameworks', name: 'Next.js with `cacheComponents`', version: 'next', set: 'next', limitMs: 240_000,
    ways: {
      '`tokenStatus` with `now`, rendered by the build': cached('{ now: 0 }'),
      'a clear error without it': async (kit) => assert.rejects(cached('{}')(kit), /unstable value `Date\.now\(\)` while prerendering/),
    },
  },
  {
    group: 'Frameworks', name: 'SvelteKit', version: '@sveltejs/kit', set: 'sveltekit', limitMs: 120_000, before: svelteKit,
    ways: {
      'server route': async (kit, world) => {
        reset(world);
        world.proven(await text(`${world.url}/server?${new URLSearchParams({ base: world.base, token: world.token })}`));
      },
      'page rendered on the server': nextWays['client component'],
    },
  },
];
