// The option `lock`. A wait for it has a limit, and it is never stolen.
import { caught } from '../../src/js/foreign.js';
import { after } from '../../src/js/wait.js';
import type { TokenLock } from '../types/index.js';

/** After so many time-outs in a row a lock counts as broken. */
export const MAX_LATES = 3;

/** Whether the lock was acquired, was not acquired in time, or failed; and the result of the work under it. */
export type Locked<T> = { held: 'yes'; result: T } | { held: 'late' | 'failed' };

/**
 * Resolves when the work is done, or when the lock was not acquired. Rejects if the work rejects. Once the work has begun, only its
 * result counts, whatever the lock does. `early` ends the wait as the time-out does.
 */
export function underLock<T>(
  lock: TokenLock, name: string, timeoutMs: number, work: () => Promise<T>, early?: Promise<void>,
): Promise<Locked<T>> {
  return new Promise((resolve, reject) => {
    const controller = caught(() => new AbortController()), signal = controller?.signal as AbortSignal, began = Date.now();
    let isOver = false;
    const end = (held: 'late' | 'failed') => {
      if (isOver) return;
      isOver = true;
      stop();
      resolve({ held });
    };
    const giveUp = () => {
      if (isOver) return;
      end('late');
      caught(() => controller?.abort());
    };
    const stop = after(timeoutMs, giveUp);
    early?.then(giveUp);
    const once = async () => {
      if (isOver) return;
      isOver = true;
      stop();
      await work().then((result) => resolve({ held: 'yes', result }), reject);
    };
    const refused = (reason: unknown) => {
      // Some locks reject early if another has them.
      const isLate = Date.now() - began >= timeoutMs || /^(Abort|Timeout)Error$/.test(caught(() => (reason as Error).name) ?? '');
      end(isLate ? 'late' : 'failed');
    };
    try {
      Promise.resolve(lock(name, { timeoutMs, signal }, once)).then(() => refused(undefined), refused);
    } catch (thrown) {
      refused(thrown);
    }
  });
}
