// Locks of other packages, as examples/locks has them: three processes with one user's token in a file.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { redis } from '../redis.mjs';

/** The example with more files, and a folder for tokens. */
async function laid(kit, files = {}) {
  const example = join(kit.root, 'examples/locks');
  for (const name of await readdir(example)) files[name] = await readFile(join(example, name), 'utf8');
  const folder = await kit.project(files), tokens = await mkdtemp(join(tmpdir(), 'tokens-'));
  kit.after(() => rm(tokens, { recursive: true, force: true }));
  return { folder, tokens };
}

/** The example, a gateway, and three of its processes that have opened one session, whose token is in its last day. */
async function three(kit, { revoke, env: more = {} }) {
  const { folder, tokens } = await laid(kit);
  const gateway = kit.createGateway({ revoke }), { url, close } = await gateway.listen();
  kit.after(close);
  const { startProcess } = await import(pathToFileURL(join(folder, 'process.js')));
  const processes = Array.from({ length: 3 }, () => startProcess({ FOLDER: tokens, BASE_URL: url, ...more }));
  for (const { end } of processes) kit.after(() => end('SIGKILL'));
  const exp = Math.floor(Date.now() / 1000) + 86_400, token = await gateway.issue({ iat: exp - 30 * 86_400, exp });
  await processes[0].ask('login', token);
  await Promise.all(processes.map(({ ask }) => ask('open')));
  return { gateway, processes, token };
}

const all = (processes, call) => Promise.all(processes.map(({ ask }) => ask(call)));
const until = async (ask, holds) => {
  for (;;) {
    const answer = await ask();
    if (holds(answer)) return answer;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
};
/** Fails if a session has emitted an event of a failure. */
const untroubled = async (processes) => {
  for (const heard of await all(processes, 'heard')) assert.deepEqual(heard.filter((type) => type !== 'refreshed'), []);
};

const oneRefresh = (environment) => async (kit) => {
  const { gateway, processes, token } = await three(kit, { revoke: true, env: await environment(kit) });
  await until(() => all(processes, 'access'), (held) => new Set(held).size === 1 && held[0] !== token);
  assert.equal(gateway.refreshes(), 1);
  await untroubled(processes);
};

const stopped = (environment) => async (kit) => {
  const { gateway, processes, token } = await three(kit, { revoke: false, env: await environment(kit) }), [one, ...others] = processes;
  gateway.fail({ kind: 'latency', ms: 9_000 });
  const late = one.ask('access');
  await until(() => gateway.refreshes(), (count) => count === 1);
  one.child.kill('SIGSTOP');
  // The other processes wait for the end of the lease. Meanwhile they have the old token, which is still valid.
  const [held] = await until(() => all(others, 'access'), ([first, second]) => first !== token && first === second);
  assert.ok(await gateway.verify(held));
  one.child.kill('SIGCONT');
  await late;
  const [last] = await until(() => all(processes, 'access'), (tokens) => new Set(tokens).size === 1);
  assert.ok(await gateway.verify(last));
  assert.equal(gateway.refreshes(), 2);
  await untroubled(processes);
};

// An error with any other name would mean that the lock does not work.
const CONTENDED = `import { Redis } from 'ioredis'
import { fileLock } from './file.js'
import { redisLock } from './redis.js'
const { REDIS_URL, FOLDER } = process.env, redis = REDIS_URL && new Redis(REDIS_URL), lock = redis ? redisLock(redis) : fileLock(FOLDER)
const { signal } = new AbortController(), begun = []
const second = () => lock('name', { timeoutMs: 200, signal }, async () => { begun.push('second') }).catch(({ name }) => name)
const said = await lock('name', { timeoutMs: 200, signal }, () => { begun.push('first'); return second() })
console.log(said, await second() ?? 'had', begun.join())
redis?.disconnect()
`;
const contended = (environment) => async (kit) => {
  const { folder, tokens } = await laid(kit, { 'contended.js': CONTENDED });
  const output = await kit.run(process.execPath, ['contended.js'], { cwd: folder, env: { FOLDER: tokens, ...await environment(kit) } });
  assert.equal(output, 'TimeoutError had first,second\n');
};

const ways = (environment) => ({
  'three processes, one refresh': oneRefresh(environment),
  'a process stopped beyond its lease': stopped(environment),
  'a request for a lock that another process has rejects with a TimeoutError': contended(environment),
});
const row = (name, environment) => ({ alone: true, group: 'Locks', name, set: 'fleet', version: name, limitMs: 120_000, note: '`examples/locks` in the repository', ways: ways(environment) });
export default [
  row('proper-lockfile', async () => ({})),
  row('redis-semaphore', async (kit) => {
    const port = await kit.port();
    await redis(kit, port);
    return { REDIS_URL: `redis://127.0.0.1:${port}` };
  }),
];
