// Several machines: a lock in Redis, by redis-semaphore.
import { Mutex } from 'redis-semaphore'

/** How long the other processes wait for one that dies in the middle of a refresh. */
const LEASE_MS = 5_000

/** Returns the `lock` of sessions whose processes share a Redis. `redis` is a client of ioredis. */
export const redisLock = (redis) => async (name, { timeoutMs, signal }, fn) => {
  const mutex = new Mutex(redis, name, { acquireTimeout: timeoutMs, retryInterval: 50, lockTimeout: LEASE_MS, onLockLost() {} })
  // `acquire` would throw an error whose name is Error. A session takes such an error for a lock that does not work.
  if (!await mutex.tryAcquire(signal)) throw new DOMException('another process has the lock', 'TimeoutError')
  try {
    return await fn()
  } finally {
    // If Redis cannot be reached now, the lock ends with its lease.
    await mutex.release().catch(() => {})
  }
}
