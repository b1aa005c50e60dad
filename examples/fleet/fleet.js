// One token a user for any number of processes on any number of machines: kept in Redis, refreshed once.
import { createKeyv } from '@keyv/redis';
import { Redis } from 'ioredis';
import { Mutex } from 'redis-semaphore';
import { TokenSession } from 'transak-user-token';

/** How long a process that dies in the middle of a refresh keeps the others waiting. */
const LOCK_TIMEOUT_MS = 5_000;

/**
 * @param {string} url Redis's, such as redis://127.0.0.1:6379
 * @param {Omit<import('transak-user-token').SessionOptions, 'storage' | 'key' | 'lock'>} options
 */
export function createFleet(url, options) {
  // A Keyv that swallows its Redis's failures looks empty during them.
  const storage = createKeyv(url, { namespace: 'transak-user-token', throwOnErrors: true });
  // While Redis is away a command fails soon: the session goes on without it, and says so by `storageerror`.
  const redis = new Redis(url, { maxRetriesPerRequest: 1, commandTimeout: 2_000 });
  redis.on('error', () => {});

  /** @type {import('transak-user-token').TokenLock} */
  async function lock(name, { timeoutMs, signal }, fn) {
    const mutex = new Mutex(redis, name, {
      acquireTimeout: timeoutMs, retryInterval: 50, lockTimeout: LOCK_TIMEOUT_MS, onLockLost() {},
    });
    // Not `acquire`: its error has the name Error, and is taken for a lock that does not work.
    if (!await mutex.tryAcquire(signal)) throw new DOMException('another process has the lock', 'TimeoutError');
    try {
      return await fn();
    } finally {
      // If Redis is away now, the lock ends by itself.
      await mutex.release().catch(() => {});
    }
  }

  return {
    /** @param {string} user @param {string} token of the login, or of the last time */
    session: (user, token) => new TokenSession(token, { ...options, storage, key: user, lock }),
    async close() {
      redis.disconnect();
      await storage.disconnect();
    },
  };
}
