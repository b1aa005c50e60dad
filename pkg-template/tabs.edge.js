// Cloudflare's Workers and edge runtimes have no other tabs, no locks, and nothing that hints at time that has passed.

export const MAY_BE = false;

/** @returns {BroadcastChannel | undefined} */
export function tune() {
  return undefined;
}

export function listening() {}

export function isOffline() {
  return false;
}

/** @returns {LockManager | undefined} */
export function webLocks() {
  return undefined;
}
