// A session's entry in its store: looked at, compared, written and deleted, one after the other. A failure is an outage.
import { read } from '../../src/js/foreign.js';
import { after, unlessAborted, within } from '../../src/js/wait.js';
import type { TokenStorage } from '../types/index.js';
import type { Driver } from './driver.js';
import { moment } from './channel.js';
import { Lock } from './lock.js';
import { FAILED, Outage, storeFailure } from './outage.js';
import { PendingDelete } from './pending-delete.js';
import { LOGGED_OUT, isOfPage } from './store.js';
import { Tabs } from './tabs.js';

/** How long a call waits for a look at most, in milliseconds. */
const LOOK_LIMIT_MS = 2_000;

/** How long a browser takes to show one tab what another one has stored, in milliseconds. */
const PAGE_MS = 100;

/** How long the marker of a logout is kept if the session held no token, in milliseconds: as long as a store keeps a token at most. */
const LONGEST_MARK_MS = 30 * 86_400_000;

/** Stands for the store's content if the store was not called. */
const UNKNOWN = {};

export class Entry {
  readonly lock: Lock;
  private readonly tabs: Tabs;
  private readonly outage: Outage;
  /** Whether the store may have lost an entry that nobody has deleted. */
  private readonly mayForget: boolean;
  /** The last operation on the store; the next one waits for it. */
  private queue: Promise<unknown> = Promise.resolve();
  private looking: Promise<void> | undefined;
  private storing = 0;
  private pending: PendingDelete | undefined;
  /** The moment of the last login that the session knows, or of its begin. */
  begunAt = moment();
  /** How many logouts elsewhere the session has heard of. */
  private logouts = 0;
  /** How long the marker of a logout is kept, in milliseconds; 0 for no marker. */
  private markMs = 0;
  /**
   * The tokens that the session has exchanged, one after the other, for the token that it holds now: from the last stored one on. If the
   * store has one of them, the token that the session holds wins, whatever its claims are.
   */
  private superseded: unknown[] = [];
  /** The message for the other tabs once the token is stored. */
  private news: 'refreshed' | 'replaced' = 'refreshed';
  /** The generation of the token that the other tabs know. */
  private told: number | undefined;

  constructor(private readonly driver: Driver, private readonly storage: TokenStorage) {
    const { key, storageMayForget } = driver.options, name = `transak-user-token:${key}`;
    this.lock = new Lock(driver, name);
    this.tabs = new Tabs(driver, this, name);
    this.outage = new Outage(driver, storage);
    // A Keyv that hides the failures of its backend looks empty during a failure. So an empty Keyv does not mean a logout.
    this.mayForget = storageMayForget === true || read(storage, 'throwOnErrors') === false;
  }

  /** Tells whether the store has an outage. The session then goes on in memory. */
  get isDown(): boolean {
    return this.outage.isOn;
  }

  get isBusy(): boolean {
    return this.storing > 0;
  }

  /** How long a write takes to be seen in other tabs, in milliseconds. */
  get settlingMs(): number {
    return isOfPage(this.storage) ? PAGE_MS : 0;
  }

  /** Receives the messages of other sessions of this key. */
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
    const stored = await this.read();
    if (stored !== FAILED) this.found(stored, { wasReplaced: true });
    else if (this.driver.entry) throw storeFailure();
    this.driver.sync();
  }

  /** Begins to store the token of the constructor at once. A Worker has no timers before its first request. There the first call stores it. */
  storeEarly() {
    try {
      clearTimeout(setTimeout(() => {}));
      this.look();
    } catch {}
  }

  /** Looks at the store, and adopts what it finds. Calls at the same time share one look. It never rejects. */
  look(): Promise<void> {
    return this.looking ??= new Promise<void>((resolve) => this.compare(false, UNKNOWN, resolve).catch(() => {}).then(resolve))
      .finally(() => { this.looking = undefined; });
  }

  /** Looks at the store for a call. The call waits for it, up to a limit. */
  lookFor(signal: AbortSignal | undefined): Promise<unknown> {
    return unlessAborted(within(this.look(), Math.min(LOOK_LIMIT_MS, this.driver.maxWaitMs), undefined), signal);
  }

  /** Begins a look if it is time to try a failed store again, or a failed delete. */
  probe() {
    this.connect();
    if (this.outage.isProbeDue() || this.pending?.isDue()) this.look();
  }

  /**
   * Compares the token with the store's, and stores it if it wins.
   * @param isLogin whether another tab reports a login
   * @param since the stored token before the wait for the lock
   * @param looked is called when the tokens have been compared
   */
  async compare(isLogin = false, since: unknown = UNKNOWN, looked = () => {}): Promise<void> {
    const { driver, isDown } = this;
    let waitsFor: unknown = UNKNOWN, isWritten = false;
    await this.busily(async () => {
      await this.inTurn(async () => {
        // If the store failed while this operation waited for its turn, it is not called again. So no caller waits for a second failure.
        if (this.isDown && !isDown) return;
        const stored = await this.read();
        this.lock.tellFailure(stored === FAILED);
        if (stored === FAILED) return this.pending?.tryLater();
        // If another token was stored during the wait for the lock, the token that this session began with must not overwrite it.
        const step = this.found(stored, { wasWritten: since !== UNKNOWN && stored !== since, wasReplaced: isLogin || this.tabs.tellsOfLogin });
        if (step === 'delete') await this.erase();
        else this.forgetDelete();
        driver.sync();
        looked();
        if (step === 'lock') waitsFor = stored;
        if (step === 'store') isWritten = await this.save(stored);
      });
      if (waitsFor === UNKNOWN) return;
      // A call that waits for the look goes first. If the call begins a refresh, the refresh stores the token.
      await new Promise<void>((resolve) => after(0, resolve));
      if (driver.refreshing === undefined) await this.lock.around(() => this.compare(isLogin, waitsFor));
    });
    // The next tab that gets the lock must see this write, which takes a moment.
    if (isWritten && this.lock.isHeld && this.settlingMs) await new Promise<void>((resolve) => after(this.settlingMs, resolve));
  }

  /** Notes a new login here. It cancels a pending delete. */
  expectLogin() {
    [this.superseded, this.news, this.begunAt] = [[], 'replaced', moment()];
    this.forgetDelete();
    this.tabs.tell('login');
  }

  /** Notes a new login elsewhere. Its token is stored in place of the one that this session has to delete. */
  expectLoginElsewhere(at: number) {
    if (!this.pending || at < this.pending.since) return;
    this.pending.isOvertaken = true;
    this.forgetDelete();
  }

  /** Stores the token of a login. */
  storeLogin(): Promise<void> {
    this.connect();
    return this.store();
  }

  /** Stores the new token of a refresh. */
  storeSuccessor(old: string | null): Promise<void> {
    this.superseded.push(old);
    return this.store();
  }

  /** Notes a logout here. This token has to be deleted or, if the session held none, whatever token the store has. */
  expectDelete(token: string | null, ttlMs: number) {
    // Another process may hold a token that this session does not know. Without the marker it would store that token again.
    if (this.mayForget) this.markMs = token === null ? LONGEST_MARK_MS : ttlMs;
    const left = token ?? this.pending?.token ?? null;
    this.forgetDelete();
    this.pending = new PendingDelete(left, () => { this.look(); });
  }

  /** Deletes what is stored. Rejects if the store fails. Then the delete is tried again later. */
  async delete() {
    const { pending } = this;
    this.connect();
    this.tabs.tell('cleared');
    // If there is a new login by then, here or elsewhere, its token is stored instead.
    const isOvertaken = () => this.driver.state.token !== null || pending?.isOvertaken;
    const isDone = await this.driver.during(() => this.inTurn(async () => isOvertaken() || this.erase()));
    if (!isDone) throw storeFailure();
  }

  /**
   * Forgets the token after a logout elsewhere. A token that this session stored meanwhile is deleted, too. Another login's
   * token stays.
   */
  clearElsewhere() {
    this.logouts++;
    const { state } = this.driver, { token, ttlMs } = state;
    state.clear(false);
    if (token === null) return;
    this.expectDelete(token, ttlMs);
    this.driver.sync();
    this.look();
  }

  /** Reads the store. If a logout is heard meanwhile, it may have read what was deleted, so it reads again. */
  private async read(): Promise<unknown> {
    for (;;) {
      const { logouts } = this, stored = await this.outage.attempt(['get']);
      if (stored === FAILED || logouts === this.logouts) return stored;
    }
  }

  private store(): Promise<void> {
    const store = () => this.compare();
    // If this session has sent a request, it drops the answer. If another tab has sent one, its answer must not overwrite this token. So
    // the write waits for the lock.
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

  /** Runs an operation on the store, after those before it. */
  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.queue.then(work);
    this.queue = done.catch(() => {});
    return done;
  }

  /** Compares the token with what was found in the store. Returns what to do. */
  private found(found: any, { wasWritten = false, wasReplaced = false }) {
    const { state } = this.driver, stored = found ?? '', isSuperseded = this.superseded.includes(stored) && state.token !== null;
    const saysNothing = isSuperseded || this.mayForget, hasLock = this.lock.isHeld, isDeleteDue = this.pending !== undefined;
    const { step } = state.found(isSuperseded ? '' : stored, state.token ?? this.pending?.token ?? null, { saysNothing, hasLock, wasWritten, wasReplaced, isDeleteDue });
    // The list is about the token that this session got by its own refreshes. It is not about a token from the store.
    if (step === 'adopt' || step === 'forget') this.superseded = [];
    if (step === 'adopt') this.begunAt = moment();
    if (step === 'forget' || state.isStored) {
      this.outage.end();
      this.news = 'refreshed';
      this.superseded.splice(0, this.superseded.length - 1);
    }
    return step;
  }

  /** Stores the token, and tells the other tabs once it is stored. Resolves with whether it is stored. */
  private async save(before: unknown): Promise<boolean> {
    const { state } = this.driver, { ttlMs, token, generation } = state, { news } = this;
    // The store keeps no expired token, and no token that an expired one has replaced.
    if (await this.outage.attempt(ttlMs > 0 ? ['set', token as string, ttlMs] : ['delete']) === FAILED) return false;
    const stored = ttlMs > 0 ? await this.outage.attempt(['get']) : token;
    // If the token has changed meanwhile, the code that changed it stores the new one.
    if (stored === FAILED || state.generation !== generation) return false;
    const isThere = stored === token;
    if (isThere || stored !== before) {
      this.found(stored, { wasWritten: true });
      this.driver.sync();
    }
    if (isThere) {
      // A session sends this message once for each token. Otherwise tabs whose store forgets would answer each other for ever.
      if (this.told !== generation) this.tabs.tell(news);
      [this.told, this.news] = [generation, 'refreshed'];
    } else if (state.generation === generation) {
      this.outage.begin('set', 'the store returns something else');
    }
    return isThere;
  }

  /** Deletes what is stored after a logout. Resolves with whether that was possible. */
  private async erase(): Promise<boolean> {
    const { pending } = this, answer = await this.outage.attempt(this.markMs > 0 ? ['set', LOGGED_OUT, this.markMs] : ['delete']);
    // If the page has no storage, there is nothing to delete.
    const isDone = answer !== FAILED || !this.driver.entry;
    if (this.pending === pending) isDone ? this.forgetDelete() : pending?.tryLater();
    return isDone;
  }

  private forgetDelete() {
    this.pending?.end();
    this.pending = undefined;
  }
}
