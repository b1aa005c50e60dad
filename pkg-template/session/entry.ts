// A session's entry in its store: looked at, compared, written and deleted, one after the other. A failure is an outage.
import { read } from '../../src/js/foreign.js';
import { listen, tell } from '../../src/js/shared.js';
import { after, unlessAborted, within } from '../../src/js/wait.js';
import { failure } from '../failure.js';
import type { TokenLock, TokenStorage } from '../types/index.js';
import type { Driver } from './driver.js';
import { withLock } from './lock.js';
import { PendingDelete } from './pending-delete.js';
import { LOGGED_OUT, call, isMissing, isOfPage, type Operation } from './store.js';

/** How long a store that failed is left alone, in milliseconds. */
const PROBE_MS = 5_000;

/** How long a call waits for a look at most, in milliseconds. */
const LOOK_LIMIT_MS = 2_000;

/** The shortest time between two looks for what other tabs tell, in milliseconds. */
const MESSAGE_MS = 1_000;

/** How long a browser takes to show one tab what another one has stored, in milliseconds. */
const PAGE_MS = 100;

/** In place of what is stored: the store has failed, or was not asked. */
const FAILED = {}, UNKNOWN = {};

export class Entry {
  private readonly key: string;
  private readonly name: string;
  private readonly lock: TokenLock | undefined;
  private readonly mayForget: boolean;
  /** What failed first in an outage. */
  private outage: Operation[0] | undefined;
  private hasLockFailed = false;
  private probedAt = 0;
  /** The last of what is done with the store. */
  private queue: Promise<unknown> = Promise.resolve();
  private looking: Promise<void> | undefined;
  private storing = 0;
  /** How much is being done with the lock. */
  private holding = 0;
  private pending: PendingDelete | undefined;
  /** How long the mark of a logout is kept; 0 for none. */
  private markMs = 0;
  /** The token that this one was got for: in the store it is no match for it, whatever the two say. */
  private superseded: string | null = null;
  /** What the other tabs are told once the token is stored. */
  private news: 'refreshed' | 'replaced' = 'refreshed';
  /** What other tabs told, and is to be looked for. */
  private heardOf: { isLogin: boolean; stop: () => void } | undefined;
  private heardAt = 0;
  private disconnected: (() => void) | undefined;

  constructor(private readonly driver: Driver, private readonly storage: TokenStorage) {
    const { key, lock, storageMayForget } = driver.options;
    [this.key, this.lock, this.name] = [key as string, lock, `transak-user-token:${key}`];
    // A Keyv that swallows the failures of its backend looks empty then, which says nothing either.
    this.mayForget = storageMayForget === true || read(storage, 'throwOnErrors') === false;
  }

  /** Tells whether the store is out of order: the session goes on in memory. */
  get isDown(): boolean {
    return this.outage !== undefined;
  }

  get isBusy(): boolean {
    return this.storing > 0;
  }

  /** Hears what other sessions of this key tell. */
  connect() {
    this.disconnected ??= listen(this.name, this.heard);
  }

  disconnect() {
    this.pending?.end();
    this.heardOf?.stop();
    this.disconnected?.();
    this.heardOf = this.disconnected = undefined;
  }

  tell(what: string) {
    tell(this.name, what, this.heard);
  }

  /** Reads the token that a session is opened with. */
  async open() {
    const stored = await this.ask(['get']);
    if (stored !== FAILED) this.found(stored, true);
    else if (this.driver.entry) throw storeFailure();
    this.driver.sync();
  }

  /** Stores a constructor's token though nobody asks for it. A Worker has no timers before there is a request: there the first call does. */
  storeEarly() {
    try {
      clearTimeout(setTimeout(() => {}));
      this.look();
    } catch {}
  }

  /** Looks at the store, and goes on with what is there. All who want a look meanwhile share it. It never rejects. */
  look(): Promise<void> {
    return this.looking ??= new Promise<void>((resolve) => this.compare(false, UNKNOWN, resolve).catch(() => {}).then(resolve))
      .finally(() => { this.looking = undefined; });
  }

  /** Looks for a call, which waits for that, but not for long. */
  lookFor(signal: AbortSignal | undefined): Promise<unknown> {
    return unlessAborted(within(this.look(), Math.min(LOOK_LIMIT_MS, this.driver.maxWaitMs), undefined), signal);
  }

  /** Begins a look if a store that failed is to be tried again, or a delete. */
  probe() {
    this.connect();
    const isOver = this.isDown && Math.abs(Date.now() - this.probedAt) > PROBE_MS;
    if (isOver) this.probedAt = Date.now();
    if (isOver || this.pending?.isDue()) this.look();
  }

  /**
   * Compares with what is stored, and stores the token if it is to be there.
   * @param isLogin whether another tab tells of one
   * @param since what was stored before the lock was waited for
   * @param looked called once it is compared
   */
  async compare(isLogin = false, since: unknown = UNKNOWN, looked = () => {}): Promise<void> {
    const { driver } = this;
    let waitsFor: unknown = UNKNOWN, isWritten = false;
    await this.busily(async () => {
      await this.inTurn(async () => {
        const stored = await this.ask(['get']);
        if (stored === FAILED) return this.pending?.tryLater();
        // It came later than what this session began with, and is not to be overwritten by that.
        if (since !== UNKNOWN && stored !== since) driver.state.written(driver.state.generation);
        const step = this.found(stored, isLogin);
        if (step === 'delete') await this.erase();
        else this.forgetDelete();
        driver.sync();
        driver.wake();
        looked();
        if (step === 'lock') waitsFor = stored;
        if (step === 'store') isWritten = await this.save(stored);
      });
      if (waitsFor === UNKNOWN) return;
      // A call that waited for the look goes first: a refresh that it begins stores the token on its way.
      await new Promise<void>((resolve) => after(0, resolve));
      if (driver.refreshing === undefined) await this.locked(() => this.compare(isLogin, waitsFor));
    });
    // Before the lock is free for another tab.
    if (isWritten && this.holding && isOfPage(this.storage)) await new Promise<void>((resolve) => after(PAGE_MS, resolve));
  }

  /** Notices a new login here, which ends a delete that is still to come. */
  expectLogin() {
    [this.superseded, this.news] = [null, 'replaced'];
    this.forgetDelete();
  }

  /** Stores the token of a login. */
  storeLogin(): Promise<void> {
    this.connect();
    const store = () => this.compare();
    // An answer in flight here is dropped; one of another tab is waited for, so that it is not stored on top.
    return this.busily(() => this.holding || this.isDown ? this.held(store) : this.locked(store));
  }

  /** Stores the token that was got for an old one. */
  storeSuccessor(old: string | null): Promise<void> {
    this.superseded = old;
    const store = () => this.compare();
    return this.busily(() => this.holding || this.isDown ? this.held(store) : this.locked(store));
  }

  /** Notices a logout here: this token is to be deleted. */
  expectDelete(token: string | null, ttlMs: number) {
    if (token !== null) this.markMs = this.mayForget ? ttlMs : 0;
    const left = token ?? this.pending?.token;
    this.forgetDelete();
    if (left !== undefined) this.pending = new PendingDelete(left, () => { this.look(); });
  }

  /** Deletes what is stored. Rejects if the store cannot; the delete is tried again then. */
  async delete() {
    this.connect();
    this.tell('cleared');
    // Unless there is another login by then, which is stored in its place.
    const isDone = await this.driver.during(() => this.inTurn(async () => this.driver.state.token !== null || this.erase()));
    if (!isDone) throw storeFailure();
  }

  /** Does something with the lock, or without it if it is not had. */
  async locked(work: () => Promise<void>) {
    if (await this.withLock(work) !== 'done') await this.held(work);
  }

  /** Carries out a ticket with the lock. */
  async lockedToRefresh(ticket: number, work: () => Promise<void>) {
    const outcome = this.isDown ? 'broken' : await this.withLock(work);
    if (outcome === 'done') return;
    if (outcome === 'busy') {
      // The one who has the lock may have stored a successor.
      await this.held(() => this.compare());
      if (this.driver.state.lockedOut(ticket).step !== 'continue') return;
    }
    await this.held(work);
  }

  private async withLock(work: () => Promise<void>) {
    const outcome = await withLock(this.lock, this.name, () => this.held(work));
    if (outcome === 'broken' && !this.hasLockFailed) this.driver.tell('storageerror', { error: lockFailure() });
    this.hasLockFailed = outcome === 'broken';
    return outcome;
  }

  private async held(work: () => Promise<void>) {
    this.holding++;
    try {
      await work();
    } finally {
      this.holding--;
    }
  }

  private busily<T>(work: () => Promise<T>): Promise<T> {
    this.storing++;
    return this.driver.during(work).finally(() => {
      this.storing--;
      this.driver.wake();
      this.driver.sync();
    });
  }

  /** Does something with the store, after what is being done with it. */
  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.queue.then(work);
    this.queue = done.catch(() => {});
    return done;
  }

  /** Compares with what was found in the store. Returns what is to be done. */
  private found(found: any, isLogin: boolean) {
    const { state } = this.driver, stored = found ?? '', isSuperseded = stored === this.superseded && state.token !== null && !isLogin;
    const saysNothing = isSuperseded || this.mayForget;
    const { step } = state.found(isSuperseded ? '' : stored, state.token ?? this.pending?.token ?? null, saysNothing, this.holding > 0, isLogin);
    if (step === 'forget' || state.isStored) this.recover();
    return step;
  }

  private recover() {
    [this.outage, this.news] = [undefined, 'refreshed'];
  }

  /** Stores the token, and tells the other tabs once it is there. Resolves with whether it is. */
  private async save(before: unknown): Promise<boolean> {
    const { state } = this.driver, { ttlMs, token, generation } = state, { news } = this;
    // An expired one is not kept, and neither is what it has replaced.
    if (await this.ask(ttlMs > 0 ? ['set', token as string, ttlMs] : ['delete']) === FAILED) return false;
    const stored = ttlMs > 0 ? await this.ask(['get']) : token;
    // If the token has changed meanwhile, that change stores the other one.
    if (stored === FAILED || state.generation !== generation) return false;
    const isThere = stored === token;
    if (isThere || stored !== before) {
      state.written(generation);
      this.found(stored, false);
      this.driver.sync();
    }
    if (isThere) {
      this.tell(news);
      this.news = 'refreshed';
    } else if (state.generation === generation) {
      // It was set, and is not what is there.
      this.fail('set');
    }
    return isThere;
  }

  /** Deletes what is stored after a logout. Resolves with whether that was possible. */
  private async erase(): Promise<boolean> {
    const { pending } = this, isDone = await this.ask(this.markMs > 0 ? ['set', LOGGED_OUT, this.markMs] : ['delete']) !== FAILED;
    if (this.pending === pending) isDone ? this.forgetDelete() : pending?.tryLater();
    return isDone;
  }

  private forgetDelete() {
    this.pending?.end();
    this.pending = undefined;
  }

  private async ask(operation: Operation): Promise<unknown> {
    try {
      const answer = await call(this.storage, this.key, operation), [method] = operation;
      // Whether what was set is there is seen later.
      if (method === this.outage && method !== 'set') this.outage = undefined;
      return answer;
    } catch {
      this.fail(operation[0]);
      return FAILED;
    }
  }

  /** Takes a failure of the store. The first one of an outage is told. */
  private fail(method: Operation[0]) {
    const { driver } = this, detail = { error: storeFailure() };
    if (isMissing(this.storage)) {
      // As good as none. A task later, so that anyone who opened the session can listen by then.
      if (driver.entry) setTimeout(() => driver.tell('storageerror', detail));
      driver.entry = undefined;
      return;
    }
    this.probedAt = Date.now();
    if (this.isDown) return;
    this.outage = method;
    driver.tell('storageerror', detail);
  }

  private readonly heard = (what: unknown) => this.driver.unattended(() => {
    const { state } = this.driver;
    if (what === 'refreshed' || what === 'replaced') this.lookSoon(what === 'replaced');
    if (what === 'late') state.waitForAnother();
    // The page is put aside, and hears nothing until it returns.
    if (what === 'left' || what === 'returned') state.forgetLook();
    if (what === 'returned') this.look();
    if (what !== 'cleared') return;
    const { token, ttlMs } = state;
    state.clear(false);
    if (token === null) return;
    // What was stored here meanwhile is to go too, and another login's token is not.
    this.expectDelete(token, ttlMs);
    this.driver.sync();
    this.compare().catch(() => {});
  });

  /** Looks for what another tab has stored, at most once a second, and once more if it is not there yet. */
  private lookSoon(isLogin: boolean, isLast = false) {
    if (this.heardOf) {
      this.heardOf.isLogin ||= isLogin;
      return;
    }
    const { state } = this.driver, { generation } = state;
    const soonestMs = Math.max(isOfPage(this.storage) ? PAGE_MS : 0, this.heardAt + MESSAGE_MS - Date.now());
    const look = () => {
      const isLogin = this.heardOf?.isLogin === true;
      [this.heardOf, this.heardAt] = [undefined, Date.now()];
      this.compare(isLogin).catch(() => {}).then(() => {
        if (!isLast && this.disconnected && state.generation === generation) this.lookSoon(isLogin, true);
      });
    };
    this.heardOf = { isLogin, stop: () => {} };
    if (soonestMs > 0) this.heardOf.stop = after(Math.min(soonestMs, MESSAGE_MS), look, true);
    else look();
  }
}

function storeFailure() {
  return failure('ERR_STORAGE', 'retry', 'the store failed or did not answer');
}

function lockFailure() {
  return failure('ERR_STORAGE', 'retry', 'the lock failed');
}
