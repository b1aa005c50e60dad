// A call of `accessToken()` or `refresh()`. It takes the next step from the session's rules, looks at the store or waits, and repeats
// that until there is a result.
import { isSignal, read } from '../../src/js/foreign.js';
import { abortReason, after, onAbort } from '../../src/js/wait.js';
import { failure } from '../failure.js';
import { core, settled } from '../loader.js';
import type { RefreshedToken } from '../types/index.js';
import type { Driver } from './driver.js';

type Called = { signal?: AbortSignal } | undefined;
type Wait = 'for a refresh' | 'for the store';

/** Resolves with a token that is valid now. */
export function accessToken(driver: Driver, called: Called): Promise<string> {
  return answer(driver, called, false).then(({ accessToken }) => accessToken);
}

/** Resolves with a token that is newer than the present one, and its times. */
export function refresh(driver: Driver, called: Called): Promise<RefreshedToken> {
  return answer(driver, called, true);
}

function answer(driver: Driver, called: Called, isRefresh: boolean): Promise<RefreshedToken> {
  return settled(() => driver.during(async () => {
    const signal = signalOf(called), { state, maxWaitMs, timeoutMs } = driver, { generation } = state;
    const instance = core(), call = new Call(driver, signal);
    try {
      if (!signal?.aborted) driver.entry?.probe();
      for (;;) {
        if (signal?.aborted) throw abortReason(signal);
        const { hasWaited, hasLooked } = call;
        const turn = isRefresh ? state.refresh(generation, !!hasWaited, hasLooked) : state.access(!!hasWaited, hasLooked);
        const held = { accessToken: state.token, ...state.times } as RefreshedToken;
        driver.carryOut(turn);
        driver.sync();
        if (turn.step === 'reject') throw turn.error ?? state.lastError;
        if (turn.step === 'look') {
          call.hasLooked = true;
          await driver.entry?.lookFor(signal);
        } else if (turn.step === 'use') {
          // The caller may leave the page now: the token is in the store.
          if (!driver.isBeingStored || hasWaited === 'for the store' || hasWaited && !isRefresh) return held;
          await call.woken('for the store', maxWaitMs);
        } else {
          await call.woken('for a refresh', isRefresh ? timeoutMs : maxWaitMs);
        }
        // After a trap the caller already has its error.
        if (core() !== instance) return held;
      }
    } finally {
      call.end();
    }
  }));
}

function signalOf(called: Called): AbortSignal | undefined {
  const signal = read(called, 'signal');
  if (signal === undefined || isSignal(signal)) return signal;
  throw failure('ERR_INVALID_OPTION', 'fix', 'an option is invalid: signal must be an AbortSignal');
}

/** What a call has done already. */
class Call {
  /** It has looked at the store, and has not waited since. */
  hasLooked = false;
  /** It has waited as long as it may. */
  hasWaited: Wait | undefined;
  private wait: Wait | undefined;
  private stopTimer = () => {};
  private stopListening = () => {};
  private ask = () => {};

  constructor(private readonly driver: Driver, private readonly signal: AbortSignal | undefined) {}

  /** Resolves when the next step may differ, when the call has waited long enough, or when its signal aborts. */
  async woken(wait: Wait, limitMs: number) {
    if (this.wait !== wait) this.waitAtMost(wait, limitMs);
    let end = () => {};
    await new Promise<void>((resolve) => {
      this.ask = resolve;
      end = this.driver.onWake(resolve);
      if (this.signal) this.stopListening = onAbort(this.signal, resolve);
    });
    end();
    this.stopListening();
    this.hasLooked = false;
  }

  end() {
    this.stopTimer();
    this.stopListening();
  }

  private waitAtMost(wait: Wait, limitMs: number) {
    this.wait = wait;
    this.stopTimer();
    this.stopTimer = after(limitMs, () => {
      this.hasWaited = wait;
      this.ask();
    });
  }
}
