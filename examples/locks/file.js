// Several processes of one machine: tokens in files, and a lock by proper-lockfile.
import { createHash, randomUUID } from 'node:crypto'
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import lockfile from 'proper-lockfile'

/** How long a process that dies in the middle of a refresh keeps the others waiting: the least that proper-lockfile takes. */
const LEASE_MS = 5_000, RETRY_MS = 50

// A key may have any letter, and a file may not.
const pathOf = (folder, name) => join(folder, createHash('sha256').update(name).digest('hex'))

/** Returns the `storage` of sessions whose tokens are files of a folder. Nobody else may read them. */
export const fileStorage = (folder) => ({
  get: (key) => readFile(pathOf(folder, key), 'utf8').catch((error) => {
    if (error.code !== 'ENOENT') throw error
  }),
  async set(key, token) {
    // Written beside it and renamed: a process that reads meanwhile finds a whole token.
    const path = pathOf(folder, key), written = `${path}.${randomUUID()}`
    await writeFile(written, token, { mode: 0o600 })
    await rename(written, path)
  },
  delete: (key) => rm(pathOf(folder, key), { force: true }),
})

/** Returns the `lock` of sessions whose processes share a folder. */
export const fileLock = (folder) => async (name, { timeoutMs, signal }, fn) => {
  const retries = { retries: Math.floor(timeoutMs / RETRY_MS), factor: 1, minTimeout: RETRY_MS, maxTimeout: RETRY_MS }
  // By default a lock that is lost throws where nobody catches it. The session looks at the store before it writes.
  const release = await lockfile.lock(pathOf(folder, name), { realpath: false, stale: LEASE_MS, retries, onCompromised() {} })
    .catch((error) => { throw error.code === 'ELOCKED' ? new DOMException('another process has the lock', 'TimeoutError') : error })
  try {
    signal?.throwIfAborted()   // it was had too late
    return await fn()
  } finally {
    // It is gone already if this process stood still for longer than the lease.
    await release().catch(() => {})
  }
}
