// Many processes with one store: examples/fleet unchanged, Keyv on Redis with a library's lock.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const hash = (text) => createHash('sha256').update(text).digest('hex');

/** Starts Redis on loopback, in memory; ready when it says so. */
async function redis(kit, port) {
  const dir = await mkdtemp(join(tmpdir(), 'redis-'));
  const server = spawn('redis-server', ['--bind', '127.0.0.1', '--port', port, '--dir', dir, '--save', '', '--appendonly', 'no'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const end = async () => {
    if (server.exitCode === null && server.signalCode === null) {
      server.kill('SIGKILL');
      await once(server, 'exit');
    }
  };
  kit.after(() => rm(dir, { recursive: true, force: true }));
  kit.after(end);
  let output = '';
  for await (const text of server.stdout.setEncoding('utf8')) {
    output += text;
    if (output.includes('Ready to accept connections')) break;
  }
  return { end };
}

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

/** Asks until an answer is as it should be; the row's own limit ends it. */
async function until(ask, isSo) {
  for (;;) {
    const answer = await ask();
    if (isSo(answer)) return answer;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

export default [
  {
    // By itself: a store that another row's build keeps from answering for 2 s has failed, as it should.
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
        // The lock outlives its holder; until it ends, callers wait, or have the old token, which is good still.
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
        await store.end();
        for (const each of [one, two]) {
          assert.deepEqual(await each.ask('access'), held, 'the valid tokens are handed out');
          await each.ask('refresh');
          assert.equal(await each.ask('storageErrors'), users.length, 'one event a session');
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
