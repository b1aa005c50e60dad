// The backend route beside a bare proxy and beside the stack that a user would pick instead, side by side in one run, by wrk.
// Usage: node benches/route.mjs   RUNS (7) is how often each is measured, every time in a fresh process and another order.
import { execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { median } from './report.mjs';
import { tokens } from './cases/tokens.js';

const here = import.meta.dirname, root = join(here, '..'), folder = join(root, 'target/bench-route');
const runs = Number(process.env.RUNS ?? 7), seconds = Number(process.env.SECONDS ?? 5), TOKENS = 60_000;
/** What the route is to reach, as a share of the others' throughput. */
const GOALS = { bare: 0.85, express: 1 };

mkdirSync(folder, { recursive: true });
// Six days on, none of them has expired by now.
writeFileSync(join(folder, 'tokens.txt'), tokens(TOKENS, { nowS: Math.floor(Date.now() / 1000) + 6 * 86_400 }).join('\n'));
// Each process is asked for tokens that it has not seen: a repeated one is answered from memory.
writeFileSync(join(folder, 'wrk.lua'), `local tokens = {}
for line in io.lines("${join(folder, 'tokens.txt')}") do tokens[#tokens + 1] = line end
local at = tonumber(os.getenv("FROM"))
request = function()
  at = at % #tokens + 1
  return wrk.format("GET", "/api/v2/auth/refresh", { ["authorization"] = tokens[at], ["x-session"] = "known", ["origin"] = "https://app.example.com" })
end
`);

async function start(name, env) {
  const child = fork(join(here, 'route/servers.mjs'), [name], { env: { ...process.env, NODE_ENV: 'production', ...env } });
  const [{ port }] = await once(child, 'message');
  const cpuMs = async () => {
    child.send('usage');
    return (await once(child, 'message'))[0].cpuMs;
  };
  return { url: `http://127.0.0.1:${port}`, cpuMs, end: () => child.kill() };
}

async function wrk(url, from, duration) {
  const { stdout } = await promisify(execFile)('wrk', ['-t1', '-c16', `-d${duration}s`, '-s', join(folder, 'wrk.lua'), url], { env: { ...process.env, FROM: String(from) } });
  if (stdout.includes('Non-2xx')) throw new Error(stdout);
  return { perSecond: Number(stdout.match(/Requests\/sec: *([\d.]+)/)[1]), requests: Number(stdout.match(/(\d+) requests in/)[1]) };
}

const upstream = await start('upstream'), found = { route: [], bare: [], express: [] };
for (let run = 1; run <= runs; run++) {
  for (const name of Object.keys(found).sort(() => Math.random() - 0.5)) {
    const server = await start(name, { UPSTREAM: upstream.url, PACKAGE: join(root, 'pkg/server.js') });
    await wrk(server.url, 0, 2);
    const before = await server.cpuMs(), { perSecond, requests } = await wrk(server.url, TOKENS / 2, seconds);
    found[name].push({ perSecond, cpuUs: (await server.cpuMs() - before) / requests * 1000 });
    console.log(`${run}/${runs} ${name}: ${perSecond.toFixed(0)} requests a second, ${found[name].at(-1).cpuUs.toFixed(0)} µs of CPU time each`);
    server.end();
  }
}
upstream.end();
const middle = (name, figure) => median(found[name].map((each) => each[figure]));
for (const [name, goal] of Object.entries(GOALS)) {
  const throughput = middle('route', 'perSecond') / middle(name, 'perSecond'), cpu = middle('route', 'cpuUs') / middle(name, 'cpuUs');
  console.log(`the route to ${name}: ${throughput.toFixed(2)} of its throughput (goal ${goal}), ${cpu.toFixed(2)} of its CPU time`);
}
