// A session's entry in its store: looked at, compared, written and deleted, one after the other. A failure is an outage.
import { read } from '../../src/js/foreign.js';
import { after, unlessAborted, within } from '../../src/js/wait.js';
import type { TokenStorage } from '../types/index.js';
import type { Driver } from './driver.js';
import { Lock } from './lock.js';
import { FAILED, Outage, storeFailure } from './outage.js';
import { PendingDelete } from './pending-delete.js';
import { LOGGED_OUT, isOfPage } from './store.js';
import { Tabs } from './tabs.js';

/** How long a call waits for a look at most, in milliseconds. */
const LOOK_LIMIT_MS = 2_000;

/** How long a browser takes to show one tab what another one has stored, in milliseconds. */
const PAGE_MS = 100;

/** In place of what is stored: the store was not asked. */
const UNKNOWN = {};

export class Entry {
  readonly lock: Lock;
  private readonly tabs: Tabs;
  private readonly outage: Outage;
  /** Whether the store may have lost an entry that nobody has deleted. */
  private readonly mayForget: boolean;
  /** The last of what is done with the store. */
  private queue: Promise<unknown> = Promise.resolve();
  private looking: Promise<void> | undefined;
  private storing = 0;
  private pending: PendingDelete | undefined;
  /** How long the mark of a logout is kept; 0 for none. */
  private markMs = 0;
  /** The tokens that this one was got for, back to the stored one: there none of them is a match for it, whatever they say. */
  private superseded: unknown[] = [];
  /** What the other tabs are told once the token is stored. */
  private news: 'refreshed' | 'replaced' = 'refreshed';
  /** The generation of the token that they were told of last. */
  private told: number | undefined;

  constructor(private readonly driver: Driver, private readonly storage: TokenStorage) {
    const { key, storageMayForget } = driver.options, name = `transak-user-token:${key}`;
    this.lock = new Lock(driver, name);
    this.tabs = new Tabs(driver, this, name);
    this.outage = new Outage(driver, storage);
    // A Keyv that swallows the failures of its backend looks empty then, which says nothing either.
    this.mayForget = storageMayForget === true || read(storage, 'throwOnErrors') === false;
  }

  /** Tells whether the store is out of order: the session goes on in memory. */
  get isDown(): boolean {
    return this.outage.isOn;
  }

  get isBusy(): boolean {
    return this.storing > 0;
  }

  /** How long after a write it is seen elsewhere, in milliseconds. */
  get settlingMs(): number {
    return isOfPage(this.storage) ? PAGE_MS : 0;
  }

  /** Hears what other sessions of this key tell. */
  connect() {
    this.tabs.connect();
  }

  disconnect() {
    this.pending?.end();
    this.tabs.disconnect();
  }

  /** Tells other sessions that an answer is late, and that the lock is kept for it. */
  tellLate() {
    this.tabs.tell('late');
  }

  /** Reads the token that a session is opened with. */
  async open() {
    const stored = await this.outage.ask(['get']);
    if (stored !== FAILED) this.found(stored, { wasReplaced: true });
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
    if (this.outage.isProbeDue() || this.pending?.isDue()) this.look();
  }

  /**
   * Compares with what is stored, and stores the token if it is to be there.
   * @param isLogin whether another tab tells of one
   * @param since what was stored before the lock was waited for
   * @param looked called once it is compared
   */
  async compare(isLogin = false, since: unknown = UNKNOWN, looked = () => {}): Promise<void> {
    const { driver, isDown } = this;
    let waitsFor: unknown = UNKNOWN, isWritten = false;
    await this.busily(async () => {
      await this.inTurn(async () => {
        // It has failed while this waited for its turn: nobody waits for that twice.
        if (this.isDown && !isDown) return;
        const stored = await this.outage.ask(['get']);
        this.lock.tellFailure(stored === FAILED);
        if (stored === FAILED) return this.pending?.tryLater();
        // Another one came while the lock was waited for: it is not to be overwritten by what this session began with.
        const step = this.found(stored, { wasWritten: since !== UNKNOWN && stored !== since, wasReplaced: isLogin || this.tabs.tellsOfLogin });
        if (step === 'delete') await this.erase();
        else this.forgetDelete();
        driver.sync();
        looked();
        if (step === 'lock') waitsFor = stored;
        if (step === 'store') isWritten = await this.save(stored);
      });
      if (waitsFor === UNKNOWN) return;
      // A call that waited for the look goes first: a refresh that it begins stores the token on its way.
      await new Promise<void>((resolve) => after(0, resolve));
      if (driver.refreshing === undefined) await this.lock.around(() => this.compare(isLogin, waitsFor));
    });
    // Before the lock is free for another tab.
    if (isWritten && this.lock.isHeld && this.settlingMs) await new Promise<void>((resolve) => after(this.settlingMs, resolve));
  }

  /** Notices a new login here, which ends a delete that is still to come. */
  expectLogin() {
    [this.superseded, this.news] = [[], 'replaced'];
    this.forgetDelete();
  }

  /** Stores the token of a login. */
  storeLogin(): Promise<void> {
    this.connect();
    return this.store();
  }

  /** Stores the token that was got for an old one. */
  storeSuccessor(old: string | null): Promise<void> {
    this.superseded.push(old);
    return this.store();
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
    this.tabs.tell('cleared');
    // Unless there is another login by then, which is stored in its place.
    const isDone = await this.driver.during(() => this.inTurn(async () => this.driver.state.token !== null || this.erase()));
    if (!isDone) throw storeFailure();
  }

  /** Forgets the token after a logout elsewhere. What was stored here meanwhile is to go too; another login's token stays. */
  clearElsewhere() {
    const { state } = this.driver, { token, ttlMs } = state;
    state.clear(false);
    if (token === null) return;
    this.expectDelete(token, ttlMs);
    this.driver.sync();
    this.look();
  }

  private store(): Promise<void> {
    const store = () => this.compare();
    // An answer in flight here is dropped; one of another tab is waited for, so that it is not stored on top.
    return this.busily(() => this.lock.isHeld || this.isDown ? this.lock.hold(store) : this.lock.around(store));
  }

  private busily<T>(work: () => Promise<T>): Promise<T> {
    this.storing++;
    return this.driver.during(work).finally(() => {
      this.storing--;
      if (!this.isBusy) this.driver.wake();
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
  private found(found: any, { wasWritten = false, wasReplaced = false }) {
    const { state } = this.driver, stored = found ?? '', isSuperseded = this.superseded.includes(stored) && state.token !== null && !wasReplaced;
    const saysNothing = isSuperseded || this.mayForget, hasLock = this.lock.isHeld;
    const { step } = state.found(isSuperseded ? '' : stored, state.token ?? this.pending?.token ?? null, { saysNothing, hasLock, wasWritten, wasReplaced });
    if (step === 'forget' || state.isStored) {
      this.outage.end();
      this.news = 'refreshed';
      this.superseded.splice(0, this.superseded.length - 1);
    }
    return step;
  }

  /** Stores the token, and tells the other tabs once it is there. Resolves with whether it is. */
  private async save(before: unknown): Promise<boolean> {
    const { state } = this.driver, { ttlMs, token, generation } = state, { news } = this;
    // An expired one is not kept, and neither is what it has replaced.
    if (await this.outage.ask(ttlMs > 0 ? ['set', token as string, ttlMs] : ['delete']) === FAILED) return false;
    const stored = ttlMs > 0 ? await this.outage.ask(['get']) : token;
    // If the token has changed meanwhile, that change stores the other one.
    if (stored === FAILED || state.generation !== generation) return false;
    const isThere = stored === token;
    if (isThere || stored !== before) {
      this.found(stored, { wasWritten: true });
      this.driver.sync();
    }
    if (isThere) {
      // Once: tabs whose store forgets would answer each other for ever.
      if (this.told !== generation) this.tabs.tell(news);
      [this.told, this.news] = [generation, 'refreshed'];
    } else if (state.generation === generation) {
      // It was set, and is not what is there.
      this.outage.begin('set');
    }
    return isThere;
  }

  /** Deletes what is stored after a logout. Resolves with whether that was possible. */
  private async erase(): Promise<boolean> {
    const { pending } = this, answer = await this.outage.ask(this.markMs > 0 ? ['set', LOGGED_OUT, this.markMs] : ['delete']);
    // A store that turns out to be none has nothing to delete.
    const isDone = answer !== FAILED || !this.driver.entry;
    if (this.pending === pending) isDone ? this.forgetDelete() : pending?.tryLater();
    return isDone;
  }

  private forgetDelete() {
    this.pending?.end();
    this.pending = undefined;
  }
}
