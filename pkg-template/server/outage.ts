// What the user brings for several processes - a store, a lock, a limiter - is called with a limit, and its failure is told once.
import { within } from '../../src/js/wait.js';

/** How long one call may take, in milliseconds. */
const LIMIT_MS = 2_000;

/** How long it is left alone after a failure: not every request is to wait for it. */
const PAUSE_MS = 5_000;

const LATE = {};

/** What belongs to the user, and whether it has failed and not answered since. */
export type Helper = {
  /** Resolves with what a call comes to; undefined if it fails, takes too long, or brings what is none of its answers. */
  call<T>(work: () => unknown, isAnswer: (value: unknown) => value is T): Promise<T | undefined>;
  works(): void;
  fails(): void;
  isOut(): boolean;
};

/** @param tell is called when an outage begins */
export function createHelper(tell: () => void): Helper {
  let isOut = false, failedAt = -Infinity;
  const helper: Helper = {
    async call(work, isAnswer) {
      const age = Date.now() - failedAt;
      if (age >= 0 && age < PAUSE_MS) return undefined;
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
  };
  return helper;
}
