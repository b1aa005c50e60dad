// The backend route beside a bare proxy and the stacks that a user would pick instead, asked by wrk for distinct tokens.
import { execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { tokens } from './cases/tokens.js';

const SECONDS = 4, WARM_UP_SECONDS = 2, AT_ONCE = 16, TOKENS = 60_000;

/** What the route is compared with. */
export const SERVERS = ['route', 'bare', 'express', 'hono'];

/** Writes the tokens and wrk's script into a folder. */
function write(folder) {
  // Fresh and expiring ones: six days on, none of them has expired.
  const list = tokens(TOKENS, { nowS: Math.floor(Date.now() / 1000) + 6 * 86_400 });
  writeFileSync(join(folder, 'tokens.txt'), list.join('\n'));
  // A repeated token is answered from memory, so each process is asked for those that it has not seen.
  writeFileSync(join(folder, 'wrk.lua'), `local tokens = {}
for line in io.lines("${join(folder, 'tokens.txt')}") do tokens[#tokens + 1] = line end
local at = tonumber(os.getenv("FROM"))
request = function()
  at = at % #tokens + 1
  return wrk.format("GET", "/api/v2/auth/refresh", { ["authorization"] = tokens[at], ["x-session"] = "known", ["origin"] = "https://app.example.com" })
end
`);
}

async function start(name, env) {
  const child = fork(join(import.meta.dirname, 'route/servers.mjs'), [name], { env: { ...process.env, NODE_ENV: 'production', ...env } });
  const [{ port }] = await once(child, 'message');
  const cpuMs = async () => {
    child.send('usage');
    return (await once(child, 'message'))[0].cpuMs;
  };
  return { url: `http://127.0.0.1:${port}`, cpuMs, end: () => child.kill() };
}

async function wrk(folder, url, from, seconds) {
  const options = ['-t1', `-c${AT_ONCE}`, `-d${seconds}s`, '-s', join(folder, 'wrk.lua'), url];
  const { stdout } = await promisify(execFile)('wrk', options, { env: { ...process.env, FROM: String(from) } });
  if (/Non-2xx|Socket errors/.test(stdout)) throw new Error(stdout);
  return { perSecond: Number(stdout.match(/Requests\/sec: *([\d.]+)/)[1]), requests: Number(stdout.match(/(\d+) requests in/)[1]) };
}

/**
 * Measures each server in a fresh process, in another order each time.
 * @param {string} folder where the package is installed
 * @returns {Promise<Record<string, { perSecond: number, cpuUs: number }>>} throughput, and CPU time of the server for a request
 */
export async function route(folder) {
  write(folder);
  const upstream = await start('upstream'), found = {};
  try {
    for (const name of SERVERS.toSorted(() => Math.random() - 0.5)) {
      const server = await start(name, { UPSTREAM: upstream.url, PACKAGE: join(folder, 'node_modules/transak-user-token/server.js') });
      try {
        await wrk(folder, server.url, 0, WARM_UP_SECONDS);
        const before = await server.cpuMs(), { perSecond, requests } = await wrk(folder, server.url, TOKENS / 2, SECONDS);
        found[name] = { perSecond, cpuUs: (await server.cpuMs() - before) / requests * 1000 };
      } finally {
        server.end();
      }
    }
    return found;
  } finally {
    upstream.end();
  }
}
