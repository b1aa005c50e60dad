// A fleet in which anything may stop, die or restart: four processes of examples/fleet with a hundred users, Redis, and a
// server that knows which token it gave each user last.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFile, readdir } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { dataFolder, redis } from './redis.mjs';

const PROCESSES = 4, USERS = 100, DAY_S = 86_400;

const hash = (text) => createHash('sha256').update(text).digest('hex');
export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Returns how many of these answers of a process have this value. */
export const count = (answers, wanted) => answers.filter((answer) => wanted instanceof RegExp ? wanted.test(answer) : String(answer) === wanted).length;

/** A promise that is resolved from outside. */
export function gate() {
  let open;
  const gate = new Promise((resolve) => { open = resolve; });
  return Object.assign(gate, { open });
}

/** @param {{ keeps?: boolean, revokes?: boolean }} given whether Redis has its data again after a restart; whether a refreshed token is revoked */
export async function fleet(kit, { keeps = true, revokes = true } = {}) {
  const example = join(kit.root, 'examples/fleet'), files = {};
  for (const name of await readdir(example)) files[name] = await readFile(join(example, name), 'utf8');
  files['worker.js'] = await readFile(new URL('fleet.worker.mjs', import.meta.url), 'utf8');
  const folder = await kit.project(files), { startProcess } = await import(pathToFileURL(join(folder, 'process.js')));
  const port = await kit.port(), data = keeps ? await dataFolder(kit) : undefined;
  const startRedis = () => redis(kit, port, data);
  const gateway = kit.createGateway({ revoke: revokes });

  /** The server awaits `before` and `after` around its own work. */
  const holds = { before: () => {}, after: () => {} }, requests = [], given = new Map();
  const server = createServer(async ({ url, headers: { authorization } }, response) => {
    const { sub: user } = await gateway.verify(authorization) ?? {}, by = Number(url.match(/^\/(\d)\//)?.[1]);
    const request = { user, by, status: 0 };
    requests.push(request);
    try {
      await holds.before(request);
      const answer = await gateway.fetch(new Request('http://gateway/api/v2/auth/refresh', { headers: { authorization } })), body = await answer.text();
      request.status = answer.status;
      if (answer.ok) given.set(user, hash(JSON.parse(body).data.accessToken));
      await holds.after(request);
      response.writeHead(answer.status).end(body);
    } catch {
      response.destroy();
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  kit.after(() => {
    server.close();
    server.closeAllConnections();
  });

  const iat = Math.floor(Date.now() / 1000) - 29 * DAY_S;
  const tokens = await Promise.all(Array.from({ length: USERS }, async (_, i) => [`user-${i}`, await gateway.issue({ sub: `user-${i}`, iat, exp: iat + 30 * DAY_S })]));
  let store = await startRedis();
  const processes = await Promise.all(Array.from({ length: PROCESSES }, async (_, i) => {
    const BASE_URL = `http://127.0.0.1:${server.address().port}/${i}`;
    const one = startProcess({ REDIS_URL: `redis://127.0.0.1:${port}`, BASE_URL, MAY_FORGET: keeps ? '' : '1' });
    kit.after(() => one.end('SIGKILL'));
    await one.ask('reach');
    await one.ask('open', tokens);
    return one;
  }));

  const access = (which = processes) => Promise.all(which.map(({ ask }) => ask('access')));
  const users = tokens.map(([user]) => user);
  return {
    processes, requests, holds, access, users,
    cli: (...args) => kit.run('redis-cli', ['-p', String(port), ...args]),
    endRedis: () => store.end(),
    async startRedis() { store = await startRedis(); },
    /** Resolves when the server has got this many requests of this kind. */
    async asked(isMeant, times) {
      while (requests.filter(isMeant).length < times) await pause(20);
    },
    /** Uses these processes until each holds the token of each user's last refresh; resolves with how long that took, in seconds. */
    async inStep(which = processes, isMeant = () => true) {
      const begun = Date.now();
      for (;;) {
        const held = await access(which);
        if (held.every((tokens) => tokens.every((token, i) => token === given.get(users[i]) || !isMeant(i)))) return (Date.now() - begun) / 1000;
        await pause(500);
      }
    },
    /** Returns how many requests each user cost. */
    costs: () => users.map((user) => requests.filter((request) => request.user === user).length),
  };
}
