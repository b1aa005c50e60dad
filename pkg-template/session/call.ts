// A call of `accessToken()` or `refresh()`. It takes the next step from the session's rules, looks at the store or waits, and repeats
// that until there is a result.
import { isSignal, read } from '../../src/js/foreign.js';
import { unknownName } from '../../src/js/options.js';
import { abortReason, after, onAbort } from '../../src/js/wait.js';
import { failure } from '../failure.js';
import { core, settled } from '../loader.js';
import type { RefreshedToken } from '../types/index.js';
import type { Driver } from './driver.js';
import type { SessionState, Turn } from './state.js';

type Called = { signal?: AbortSignal } | undefined;
type Wait = 'for a refresh' | 'for the store';
type Held = { token: string; times: SessionState['times'] };

/** Resolves with a token that is valid now. */
export function accessToken(driver: Driver, called: Called): Promise<string> {
  return answer(driver, called, false, ({ token }) => token);
}

/** Resolves with a token that is newer than the present one, and its times. */
export function refresh(driver: Driver, called: Called): Promise<RefreshedToken> {
  return answer(driver, called, true, ({ token, times }) => ({ accessToken: token, ...times } as RefreshedToken));
}

async function answer<T>(driver: Driver, called: Called, isRefresh: boolean, result: (held: Held) => T): Promise<T> {
  const call = new Call(driver, signalOf(called), isRefresh);
  if (!call.isAborted) driver.entry?.probe();
  try {
    // Most calls end with their first step, and wait for nothing.
    return result(call.step() ?? await settled(() => driver.during(() => call.finish())));
  } finally {
    driver.release();
  }
}

function signalOf(called: Called): AbortSignal | undefined {
  const unknown = called && (typeof called === 'object' ? unknownName(called, 'options') : 'options must be an object');
  if (unknown) throw failure('ERR_INVALID_OPTION', 'fix', `an option is invalid: ${unknown}`);
  const signal = read(called, 'signal');
  if (signal === undefined || isSignal(signal)) return signal;
  throw failure('ERR_INVALID_OPTION', 'fix', 'an option is invalid: signal must be an AbortSignal');
}

/** A call, and what it has done already. */
class Call {
  /** It has looked at the store, and has not waited since. */
  private hasLooked = false;
  /** It has waited as long as it may. */
  private hasWaited: Wait | undefined;
  private wait: Wait | undefined;
  private turn: Turn | undefined;
  private stopTimer = nothing;
  private stopListening = nothing;
  private resume = nothing;
  private readonly generation: number;

  constructor(private readonly driver: Driver, private readonly signal: AbortSignal | undefined, private readonly isRefresh: boolean) {
    this.generation = driver.state.generation;
  }

  get isAborted(): boolean {
    return !!this.signal?.aborted;
  }

  /** Takes a step. Returns the token if the call has ended. */
  step(): Held | undefined {
    const { driver, hasWaited, hasLooked, isRefresh } = this, { state } = driver;
    if (this.isAborted) throw abortReason(this.signal);
    // In a Worker the timer of this time-out is dropped with the request that set it. So each call ends a wait whose time is up.
    if (driver.refreshing && Date.now() >= driver.refreshing.until) driver.refreshing.end();
    const turn = this.turn = isRefresh ? state.refresh(this.generation, !!hasWaited, hasLooked) : state.access(!!hasWaited, hasLooked);
    // The token is read before the events are emitted, because a listener may call the session.
    const held = { token: state.token as string, times: state.times };
    driver.carryOut(turn);
    driver.sync();
    if (turn.step === 'reject') throw turn.error ?? state.lastError;
    // The caller may leave the page once it has the token. So the token must be in the store first.
    const isStored = !driver.isBeingStored || hasWaited === 'for the store' || hasWaited && !isRefresh;
    return turn.step === 'use' && isStored ? held : undefined;
  }

  /** Looks or waits as the last step says, takes the next one, and repeats that. Resolves with the token. */
  async finish(): Promise<Held> {
    const instance = core(), { driver } = this;
    try {
      for (;;) {
        await this.beforeNextStep();
        // After a trap the caller already has its error.
        if (core() !== instance) return { token: '', times: driver.state.times };
        const held = this.step();
        if (held) return held;
      }
    } finally {
      this.stopTimer();
      this.stopListening();
    }
  }

  private async beforeNextStep() {
    const { driver, turn, isRefresh } = this, { maxWaitMs, timeoutMs } = driver;
    if (turn?.step === 'look') {
      this.hasLooked = true;
      await driver.entry?.lookFor(this.signal);
    } else if (turn?.step === 'use') {
      await this.woken('for the store', maxWaitMs);
    } else {
      await this.woken('for a refresh', isRefresh ? timeoutMs : maxWaitMs);
    }
  }

  /** Resolves when the next step may differ, when the call has waited long enough, or when its signal aborts. */
  private async woken(wait: Wait, limitMs: number) {
    if (this.wait !== wait || this.hasWaited) this.waitAtMost(wait, limitMs);
    let end = nothing;
    await new Promise<void>((resolve) => {
      this.resume = resolve;
      end = this.driver.onWake(resolve);
      if (this.signal) this.stopListening = onAbort(this.signal, resolve);
    });
    end();
    this.stopListening();
    this.hasLooked = false;
  }

  private waitAtMost(wait: Wait, limitMs: number) {
    this.wait = wait;
    this.stopTimer();
    this.stopTimer = after(limitMs, () => {
      this.hasWaited = wait;
      // A Worker ends a request that has no timer of its own and waits only for the work of another request.
      this.stopTimer = after(limitMs, () => this.resume());
      this.resume();
    });
  }
}

function nothing() {}
