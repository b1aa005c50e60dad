// The driver of a session. The rules in the wasm decide. This class connects the parts that wait, emit events, store tokens and lock.
import { read } from '../../src/js/foreign.js';
import { copyOptions } from '../../src/js/options.js';
import { after } from '../../src/js/wait.js';
import { failure } from '../failure.js';
import { core } from '../loader.js';
import { emitter, type Emitter } from '../platform/emitter.js';
import { misfit } from '../storage/misfit.js';
import type { SessionEventMap, SessionOptions, SessionStatus } from '../types/index.js';
import { Background } from './background.js';
import { Entry } from './entry.js';
import { eventOf } from './event.js';
import { renew } from './renewal.js';
import { SessionState, type Turn } from './state.js';
import { watcher, type Watcher } from './watcher.js';

export class Driver {
  readonly state: SessionState;
  readonly options: SessionOptions;
  /** How long `accessToken()` waits for a refresh, or for the store. */
  readonly maxWaitMs: number;
  /** How long a caller waits for an answer. */
  readonly timeoutMs: number;
  /** The session's entry in its store; undefined without a store. */
  entry: Entry | undefined;
  /** The refresh whose time is not up yet: its ticket, when its time is up, and the function to call then. */
  refreshing: { ticket: number; until: number; end: () => void } | undefined;
  private readonly clockToleranceMs: number;
  private readonly session: object;
  /** The functions to call when the next step of a waiting call may differ. */
  private waiters: Set<() => void> | undefined;
  private background: Background | undefined;
  private emitter: Emitter | undefined;
  private watching: Watcher | undefined;
  private generation = 0;
  private busy = 0;
  private isDisposed = false;
  /** The details of the storage errors that are not emitted yet, because the session only begins. */
  private early: unknown[] | undefined;

  /** Begins with a token, or without one. If `isStored`, `open()` reads the token later. */
  constructor(session: object, token: unknown, given: SessionOptions, isStored: boolean) {
    const advice = misfit(read(given, 'storage'));
    if (advice) throw failure('ERR_INVALID_OPTION', 'fix', `an option is invalid: storage does not fit as it is: ${advice}`);
    this.options = copyOptions(given);
    const { refreshWindowMs, clockToleranceMs, maxWaitMs, timeoutMs } = core().sessionOptions(this.options);
    this.session = session;
    [this.maxWaitMs, this.timeoutMs, this.clockToleranceMs] = [maxWaitMs, timeoutMs, clockToleranceMs];
    const { storage } = this.options;
    this.state = new SessionState(token as string | null, isStored, storage !== undefined, refreshWindowMs, clockToleranceMs);
    if (!storage) return;
    this.entry = new Entry(this, storage);
    this.entry.connect();
    if (!isStored) this.entry.storeEarly();
  }

  get events(): Emitter {
    return this.emitter ??= emitter();
  }

  get watcher(): Watcher {
    return this.watching ??= watcher(
      () => ({ ...this.status(), stored: this.state.isStored }), this.clockToleranceMs,
      // A refresh calls the listeners once, when its token is stored.
      () => !this.isBeingStored,
      () => this.unattended(() => this.passTime()),
    );
  }

  status(): SessionStatus {
    return this.state.status();
  }

  /** Runs what a session begins with. Its storage errors are emitted a task later, so that the caller can add a listener first. */
  async begin(work: () => Promise<unknown>) {
    this.early = [];
    try {
      await work();
    } finally {
      const { early } = this;
      this.early = undefined;
      for (const detail of early) after(0, () => this.tell('storageerror', detail));
    }
  }

  async open() {
    if (!this.entry) throw failure('ERR_INVALID_OPTION', 'fix', 'an option is invalid: storage is required');
    await this.entry.open();
  }

  async replace(token: unknown) {
    this.state.replace(token);
    this.entry?.expectLogin();
    this.sync();
    await this.entry?.storeLogin();
  }

  async clear() {
    const { token, ttlMs } = this.state;
    this.state.clear(true);
    this.entry?.expectDelete(token, ttlMs);
    this.sync();
    await this.entry?.delete();
  }

  start() {
    this.isDisposed = false;
    this.background ??= new Background(this);
    this.background.start();
  }

  stop() {
    this.background?.stop();
    // From now on, a refresh in flight emits no event.
    this.state.setRunning(false);
  }

  dispose() {
    this.watching?.end();
    this.stop();
    this.isDisposed = true;
    this.release();
  }

  /** Does what is due by the clock alone. */
  passTime() {
    this.carryOut(this.state.wake());
    this.sync();
  }

  /** Begins the refresh that a turn orders. */
  carryOut({ step, ticket }: Turn) {
    if (step === 'refresh') renew(this, ticket);
  }

  /** Emits the events of a turn, and wakes waiting calls if the token has changed. */
  sync() {
    const { state } = this, hasChanged = this.generation !== state.generation;
    this.generation = state.generation;
    if (hasChanged) {
      this.wake();
      this.background?.schedule();
    }
    if (state.untold.length) this.tellAll();
    this.watching?.look();
  }

  private tellAll() {
    const { state } = this;
    // The details are collected before the first event is emitted, because a listener may call the session.
    const details = new Map<string, object>([['refreshed', { ...state.times }], ['refreshfailed', { error: state.lastError }]]);
    for (const type of state.untold.splice(0)) this.tell(type, details.get(type) ?? null);
  }

  tell(type: keyof SessionEventMap, detail: unknown) {
    if (type === 'storageerror' && this.early) this.early.push(detail);
    else this.emitter?.dispatchEvent(eventOf(type, this.session, detail));
  }

  /** Wakes the waiting calls, so that each takes its next step. */
  wake() {
    for (const resume of this.waiters ?? []) resume();
  }

  /** Calls `listener` once, when the next step of a call may differ. Returns a function that removes the listener. */
  onWake(listener: () => void): () => void {
    const waiters = this.waiters ??= new Set(), end = () => waiters.delete(once);
    const once = () => {
      end();
      listener();
    };
    waiters.add(once);
    return end;
  }

  /** Tells whether the token is being stored. A caller waits until it is stored, because the caller may leave the page afterwards. */
  get isBeingStored(): boolean {
    const { entry, state } = this;
    return !!entry && !entry.isDown && state.token !== null && !state.isStored && (entry.isBusy || this.refreshing !== undefined);
  }

  /**
   * Does something that no caller waits for, and returns whether it succeeded. If it traps, there is no caller to get the error. So the
   * background tries again later.
   */
  unattended(work: () => void): boolean {
    try {
      work();
      this.background?.schedule();
      return true;
    } catch {
      this.background?.recover();
      return false;
    }
  }

  /** Keeps the session's connections while something is in flight. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    this.busy++;
    try {
      return await work();
    } finally {
      this.busy--;
      this.release();
    }
  }

  /** Releases the connections of a disposed session when nothing is in flight any more. */
  release() {
    if (this.isDisposed && !this.busy) this.entry?.disconnect();
  }
}
