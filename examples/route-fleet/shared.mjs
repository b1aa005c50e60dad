// What the processes of a route share by Redis: answers, one request for one token, and limits.
import { createKeyv } from '@keyv/redis'
import { Redis } from 'ioredis'
import { RateLimiterRedis } from 'rate-limiter-flexible'
import { Mutex } from 'redis-semaphore'

/** How long the other processes wait for one that dies during its request to Transak. */
const LOCK_TIMEOUT_MS = 5_000

/** @param {string} url Redis's, such as redis://127.0.0.1:6379 */
export function share(url) {
  const storage = createKeyv(url)
  // Otherwise a Keyv hides the failures of its store.
  storage.throwOnErrors = true
  storage.on('error', () => {})
  // If Redis cannot be reached, a command fails soon. The route then goes on without it, and reports `degraded`.
  const redis = new Redis(url, { maxRetriesPerRequest: 1, commandTimeout: 2_000 })
  redis.on('error', () => {})

  /** @type {import('transak-user-token').TokenLock} */
  async function lock(name, { timeoutMs, signal }, fn) {
    const mutex = new Mutex(redis, name, { acquireTimeout: timeoutMs, retryInterval: 50, lockTimeout: LOCK_TIMEOUT_MS, onLockLost() {} })
    if (!await mutex.tryAcquire(signal)) throw new DOMException('another process has the lock', 'TimeoutError')
    try {
      return await fn()
    } finally {
      // If Redis cannot be reached now, the lock ends with its lease.
      await mutex.release().catch(() => {})
    }
  }

  /** One for each kind of limit. @type {Map<string, RateLimiterRedis>} */
  const limiters = new Map()

  /** @type {import('transak-user-token/server').Limiter} */
  async function limiter(key, { max, windowMs, cost }) {
    const keyPrefix = `limit-${max}-${windowMs}`
    // It counts whole seconds, rounded down, and 0 would mean a limit without an end.
    const duration = Math.ceil(windowMs / 1000)
    if (!limiters.has(keyPrefix)) limiters.set(keyPrefix, new RateLimiterRedis({ storeClient: redis, keyPrefix, points: max, duration }))
    const counter = limiters.get(keyPrefix)
    if (cost === 0) return ((await counter.get(key))?.consumedPoints ?? 0) < max
    try {
      await counter.consume(key)
      return true
    } catch (refused) {
      // If the limit is used up, it rejects with an object that is no Error.
      if (refused instanceof Error) throw refused
      return false
    }
  }

  return { storage, lock, limiter }
}
