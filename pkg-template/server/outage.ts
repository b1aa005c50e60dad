// The backend's own store, lock and limiter: each is called with a time limit, and its failure is reported once.
import { within } from '../../src/js/wait.js';

/** How long one call may take, in milliseconds. */
export const LIMIT_MS = 2_000;

/** How long a store, a lock or a limiter is not called after a failure, so that not every request waits for it. */
const PAUSE_MS = 5_000;

const LATE = {};

/** A store, a lock or a limiter. It knows whether the last call failed. */
export type Helper = {
  /** Resolves with the result of a call; `undefined` if it fails, takes too long, or has an invalid result. */
  call<T>(work: () => unknown, isAnswer: (value: unknown) => value is T): Promise<T | undefined>;
  works(): void;
  fails(): void;
  isOut(): boolean;
  /** Whether it has just failed, so that it is not called. */
  isPaused(): boolean;
};

/** @param tell is called when an outage begins */
export function createHelper(tell: () => void): Helper {
  let isOut = false, failedAt = -Infinity;
  const helper: Helper = {
    async call(work, isAnswer) {
      if (helper.isPaused()) return undefined;
      try {
        const value: unknown = await within(Promise.resolve(work()), LIMIT_MS, LATE);
        if (value !== LATE && isAnswer(value)) {
          helper.works();
          return value;
        }
      } catch {}
      helper.fails();
      return undefined;
    },
    works() {
      isOut = false;
      failedAt = -Infinity;
    },
    fails() {
      failedAt = Date.now();
      if (!isOut) tell();
      isOut = true;
    },
    isOut: () => isOut,
    isPaused() {
      const age = Date.now() - failedAt;
      return age >= 0 && age < PAUSE_MS;
    },
  };
  return helper;
}
