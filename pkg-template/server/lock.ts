// The option `lock`. A wait for it has a limit, and it is never stolen.
import { caught } from '../../src/js/foreign.js';
import { after } from '../../src/js/wait.js';
import type { TokenLock } from '../types/index.js';

/** A lock that hangs so many times in a row counts as broken. */
export const MAX_HANGS = 3;

/** How long a lock may take to reject after its time-out, in milliseconds. A lock that works does so, because another process has it. */
const REJECTION_MS = 1_000;

/** Whether the lock was acquired, is another's, failed, or did not even reject; and the result of the work under it. */
export type Locked<T> = { held: 'yes'; result: T } | { held: 'late' | 'failed' | 'hangs' };

/**
 * Resolves when the work is done, or when the lock was not acquired. Rejects if the work rejects. Once the work has begun, only its
 * result counts, whatever the lock does. `early` ends the wait at once.
 */
export function underLock<T>(
  lock: TokenLock, name: string, timeoutMs: number, work: () => Promise<T>, early?: Promise<void>,
): Promise<Locked<T>> {
  return new Promise((resolve, reject) => {
    const controller = caught(() => new AbortController()), signal = controller?.signal as AbortSignal, began = Date.now();
    /** Whether the work has begun, and whether it may not begin any more. */
    let hasBegun = false, isOver = false;
    const giveUp = () => {
      isOver = true;
      caught(() => controller?.abort());
    };
    let stop = after(timeoutMs, () => {
      giveUp();
      stop = after(REJECTION_MS, () => resolve({ held: 'hangs' }));
    });
    early?.then(() => {
      if (hasBegun) return;
      stop();
      giveUp();
      resolve({ held: 'late' });
    });
    const once = async () => {
      if (isOver) return;
      hasBegun = isOver = true;
      stop();
      await work().then((result) => resolve({ held: 'yes', result }), reject);
    };
    const refused = (reason: unknown) => {
      if (hasBegun) return;
      isOver = true;
      stop();
      // Some locks reject early if another has them.
      const isLate = Date.now() - began >= timeoutMs || /^(Abort|Timeout)Error$/.test(caught(() => (reason as Error).name) ?? '');
      resolve({ held: isLate ? 'late' : 'failed' });
    };
    try {
      Promise.resolve(lock(name, { timeoutMs, signal }, once)).then(() => refused(undefined), refused);
    } catch (thrown) {
      refused(thrown);
    }
  });
}
