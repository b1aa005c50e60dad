// A session's state. The wasm decides. This module keeps the session's numbers and its token, so that a trap does not change them.
import { exportNames } from '#glue';
import { caught } from '../../src/js/foreign.js';
import type { Turn as AnyTurn } from '../../src/js/turn.js';
import { core, type Core } from '../loader.js';
import type { RefreshOptions, SessionEventMap, SessionStatus } from '../types/index.js';

export type Turn = Omit<AnyTurn, 'step' | 'events'> & {
  step: 'none' | 'use' | 'wait' | 'look' | 'refresh' | 'reject' | 'send' | 'continue' | 'store' | 'lock' | 'adopt' | 'forget' | 'delete';
  events: (keyof SessionEventMap)[] | undefined;
};

/** An instant by two clocks. The wall clock may be wrong and may jump. The other one never jumps. */
export type Instant = { wall: number; monotonic: number };

export function instant(): Instant {
  const wall = Date.now();
  return { wall, monotonic: caught(() => performance.now()) ?? wall };
}

/** How many numbers come before the session's own: two of the instant, and a random one. */
const CALL = 3;

/** The buffer of an instance. It is replaced if the memory has grown. */
let known: Float64Array | undefined;

function bufferOf(instance: Core): Float64Array {
  const { buffer } = instance.exports[exportNames.memory] as WebAssembly.Memory;
  if (known?.buffer === buffer) return known;
  return known = new Float64Array(buffer, instance.sessionNumbers(), CALL + instance.sessionNumberCount());
}

export class SessionState {
  /** The bare token; null if there is none. */
  token: string | null;
  /** The error of the last refresh. */
  lastError: unknown;
  /** The events that are not emitted yet. */
  untold: (keyof SessionEventMap)[] = [];
  generation = 0;
  isStored = false;
  ttlMs = 0;
  wakeInMs: number | undefined;
  times: AnyTurn['times'] = { issuedAt: null, refreshAt: null, expiresAt: null };
  private readonly numbers = new Float64Array(core().sessionNumberCount());

  constructor(token: string | null, isStored: boolean, hasStore: boolean, refreshWindowMs: number | null, clockToleranceMs: number) {
    this.call((core) => core.sessionBegin(token, isStored, hasStore, refreshWindowMs ?? undefined, clockToleranceMs));
    this.token = token && token.trim();
  }

  access(hasWaited: boolean, hasLooked: boolean) {
    return this.turn((core) => core.sessionAccess(hasWaited, hasLooked));
  }

  refresh(generation: number, hasWaited: boolean, hasLooked: boolean) {
    return this.turn((core) => core.sessionRefresh(generation, hasWaited, hasLooked));
  }

  wake() {
    return this.turn((core) => core.sessionWake());
  }

  beforeSend(ticket: number) {
    return this.turn((core) => core.sessionBeforeSend(ticket));
  }

  /** Returns how long a session keeps the lock if its request gets no answer, in milliseconds. */
  unansweredMs() {
    return this.call((core) => core.sessionUnansweredMs());
  }

  timeOut(options: RefreshOptions, ticket: number) {
    return this.turn((core) => core.sessionTimeOut(options, ticket));
  }

  completed(options: RefreshOptions, ticket: number, accessToken: string, attempts: number, sent: Instant) {
    const turn = this.turn((core) => core.sessionCompleted(options, ticket, accessToken, attempts, sent.wall, sent.monotonic));
    if (turn.step === 'adopt') this.token = accessToken;
    return turn;
  }

  failed(options: RefreshOptions, ticket: number, error: unknown) {
    return this.turn((core) => core.sessionFailed(options, ticket, error));
  }

  lockedOut(ticket: number) {
    return this.turn((core) => core.sessionLockedOut(ticket));
  }

  waitForAnother() {
    return this.turn((core) => core.sessionWaitForAnother());
  }

  abandon(ticket: number) {
    return this.turn((core) => core.sessionAbandon(ticket));
  }

  /** Compares with the store's token; `held` is the token that the session holds, or held before a logout. */
  found(stored: unknown, held: string | null, says: Record<'saysNothing' | 'hasLock' | 'wasWritten' | 'wasReplaced' | 'isDeleteDue', boolean>) {
    const { saysNothing, hasLock, wasWritten, wasReplaced, isDeleteDue } = says;
    const turn = this.turn((core) => core.sessionFound(stored, held, saysNothing, hasLock, wasWritten, wasReplaced, isDeleteDue));
    if (turn.step === 'adopt') this.token = (stored as string).trim();
    if (turn.step === 'forget') this.token = null;
    return turn;
  }

  forgetLook() {
    return this.turn((core) => core.sessionForgetLook());
  }

  replace(token: unknown) {
    const turn = this.turn((core) => core.sessionReplace(token));
    this.token = (token as string).trim();
    return turn;
  }

  /** Forgets the token, after a logout here or elsewhere. */
  clear(isHere: boolean) {
    const turn = this.turn((core) => core.sessionClear(isHere));
    this.token = null;
    return turn;
  }

  setRunning(isRunning: boolean) {
    return this.turn((core) => core.sessionSetRunning(isRunning));
  }

  setOffline(isOffline: boolean) {
    return this.turn((core) => core.sessionSetOffline(isOffline));
  }

  status(): SessionStatus {
    return this.call((core) => core.sessionStatus());
  }

  private turn(call: (core: Core) => AnyTurn): Turn {
    const turn = this.call(call) as Turn;
    ({ generation: this.generation, isStored: this.isStored, ttlMs: this.ttlMs, wakeInMs: this.wakeInMs, times: this.times } = turn);
    if (turn.events) this.untold.push(...turn.events);
    if (turn.error !== undefined && turn.step !== 'reject') this.lastError = turn.error;
    return turn;
  }

  /** Calls the instance with the session's numbers in its buffer, and takes them back. */
  private call<T>(call: (core: Core) => T): T {
    const { wall, monotonic } = instant(), instance = core(), before = bufferOf(instance);
    before[0] = wall;
    before[1] = monotonic;
    before[2] = Math.random();
    before.set(this.numbers, CALL);
    const result = call(instance), { numbers } = this, after = bufferOf(instance);
    for (let at = 0; at < numbers.length; at++) numbers[at] = after[CALL + at] as number;
    return result;
  }
}
