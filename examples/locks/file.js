// Several processes of one machine: tokens in files, and a lock by proper-lockfile.
import { createHash, randomUUID } from 'node:crypto'
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import lockfile from 'proper-lockfile'

/** How long the other processes wait for one that dies in the middle of a refresh: the least that proper-lockfile allows. */
const LEASE_MS = 5_000, RETRY_MS = 50

// A key may have characters that the name of a file may not have.
const pathOf = (folder, name) => join(folder, createHash('sha256').update(name).digest('hex'))

/** Returns the `storage` of sessions that keep each token in a file of a folder. Only the owner of a file may read it. */
export const fileStorage = (folder) => ({
  get: (key) => readFile(pathOf(folder, key), 'utf8').catch((error) => {
    if (error.code !== 'ENOENT') throw error
  }),
  async set(key, token) {
    // A new file is written and then renamed, so that a process that reads meanwhile finds a whole token.
    const path = pathOf(folder, key), written = `${path}.${randomUUID()}`
    await writeFile(written, token, { mode: 0o600 })
    await rename(written, path)
  },
  delete: (key) => rm(pathOf(folder, key), { force: true }),
})

/** Returns the `lock` of sessions whose processes share a folder. */
export const fileLock = (folder) => async (name, { timeoutMs, signal }, fn) => {
  const retries = { retries: Math.floor(timeoutMs / RETRY_MS), factor: 1, minTimeout: RETRY_MS, maxTimeout: RETRY_MS }
  // By default proper-lockfile throws if it loses a lock, and no code can catch that. Here a lost lock does no harm: the session looks
  // at the store before it writes.
  const release = await lockfile.lock(pathOf(folder, name), { realpath: false, stale: LEASE_MS, retries, onCompromised() {} })
    .catch((error) => { throw error.code === 'ELOCKED' ? new DOMException('another process has the lock', 'TimeoutError') : error })
  try {
    signal?.throwIfAborted()   // the lock came too late
    return await fn()
  } finally {
    // The lock has ended already if this process was suspended for longer than the lease.
    await release().catch(() => {})
  }
}
