// The stores that people have, the real packages: by an adapter of ./storage, or by the three lines that its error says.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Imports a package of the row's tools, or the package itself. */
const load = (kit, name) => import(pathToFileURL(createRequire(join(kit.tools, 'x.js')).resolve(name)));
const ours = (kit, entry) => import(pathToFileURL(join(kit.installed, 'node_modules/transak-user-token', entry)));

/** A login, a refresh, another process's look and a logout, all by one store. */
async function carries(kit, storage) {
  const { TokenSession } = await ours(kit, 'index.js'), { base: baseUrl, token } = await kit.world();
  // Rows run side by side: sessions of one key hear each other.
  const options = { baseUrl, storage, key: `someone/else?@example.com ${randomUUID()}` }, problems = [];
  const watched = (session) => {
    kit.after(() => session.dispose());
    session.addEventListener('storageerror', ({ detail }) => problems.push(detail.error));
    return session;
  };
  const session = watched(await TokenSession.login(token, options));
  const { accessToken } = await session.refresh();
  assert.notEqual(accessToken, token);
  assert.equal(await watched(await TokenSession.open(options)).accessToken(), accessToken);
  await session.clear();
  assert.equal(watched(await TokenSession.open(options)).snapshot().state, 'invalid');
  assert.deepEqual(problems, []);
}

/** The adapter for another kind of store refuses this store, and says what to write for it. */
async function refused(kit, store, advice) {
  const { keyv } = await ours(kit, 'storage.js');
  assert.throws(() => keyv(store), (error) => error.code === 'ERR_INVALID_OPTION' && error.message.includes(advice));
}

/** A Keyv whose backend can fail. Then version 5 rejects, if `throwOnErrors` is set, and version 6 emits `error`. */
const keyvOf = (name) => ({
  group: 'Stores', name: 'Keyv', set: 'stores', version: name, note: 'by `keyv`, with `throwOnErrors: true`',
  ways: {
    'login to logout': async (kit) => {
      const { Keyv } = await load(kit, name), { keyv } = await ours(kit, 'storage.js');
      await carries(kit, keyv(new Keyv({ throwOnErrors: true })));
    },
    'a backend that is away is no logout': async (kit) => {
      const { Keyv } = await load(kit, name), { keyv } = await ours(kit, 'storage.js'), { TokenSession } = await ours(kit, 'index.js');
      const { base: baseUrl, token } = await kit.world(), entries = new Map();
      let away = false;
      const reached = (answer) => { if (away) throw new Error('away'); return answer(); };
      const store = Object.assign(new Map(), {
        get: (key) => reached(() => entries.get(key)),
        set: (key, value) => reached(() => { entries.set(key, value); return true; }),
        delete: (key) => reached(() => entries.delete(key)),
      });
      const session = await TokenSession.login(token, { baseUrl, storage: keyv(new Keyv({ store, throwOnErrors: true })), key: randomUUID() });
      kit.after(() => session.dispose());
      const events = [];
      for (const type of ['storageerror', 'cleared']) session.addEventListener(type, () => events.push(type));
      away = true;
      const { accessToken } = await session.refresh();
      assert.equal(await session.accessToken(), accessToken);
      assert.deepEqual(events, ['storageerror']);
    },
  },
});

export default [
  keyvOf('keyv'),
  keyvOf('keyv6'),
  {
    group: 'Stores', name: 'unstorage', set: 'stores', version: 'unstorage', note: 'by `unstorage`',
    ways: {
      'in memory': async (kit) => {
        const { createStorage, prefixStorage } = await load(kit, 'unstorage'), { unstorage } = await ours(kit, 'storage.js');
        const storage = createStorage();
        await carries(kit, unstorage(storage));
        await carries(kit, unstorage(prefixStorage(storage, 'tokens')));
        await refused(kit, storage, 'write unstorage(storage)');
      },
      'in files': async (kit) => {
        const { createStorage } = await load(kit, 'unstorage'), { unstorage } = await ours(kit, 'storage.js');
        const { default: driver } = await load(kit, 'unstorage/drivers/fs-lite');
        await carries(kit, unstorage(createStorage({ driver: driver({ base: join(await kit.project(), 'tokens') }) })));
      },
    },
  },
  {
    group: 'Stores', name: 'lru-cache', set: 'stores', version: 'lru-cache', note: 'with the three lines that the error of an adapter shows',
    ways: {
      'three lines': async (kit) => {
        const { LRUCache } = await load(kit, 'lru-cache'), cache = new LRUCache({ max: 10 });
        await refused(kit, cache, 'cache.set(key, token, { ttl: ttlMs })');
        await carries(kit, { get: (key) => cache.get(key), set: (key, token, ttlMs) => cache.set(key, token, { ttl: ttlMs }), delete: (key) => cache.delete(key) });
      },
    },
  },
  {
    group: 'Stores', name: 'ioredis, redis, @upstash/redis, idb-keyval', set: 'stores', note: 'the error of an adapter shows the three lines for each',
    ways: {
      'told apart': async (kit) => {
        const { Redis } = await load(kit, 'ioredis'), { createClient } = await load(kit, 'redis'), { Redis: Upstash } = await load(kit, '@upstash/redis');
        const redis = new Redis({ lazyConnect: true });
        kit.after(() => redis.disconnect());
        await refused(kit, redis, "redis.set(key, token, 'PX', ttlMs)");
        await refused(kit, createClient(), "client.set(key, token, { expiration: { type: 'PX', value: ttlMs } })");
        await refused(kit, new Upstash({ url: 'https://redis.test', token: 'x' }), 'redis.set(key, token, { px: ttlMs })');
        await refused(kit, await load(kit, 'idb-keyval'), 'delete: (key) => del(key)');
      },
    },
  },
];
