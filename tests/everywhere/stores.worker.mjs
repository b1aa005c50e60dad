// A process of rows/9-stores-servers.mjs, with one user's session: it carries out commands. Tokens are compared by their hashes.
import { createHash } from 'node:crypto';
import { Redis } from 'ioredis';
import { TokenSession } from 'transak-user-token';
import { memcachedStorage } from './memcached.js';
import { postgresStorage } from './postgres.js';
import { redisLock } from './redis.js';

const { MEMCACHED, POSTGRES, REDIS_URL, BASE_URL } = process.env;
const options = {
  baseUrl: BASE_URL, key: 'user-1', lock: redisLock(new Redis(REDIS_URL)), maxWaitMs: 10_000,
  ...POSTGRES ? { storage: postgresStorage(POSTGRES) } : { storage: memcachedStorage(MEMCACHED), storageMayForget: true },
};
const heard = [], hash = (token) => createHash('sha256').update(token).digest('hex');
let session;

const calls = {
  /** Waits until the store answers: its first connection may take longer than a session waits for it. */
  async reach() {
    while (await options.storage.get('nobody').then(() => false, () => true)) await new Promise((resolve) => setTimeout(resolve, 50));
  },
  async login(token) {
    (await TokenSession.login(token, options)).dispose();
    return 'stored';
  },
  async open() {
    session = await TokenSession.open(options);
    for (const type of ['refreshed', 'expired', 'replaced', 'cleared', 'storageerror']) session.addEventListener(type, () => heard.push(type));
    return session.snapshot().stored ? 'stored' : 'not stored';
  },
  access: async () => hash(await session.accessToken()),
  refresh: async () => hash((await session.refresh()).accessToken),
  clear: () => session.clear(),
  heard: () => heard,
};
process.on('message', async ({ id, call, argument }) => {
  const result = await Promise.resolve(calls[call](argument)).catch(({ code }) => code);
  process.send({ id, result });
});
process.on('disconnect', () => process.exit());
