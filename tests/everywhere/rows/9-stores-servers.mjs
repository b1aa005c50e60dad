// Stores that are servers of their own, by Keyv as examples/stores has it: two processes with one user's session.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { memcached } from '../memcached.mjs';
import { postgres } from '../postgres.mjs';
import { redis } from '../redis.mjs';

/** A call looks at the store if the last look is 30 s old; a machine that has much else to do takes longer. */
const IN_STEP_S = 60;

const hash = (token) => createHash('sha256').update(token).digest('hex');
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** A gateway that revokes what it replaces, and two processes that have opened one session, whose token is in its last day. */
async function two(kit, env) {
  const files = { 'worker.js': await readFile(new URL('../stores.worker.mjs', import.meta.url), 'utf8') };
  for (const [example, names] of [['stores', await readdir(join(kit.root, 'examples/stores'))], ['locks', ['process.js', 'redis.js']]]) {
    for (const name of names) files[name] = await readFile(join(kit.root, 'examples', example, name), 'utf8');
  }
  const folder = await kit.project(files), port = await kit.port();
  await redis(kit, port);
  const gateway = kit.createGateway({ revoke: true }), { url, close } = await gateway.listen();
  kit.after(close);
  const { startProcess } = await import(pathToFileURL(join(folder, 'process.js')));
  const processes = [1, 2].map(() => startProcess({ REDIS_URL: `redis://127.0.0.1:${port}`, BASE_URL: url, ...env }));
  for (const { end } of processes) kit.after(() => end('SIGKILL'));
  const exp = Math.floor(Date.now() / 1000) + 86_400, token = await gateway.issue({ iat: exp - 30 * 86_400, exp });
  const all = (call) => Promise.all(processes.map(({ ask }) => ask(call)));
  await all('reach');
  assert.equal(await processes[0].ask('login', token), 'stored');
  assert.deepEqual(await all('open'), ['stored', 'stored']);

  return {
    gateway, processes, all, given: hash(token),
    /** Refreshes the token, which both have then. */
    async refreshed() {
      const [held, other] = await all('access');
      assert.equal(held, other);
      assert.notEqual(held, hash(token));
      assert.equal(gateway.refreshes(), 1);
      return held;
    },
    /** Calls both processes until one answer is as expected, and resolves with it. */
    async until(isSo, call = 'access') {
      for (const begun = Date.now(); ;) {
        const answers = await all(call);
        if (isSo(answers)) return answers;
        assert.ok((Date.now() - begun) / 1000 < IN_STEP_S, `not in time: ${answers}`);
        await pause(200);
      }
    },
    /** Fails if a session has emitted any event except these and `refreshed`. */
    async heard(...expected) {
      for (const types of await all('heard')) assert.deepEqual(types.filter((type) => type !== 'refreshed'), expected);
    },
  };
}

const inStep = ([one, other]) => one === other && /^[0-9a-f]{64}$/.test(one);

/** With a memcached whose clock is slow. */
const memcachedOf = (prove) => async (kit) => {
  const port = await kit.port(), offset = '-3s', server = await memcached(kit, port, offset);
  const [, told] = (await server.ask('stats')).match(/STAT time (\d+)/), slowS = Date.now() / 1000 - told;
  assert.ok(slowS > 2 && slowS < 8, `its clock is ${slowS} s slow`);
  await prove({ ...await two(kit, { MEMCACHED: `127.0.0.1:${port}` }), server, start: () => memcached(kit, port, offset) });
};

const postgresOf = (prove) => async (kit) => {
  const { uri, start } = await postgres(kit, await kit.port()), server = await start();
  await prove({ ...await two(kit, { POSTGRES: uri }), server, start });
};

const oneRefresh = async ({ refreshed, heard }) => {
  await refreshed();
  await heard();
};

/** If memcached took the 30 days for a date, the entry would be gone. */
const oneEntry = async (world) => {
  await oneRefresh(world);
  assert.match(await world.server.ask('stats'), /^STAT curr_items 1\r$/m);
};

/** A logout in one process is noticed in the other one. */
const loggedOut = async ({ processes: [one, other], refreshed, until, heard }) => {
  await refreshed();
  await one.ask('clear');
  await until((answers) => answers.every((answer) => answer === 'ERR_INVALID_TOKEN'));
  await heard('cleared');
};

/** The store has lost its data, and one process refreshes. The other one adopts the new token. */
const restartedEmpty = async ({ processes: [one], server, start, gateway, refreshed, all, until, heard }) => {
  const held = await refreshed();
  await server.end();
  await start();
  assert.deepEqual(await all('access'), [held, held]);
  const last = await one.ask('refresh');
  assert.notEqual(last, held);
  await until((answers) => inStep(answers) && answers[0] === last);
  assert.equal(gateway.refreshes(), 2);
  await heard();
};

/** The server stops while its connections are idle, and both processes refresh meanwhile. */
const stopped = (signal) => async ({ server, start, gateway, refreshed, all, until, heard, processes: [one] }) => {
  const held = await refreshed();
  await server.end(signal);
  assert.deepEqual(await all('access'), [held, held]);
  // A gateway that revokes would refuse the second process, which cannot learn the token of the first one without the store.
  gateway.revoke = false;
  for (const answer of await all('refresh')) assert.match(answer, /^[0-9a-f]{64}$/);
  await heard('storageerror');
  await start();
  await until(inStep);
  // The store is used again: after a refresh in one process the other one has the same token.
  gateway.revoke = true;
  const last = await one.ask('refresh');
  await until((answers) => inStep(answers) && answers[0] === last);
  await heard('storageerror');
};

const row = (name, version, ways) => ({ alone: true, group: 'Stores', name, version, set: 'stores', limitMs: 120_000, note: '`examples/stores` in the repository', ways });
export default [
  row('Keyv on memcached, by @keyv/memcache', '@keyv/memcache', {
    'two processes, one refresh, with its clock 3 s slow': memcachedOf(oneEntry),
    'a logout in one process': memcachedOf(loggedOut),
    'restarted, with its data gone: nobody is signed out': memcachedOf(restartedEmpty),
  }),
  row('Keyv on PostgreSQL, by @keyv/postgres', '@keyv/postgres', {
    'two processes, one refresh': postgresOf(oneRefresh),
    'a logout in one process': postgresOf(loggedOut),
    'stopped and started: nobody is signed out': postgresOf(stopped('SIGINT')),
    'broken off and started: nobody is signed out': postgresOf(stopped('SIGQUIT')),
  }),
];
