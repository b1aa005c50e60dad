// One token for each user, for any number of processes and machines. Redis keeps it, and one process refreshes it.
import { createKeyv } from '@keyv/redis';
import { Redis } from 'ioredis';
import { Mutex } from 'redis-semaphore';
import { TokenSession } from 'transak-user-token';

/** How long the other processes wait for one that dies in the middle of a refresh. */
const LOCK_TIMEOUT_MS = 5_000;

/**
 * @param {string} url Redis's, such as redis://127.0.0.1:6379
 * @param {Omit<import('transak-user-token').SessionOptions, 'storage' | 'key' | 'lock'>} options
 */
export function createFleet(url, options) {
  // Without throwOnErrors a Keyv hides the failures of Redis: it looks empty while Redis fails.
  const storage = createKeyv(url, { namespace: 'transak-user-token', throwOnErrors: true });
  // If Redis cannot be reached, a command fails soon. The session then goes on without it, and emits `storageerror`.
  const redis = new Redis(url, { maxRetriesPerRequest: 1, commandTimeout: 2_000 });
  redis.on('error', () => {});

  /** @type {import('transak-user-token').TokenLock} */
  async function lock(name, { timeoutMs, signal }, fn) {
    const mutex = new Mutex(redis, name, {
      acquireTimeout: timeoutMs, retryInterval: 50, lockTimeout: LOCK_TIMEOUT_MS, onLockLost() {},
    });
    // `acquire` would throw an error whose name is Error. A session takes such an error for a lock that does not work.
    if (!await mutex.tryAcquire(signal)) throw new DOMException('another process has the lock', 'TimeoutError');
    try {
      return await fn();
    } finally {
      // If Redis cannot be reached now, the lock ends with its lease.
      await mutex.release().catch(() => {});
    }
  }

  return {
    /** @param {string} user @param {string} token of the login, or the last known one */
    session: (user, token) => new TokenSession(token, { ...options, storage, key: user, lock }),
    async close() {
      redis.disconnect();
      await storage.disconnect();
    },
  };
}
