// Many processes with one store: examples/fleet unchanged, Keyv on Redis with a library's lock.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { redis } from '../redis.mjs';

const hash = (text) => createHash('sha256').update(text).digest('hex');

/** Redis, a gateway that revokes what it replaces, and what starts processes of the example. */
async function fleet(kit) {
  const example = join(kit.root, 'examples/fleet'), files = {};
  for (const name of await readdir(example)) files[name] = await readFile(join(example, name), 'utf8');
  const folder = await kit.project(files);
  const port = await kit.port(), store = await redis(kit, port);
  const gateway = kit.createGateway({ revoke: true });
  const { url, close } = await gateway.listen();
  kit.after(close);
  const env = { REDIS_URL: `redis://127.0.0.1:${port}`, BASE_URL: url };
  const { startProcess } = await import(pathToFileURL(join(folder, 'process.js')));
  const start = () => {
    const one = startProcess(env);
    kit.after(() => one.end('SIGKILL'));
    return one;
  };
  const exp = Math.floor(Date.now() / 1000) + 86_400, iat = exp - 30 * 86_400;
  const issue = (count) => Promise.all(Array.from({ length: count }, async (_, i) => [`user-${i}`, await gateway.issue({ sub: `user-${i}`, iat, exp })]));
  return { folder, env, port, store, gateway, start, issue };
}

/** Redis, a gateway that revokes what it replaces, and processes of the route as examples/route-fleet has it. */
async function routes(kit, count) {
  const example = join(kit.root, 'examples/route-fleet'), files = {};
  for (const name of await readdir(example)) files[name] = await readFile(join(example, name), 'utf8');
  const cwd = await kit.project(files), port = await kit.port(), store = await redis(kit, port);
  const gateway = kit.createGateway({ revoke: true }), { url, close } = await gateway.listen();
  kit.after(close);
  const start = async () => {
    const PORT = String(await kit.port()), own = `http://127.0.0.1:${PORT}`;
    const env = { REDIS_URL: `redis://127.0.0.1:${port}`, TRANSAK_URL: url, TRANSAK_API_KEY: 'key', SESSION: 'known', HOST: '127.0.0.1', PORT };
    const child = await kit.serve(process.execPath, ['server.mjs'], own, { cwd, env });
    /** Asks as a user's page does, behind the load balancer. */
    const ask = async (token, user = 0) => {
      const address = `10.1.${user >> 8}.${user & 255}`;
      const headers = { authorization: token, 'x-session': 'known', 'sec-fetch-site': 'same-origin', 'x-forwarded-for': address };
      const answer = await fetch(`${own}/api/v2/auth/refresh`, { headers });
      return { status: answer.status, token: (await answer.json()).data?.accessToken };
    };
    const told = (what) => child.output.split('\n').filter((line) => line.startsWith(what)).length;
    return { child, ask, told };
  };
  const processes = await Promise.all(Array.from({ length: count }, start));
  const tokens = (count) => Promise.all(Array.from({ length: count }, (_, user) => gateway.issue({ sub: `user-${user}` })));
  return { port, store, gateway, processes, tokens };
}

/** How many users each process is asked for, and how many of them at once: more would wait too long on a slow machine. */
const USERS = 200, AT_ONCE = 50;

const oneRequestEach = (count) => async (kit) => {
  const { gateway, processes, tokens } = await routes(kit, count), users = await tokens(USERS);
  const answers = [], askAll = (token, user) => processes.map(({ ask }) => ask(token, user));
  for (let from = 0; from < USERS; from += AT_ONCE) {
    answers.push(...await Promise.all(users.slice(from, from + AT_ONCE).flatMap((token, at) => askAll(token, from + at))));
  }
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
  assert.equal(new Set(answers.map(({ token }) => token)).size, USERS, 'one new token for each');
  assert.equal(gateway.refreshes(), USERS);
};

/** Asks again, as a client that lost its answer does, until it has a token. */
const persistent = (ask, token, user) => until(() => ask(token, user).catch(() => ({})), ({ status }) => status === 200);

/** Asks until the answer is as expected. The time limit of the row ends this. */
async function until(ask, isSo) {
  for (;;) {
    const answer = await ask();
    if (isSo(answer)) return answer;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

export default [
  {
    alone: true,
    group: 'Servers', name: 'The route in several processes on Redis', set: 'fleet', limitMs: 120_000, note: '`examples/route-fleet` in the repository',
    ways: {
      '2 processes, 200 users at once: 200 requests': oneRequestEach(2),
      '4 processes, 200 users at once: 200 requests': oneRequestEach(4),
      'what Redis holds gives nobody a token': async (kit) => {
        const { port, processes: [{ ask }], tokens } = await routes(kit, 1), [token] = await tokens(1);
        const { token: refreshed } = await ask(token);
        const cli = (...args) => kit.run('redis-cli', ['-p', String(port), ...args]);
        const names = (await cli('--scan')).trim().split('\n'), held = await Promise.all(names.map((name) => cli('get', name).catch(() => '')));
        assert.ok(names.some((name) => name.includes('answer')), 'the answer is there');
        const all = names.join() + held.join();
        for (const part of [token, refreshed].flatMap((each) => each.split('.'))) assert.ok(!all.includes(part.slice(0, 12)));
      },
      'a process killed while it asks Transak': async (kit) => {
        const { gateway, processes: [killed, other], tokens } = await routes(kit, 2), [token] = await tokens(1);
        gateway.fail({ kind: 'hang' });
        killed.ask(token).catch(() => {});
        await until(() => gateway.refreshes(), (count) => count === 1);
        process.kill(-killed.child.pid, 'SIGKILL');
        const { token: refreshed } = await persistent(other.ask, token);
        assert.ok(await gateway.verify(refreshed));
        assert.equal(gateway.refreshes(), 2);
      },
      'a process stopped beyond the lease of its lock': async (kit) => {
        const { gateway, processes: [stopped, other], tokens } = await routes(kit, 2), [token] = await tokens(1);
        gateway.fail({ kind: 'latency', ms: 12_000 });
        const first = stopped.ask(token).catch(() => ({}));
        await until(() => gateway.refreshes(), (count) => count === 1);
        process.kill(-stopped.child.pid, 'SIGSTOP');
        const { token: refreshed } = await persistent(other.ask, token);
        process.kill(-stopped.child.pid, 'SIGCONT');
        assert.equal((await first).token, refreshed, 'it repeats what the other got');
        assert.equal((await persistent(stopped.ask, token)).token, refreshed);
        assert.equal(gateway.refreshes(), 2);
      },
      'Redis stopped, and started empty': async (kit) => {
        const { port, store, gateway, processes, tokens } = await routes(kit, 2), users = await tokens(20);
        gateway.revoke = false;
        await Promise.all(users.slice(0, 10).map((token, user) => processes[user % 2].ask(token, user)));
        await store.end();
        const during = await Promise.all(users.map((token, user) => persistent(processes[user % 2].ask, token, user)));
        for (const { token } of during) assert.ok(await gateway.verify(token));
        for (const { told } of processes) assert.ok(told('degraded') >= 1 && told('degraded') <= 3, 'told once for each of storage, limiter and lock');
        await redis(kit, port);
        const askBoth = async () => {
          const later = await gateway.issue({ sub: 'later' });
          return Promise.all(processes.map(({ ask }) => ask(later, 99)));
        };
        await until(askBoth, ([one, two]) => one.token !== undefined && one.token === two.token);
        for (const token of users) assert.ok(gateway.refreshes(token) <= 2, 'no user twice more than once');
      },
    },
  },
  {
    // This row runs alone. Otherwise the build of another row could delay the store for 2 s, which counts as a failure.
    alone: true,
    group: 'Fleets', name: 'Redis, with Keyv and redis-semaphore', set: 'fleet', limitMs: 90_000, note: '`examples/fleet` in the repository',
    ways: {
      '4 processes with 200 users refresh 200 times': async (kit) => {
        const { folder, env } = await fleet(kit);
        const output = await kit.run(process.execPath, ['main.js'], { cwd: folder, env });
        assert.equal(output, '4 processes, 200 users: 200 refreshes, all in step\n');
      },
      'a process killed inside a refresh': async (kit) => {
        const { gateway, start, issue } = await fleet(kit);
        const users = await issue(1), [[, token]] = users;
        const [killed, other] = [start(), start()];
        await Promise.all([killed.ask('open', users), other.ask('open', users)]);
        gateway.fail({ kind: 'hang' });
        killed.ask('access').catch(() => {});
        await until(() => gateway.refreshes(), (count) => count === 1);
        await killed.end('SIGKILL');
        // The lock outlives its holder. Until it ends, callers wait, or get the old token, which is still valid.
        const [held] = await until(() => other.ask('access'), ([held]) => held !== hash(token));
        assert.match(held, /^[0-9a-f]{64}$/);
        assert.equal(gateway.refreshes(), 2);
      },
      'Redis away and back': async (kit) => {
        const { port, store, gateway, start, issue } = await fleet(kit);
        const users = await issue(20), given = users.map(([, token]) => hash(token));
        const [one, two] = [start(), start()];
        await Promise.all([one.ask('open', users), two.ask('open', users)]);
        const held = await one.ask('access');
        assert.deepEqual(await two.ask('access'), held);
        const before = await Promise.all([one, two].map(({ ask }) => ask('storageErrors')));
        await store.end();
        for (const [at, each] of [one, two].entries()) {
          assert.deepEqual(await each.ask('access'), held, 'the valid tokens are handed out');
          await each.ask('refresh');
          assert.equal(await each.ask('storageErrors') - before[at], users.length, 'one event a session');
        }
        await redis(kit, port);
        const inStep = await until(
          async () => Promise.all([one.ask('access'), two.ask('access')]),
          ([ones, twos]) => ones.join() === twos.join(),
        );
        for (const each of inStep.flat()) assert.ok(/^[0-9a-f]{64}$/.test(each) && !given.includes(each), 'everyone has a valid token');
        assert.ok(gateway.refreshes() <= 3 * users.length);
      },
    },
  },
];
