// A session's state. The wasm decides; the numbers by which it knows the session, and the token, are kept here, so that a
// trap leaves them as they were.
import { caught } from '../../src/js/foreign.js';
import type { Turn as AnyTurn } from '../../src/js/turn.js';
import { core, type Core } from '../loader.js';
import type { RefreshOptions, SessionEventMap, SessionStatus } from '../types/index.js';

export type Turn = Omit<AnyTurn, 'step' | 'events'> & {
  step: 'none' | 'use' | 'wait' | 'refresh' | 'reject' | 'send' | 'store' | 'adopt' | 'forget' | 'delete';
  events: (keyof SessionEventMap)[] | undefined;
};

/** An instant by two clocks: the wall's may be wrong and jump, the other never jumps. */
export type Instant = { wall: number; monotonic: number };

export function instant(): Instant {
  const wall = Date.now();
  return { wall, monotonic: caught(() => performance.now()) ?? wall };
}

export class SessionState {
  /** The bare token; null if there is none. */
  token: string | null;
  /** The error of the last refresh. */
  lastError: unknown;
  /** What has happened and was not told yet. */
  untold: (keyof SessionEventMap)[] = [];
  generation = 0;
  isStored = false;
  ttlMs = 0;
  wakeInMs: number | undefined;
  readonly #numbers: Float64Array;

  constructor(token: string | null, isStored: boolean, refreshWindowMs: number | null, clockToleranceMs: number) {
    const { wall, monotonic } = instant();
    this.#numbers = core().sessionState(token, isStored, refreshWindowMs ?? undefined, clockToleranceMs, Math.random(), wall, monotonic);
    this.token = token && token.trim();
  }

  access(hasWaited: boolean) {
    return this.#turn((core, numbers, { wall, monotonic }) => core.sessionAccess(numbers, hasWaited, wall, monotonic));
  }

  refresh(generation: number) {
    return this.#turn((core, numbers, { wall, monotonic }) => core.sessionRefresh(numbers, generation, wall, monotonic));
  }

  wake() {
    return this.#turn((core, numbers, { wall, monotonic }) => core.sessionWake(numbers, wall, monotonic));
  }

  beforeSend(ticket: number) {
    return this.#turn((core, numbers, { wall, monotonic }) => core.sessionBeforeSend(numbers, ticket, wall, monotonic));
  }

  completed(options: RefreshOptions, ticket: number, accessToken: string, attempts: number, sent: Instant) {
    const turn = this.#turn((core, numbers, { wall, monotonic }) =>
      core.sessionCompleted(numbers, options, ticket, accessToken, attempts, sent.wall, sent.monotonic, Math.random(), wall, monotonic));
    if (turn.step === 'adopt') this.token = accessToken;
    return turn;
  }

  failed(options: RefreshOptions, ticket: number, error: unknown) {
    return this.#turn((core, numbers, { wall, monotonic }) => core.sessionFailed(numbers, options, ticket, error, Math.random(), wall, monotonic));
  }

  lockedOut(ticket: number) {
    return this.#turn((core, numbers, { wall, monotonic }) => core.sessionLockedOut(numbers, ticket, Math.random(), wall, monotonic));
  }

  abandon(ticket: number) {
    return this.#turn((core, numbers, { wall, monotonic }) => core.sessionAbandon(numbers, ticket, wall, monotonic));
  }

  /** Compares with what is stored; `held` is what the session holds, or held before a logout. */
  found(stored: unknown, held: string | null, saysNothing: boolean, wasReplaced: boolean) {
    const turn = this.#turn((core, numbers, { wall, monotonic }) =>
      core.sessionFound(numbers, stored, held, saysNothing, wasReplaced, Math.random(), wall, monotonic));
    if (turn.step === 'adopt') this.token = (stored as string).trim();
    if (turn.step === 'forget') this.token = null;
    return turn;
  }

  written(generation: number) {
    return this.#turn((core, numbers, { wall, monotonic }) => core.sessionWritten(numbers, generation, wall, monotonic));
  }

  replace(token: unknown) {
    const turn = this.#turn((core, numbers, { wall, monotonic }) => core.sessionReplace(numbers, token, Math.random(), wall, monotonic));
    this.token = (token as string).trim();
    return turn;
  }

  /** Forgets the token: for a logout here, or for one elsewhere. */
  clear(isHere: boolean) {
    const turn = this.#turn((core, numbers, { wall, monotonic }) => core.sessionClear(numbers, isHere, wall, monotonic));
    this.token = null;
    return turn;
  }

  setRunning(isRunning: boolean) {
    return this.#turn((core, numbers, { wall, monotonic }) => core.sessionSetRunning(numbers, isRunning, wall, monotonic));
  }

  setOffline(isOffline: boolean) {
    return this.#turn((core, numbers, { wall, monotonic }) => core.sessionSetOffline(numbers, isOffline, wall, monotonic));
  }

  status(): SessionStatus {
    return core().sessionStatus(this.#numbers, Date.now());
  }

  #turn(call: (core: Core, numbers: Float64Array, now: Instant) => AnyTurn): Turn {
    // The clock comes first: a test's may call.
    const now = instant(), turn = call(core(), this.#numbers, now) as Turn;
    ({ generation: this.generation, isStored: this.isStored, ttlMs: this.ttlMs, wakeInMs: this.wakeInMs } = turn);
    if (turn.events) this.untold.push(...turn.events);
    if (turn.error !== undefined && turn.step !== 'reject') this.lastError = turn.error;
    return turn;
  }
}
