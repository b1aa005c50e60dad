// One at a time: among all tabs where there are Web Locks, within the process where there are none, or by a lock of the
// caller's own. It is waited for with a limit, and never stolen.

import { caught } from '../../src/js/foreign.js';
import { lockedInProcess } from '../../src/js/shared.js';
import { webLocks } from './tabs.js';

/** @import { TokenLock } from '../types/index.js' */

/** How long a lock is waited for, in milliseconds. */
const TIMEOUT_MS = 10_000;

/**
 * Runs `work` with the lock held, and resolves when the work is done. Rejects where the lock is not had in time, or at all.
 * @param {TokenLock | undefined} own
 * @param {string} name
 * @param {() => Promise<unknown>} work
 * @returns {Promise<unknown>}
 */
export function locked(own, name, work) {
  return new Promise((resolve, reject) => {
    // Some platforms have none: there the lock is given up all the same, and its request stays.
    const controller = caught(() => new AbortController()), signal = /** @type {AbortSignal} */ (controller?.signal);
    let isOver = false;
    const timer = setTimeout(() => {
      isOver = true;
      reject();
      controller?.abort();
    }, TIMEOUT_MS);
    const once = async () => {
      if (isOver) return;
      isOver = true;
      clearTimeout(timer);
      await work().then(resolve, reject);
    };
    const refused = () => {
      clearTimeout(timer);
      if (!isOver) reject();
      isOver = true;
    };
    const request = async () => {
      if (own) return own(name, { timeoutMs: TIMEOUT_MS, signal }, once);
      // A page without an origin of its own has Web Locks that refuse, and a content script some that throw.
      try {
        await webLocks()?.request(name, { signal }, once);
      } catch {}
      if (!isOver) await lockedInProcess(name, once);
    };
    request().then(refused, refused);
  });
}
