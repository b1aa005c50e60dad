// Several machines: a lock in Redis, by redis-semaphore.
import { Mutex } from 'redis-semaphore'

/** How long a process that dies in the middle of a refresh keeps the others waiting. */
const LEASE_MS = 5_000

/** Returns the `lock` of sessions whose processes share this Redis, which is ioredis's. */
export const redisLock = (redis) => async (name, { timeoutMs, signal }, fn) => {
  const mutex = new Mutex(redis, name, { acquireTimeout: timeoutMs, retryInterval: 50, lockTimeout: LEASE_MS, onLockLost() {} })
  // Not `acquire`: the error that it throws has the name Error, and a session takes that for a lock that does not work.
  if (!await mutex.tryAcquire(signal)) throw new DOMException('another process has the lock', 'TimeoutError')
  try {
    return await fn()
  } finally {
    // If Redis is away now, the lock ends by itself.
    await mutex.release().catch(() => {})
  }
}
