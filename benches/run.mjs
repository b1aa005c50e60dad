// Measures the packed package beside its peers, in one run, and fails if a budget of tests/budgets.json is exceeded.
// Usage: node benches/run.mjs [--write]   --write renews results.json, chart.svg and the table in docs/performance.md
// RUNS (5) is how often each case runs, every time in a fresh process and all of them in another order.
import { execFileSync, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { Kit } from '../tests/everywhere/harness.mjs';
import { webkit } from '../tests/everywhere/rows/4-browsers.mjs';
import { budgets, weight, weightOf } from '../tests/size.mjs';
import { chart } from './chart.mjs';
import { figures, judged, median, table } from './report.mjs';
import { route } from './route.mjs';
import { tokens } from './cases/tokens.js';

const here = import.meta.dirname, root = join(here, '..'), folder = join(root, 'target/bench');
const runs = Number(process.env.RUNS ?? 5), only = process.env.ONLY;
const PEERS = ['jose', 'jwt-decode', 'keycloak-js', 'oidc-client-ts', '@supabase/auth-js'];

execFileSync(process.execPath, [join(root, 'tests/package/install.mjs'), folder], { stdio: 'inherit' });
cpSync(join(here, 'cases'), folder, { recursive: true });
// The peers' own dependencies too.
for (const name of [...PEERS, 'tinybench', 'tslib']) cpSync(join(here, 'node_modules', name), join(folder, 'node_modules', name), { recursive: true });
await build({ entryPoints: [join(folder, 'browser.js')], bundle: true, format: 'esm', outfile: join(folder, 'bundle.js'), logLevel: 'warning' });
await build({ entryPoints: [join(folder, 'first.js')], bundle: true, minify: true, format: 'esm', outfile: join(folder, 'bundled.js'), logLevel: 'warning' });

/** The Nodes to measure in: the pinned ones, or the one that runs this. */
const nodes = Object.fromEntries(['node20', 'node24'].map((name) => [name.replace('node', 'Node '), join(here, 'node_modules', name, 'bin/node')])
  .filter(([, binary]) => existsSync(binary)));
if (!nodes['Node 20']) nodes['Node 20'] = process.execPath;

/** Runs a program to its end and returns what it prints. */
const printed = (binary, ...args) => new Promise((resolve, reject) => {
  const child = spawn(binary, args, { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (more) => { text += more; });
  child.on('error', reject).on('close', (code) => (code ? reject(new Error(`${args.join(' ').slice(0, 80)} ended with ${code}`)) : resolve(text)));
});
const inNode = (name, ...more) => async () => JSON.parse(await printed(nodes['Node 20'], 'node.js', name, ...more));

/** Opens a page in a browser of its own and returns what it tells; of several times, all that it tells. */
const inBrowser = (which, path, times = 1) => async () => {
  const kit = new Kit({ tools: folder, installed: folder, name: which });
  try {
    // Isolated pages have a finer clock; what is cached is not asked for again.
    const site = await kit.site(folder, {
      'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp', 'cache-control': 'max-age=3600',
    });
    const open = which === 'WebKit' ? await webkit(kit) : await kit.browser(which === 'Firefox' ? 'firefox' : 'chrome');
    const told = [];
    while (told.length < times) told.push(JSON.parse(await open(site + path)));
    return times === 1 ? told[0] : told;
  } finally {
    await kit.close();
  }
};

/**
 * Milliseconds of a whole process that imports and calls, above those of one that does nothing in the same round: what a busy
 * machine adds is more than either, and by rounds it affects all three equally.
 */
async function started() {
  const scripts = {
    nothing: '', ours: `import { tokenStatus } from 'transak-user-token'; tokenStatus('${tokens(1)[0]}');`, oidc: "import 'oidc-client-ts';",
  };
  for (const [name, text] of Object.entries(scripts)) writeFileSync(join(folder, `start-${name}.mjs`), text);
  const rounds = Array.from({ length: 60 }, () => {
    const took = {};
    for (const name of Object.keys(scripts).sort(() => Math.random() - 0.5)) {
      const start = performance.now();
      execFileSync(nodes['Node 20'], [join(folder, `start-${name}.mjs`)]);
      took[name] = performance.now() - start;
    }
    return took;
  });
  const middle = (figure) => median(rounds.map(figure));
  return { nothing: middle(({ nothing }) => nothing), ours: middle(({ ours, nothing }) => ours - nothing), oidc: middle(({ oidc, nothing }) => oidc - nothing) };
}

/** Refreshes against a gateway in a process of its own. */
async function refreshed() {
  const gateway = spawn(process.execPath, ['--input-type=module', '-e', `
    import { createGateway } from 'transak-user-token/gateway';
    const gateway = createGateway();
    const { url } = await gateway.listen();
    const tokens = await Promise.all(Array.from({ length: 64 }, (_, index) => gateway.issue({ sub: \`user-\${index}@example.com\` })));
    console.log(JSON.stringify({ url, tokens }));
    setInterval(() => { gateway.requests.length = 0; }, 100);`], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const world = await new Promise((resolve, reject) => {
      let text = '';
      gateway.on('error', reject).on('close', () => reject(new Error('the gateway ended')));
      gateway.stdout.setEncoding('utf8').on('data', (more) => { text += more; if (text.endsWith('\n')) resolve(text); });
    });
    return await inNode('refresh', world)();
  } finally {
    gateway.kill();
  }
}

/** Returns bytes as a user's bundler makes them: ours and the peers', all by the same function. */
async function sizes() {
  const ours = { 'transak-user-token': 'main entry', 'transak-user-token/status': './status' };
  const found = Object.entries(ours).map(async ([name, entry]) => [name, await weightOf(budgets.bytes[entry].files)]);
  return Object.fromEntries(await Promise.all([...found, ...PEERS.map(async (name) => [name, await weight(name, folder)])]));
}

const cases = {
  ...Object.fromEntries(Object.entries(nodes).map(([name, binary]) => [`check, ${name}`, async () => JSON.parse(await printed(binary, 'node.js', 'check'))])),
  ...Object.fromEntries(['Chromium', 'Firefox', 'WebKit'].map((name) => [`check, ${name}`, inBrowser(name, '/bench.html')])),
  'list': inNode('list'), 'growth': inNode('growth'), 'refresh': refreshed, 'session': inNode('session'), 'fleet': inNode('fleet'),
  // Twice a run: two processes of one build differ.
  'route': async () => [await route(folder), await route(folder)],
'start, Node 20': started,
  'start, Chromium': inBrowser('Chromium', `/resting.html#${tokens(1)[0]}`, 8),
  'start while loading, Chromium': inBrowser('Chromium', `/loading.html#${tokens(1)[0]}`, 8),
  'import, Chromium': inBrowser('Chromium', `/imported.html#${tokens(1)[0]}`, 8),
  'import of nothing, Chromium': inBrowser('Chromium', '/nothing.html', 8),
  'memory': inNode('memory'),
};

const wanted = Object.entries(cases).filter(([name]) => !only || name.includes(only));
const results = Object.fromEntries(wanted.map(([name]) => [name, []]));
for (let run = 1; run <= runs; run++) {
  for (const [name, measure] of wanted.sort(() => Math.random() - 0.5)) {
    const begun = Date.now();
    results[name].push(await measure());
    console.log(`run ${run} of ${runs}: ${name} in ${((Date.now() - begun) / 1000).toFixed(1)} s`);
  }
}

const report = { runs, where: `${process.platform} ${process.arch}`, sizes: await sizes(), figures: figures(results), growth: results.growth };
mkdirSync(join(root, 'target'), { recursive: true });
writeFileSync(join(root, 'target/bench.json'), `${JSON.stringify({ ...report, results }, null, 2)}\n`);
console.log(`\n${table(report, budgets.figures)}\n`);
if (process.argv.includes('--write')) {
  const page = join(root, 'docs/performance.md'), text = readFileSync(page, 'utf8');
  const [BEGIN, END] = ['<!-- figures: written by make bench -->', '<!-- /figures -->'];
  if (!text.includes(BEGIN) || !text.includes(END)) throw new Error('docs/performance.md has no place for the figures');
  writeFileSync(page, `${text.split(BEGIN)[0]}${BEGIN}\n\n${table(report, budgets.figures)}\n\n${END}${text.split(END)[1]}`);
  writeFileSync(join(here, 'results.json'), `${JSON.stringify(report, null, 2)}\n`);
  writeFileSync(join(here, 'chart.svg'), chart(report));
}
const exceeded = judged(report.figures, budgets.figures);
for (const line of exceeded) console.error(`over budget: ${line}`);
process.exit(exceeded.length ? 1 : 0);
