// What drives a session: its state machine, in the wasm, decides; this waits, tells, stores and locks.
import { caught, isSignal, read } from '../../src/js/foreign.js';
import { copyOptions } from '../../src/js/options.js';
import { abortReason, after, onAbort, unlessAborted, within } from '../../src/js/wait.js';
import { emitter } from '../platform/emitter.js';
import { eventOf } from './event.js';
import { failure } from '../failure.js';
import { core, settled } from '../loader.js';
import { locked } from './lock.js';
import { refreshForSession } from '../refresh.js';
import { SessionState, instant } from './state.js';
import { ask as askStore, isMissing } from './store.js';
import { isOffline, listening, tune } from './tabs.js';
import { watcher } from './watcher.js';

/** @import { SessionEventMap, SessionOptions, SessionStatus } from '../types/index.js' */
/** @typedef {ReturnType<typeof drive>} Driver */

/** How long a store that failed is left alone, in milliseconds. */
const PROBE_MS = 5_000;

/** The longest time between two attempts to delete what a logout could not, in milliseconds; a call makes one a second. */
const MAX_RETRY_MS = 600_000, CALLED_RETRY_MS = 1_000;

/** When the background goes on after a fault of ours, in milliseconds. */
const RECOVERY_MS = 60_000;

/**
 * When to look again for what another tab says is stored, in milliseconds: a browser's processes see each other's
 * localStorage a moment later. As long as the first of them the lock is kept after storing.
 */
const SETTLING_MS = [100, 500, 2_000];

/** A call whose last look at the store is older waits for another one, in milliseconds; and how long at most. */
const LOOK_MS = 30_000, LOOK_LIMIT_MS = 2_000;

/** The shortest time between two looks that a call asks for before it rejects, in milliseconds. */
const REJECTION_LOOK_MS = 1_000;

/** What a logout leaves in a store that may forget: src/session.rs knows it. */
const LOGGED_OUT = 'cleared';

/** The answer of a store that failed. */
const FAILED = {};

/**
 * Begins a session. What the wasm knows of it are bytes that are kept here, beside the token: a trap costs neither.
 * @param {object} session whose events they are
 * @param {any} token null for none
 * @param {SessionOptions} given
 * @param {boolean} isStored whether the token is from the store
 */
export function drive(session, token, given, isStored) {
  /** @type {any} */
  let timer;
  /** @type {BroadcastChannel | undefined} */
  let channel;
  /** @type {Promise<void> | undefined} */
  let firstLook;
  let generation = 0, busy = 0, holding = 0, renewing = 0, storing = 0, probedAt = 0, outage = '', news = 'refreshed';
  let isRunning = false, isDisposed = false;
  /** The last of what is done with the store, one after the other. @type {Promise<unknown>} */
  let turns = Promise.resolve();
  /** The token that a logout has not deleted yet. @type {string | null} */
  let undeleted = null;
  /** The token that this one was got for: in the store it is no match for it, whatever the two say. @type {string | null} */
  let superseded = null;
  /** @type {any} */
  let retryTimer;
  let retryMs = PROBE_MS, retriedAt = 0, lookedAt = 0, markMs = 0;
  /** @type {Set<() => void>} */
  const waiting = new Set();
  const events = emitter();
  const { refreshWindowMs, clockToleranceMs, maxWaitMs } = core().sessionOptions(given);
  const options = copyOptions(given), { key, lock } = options;
  let { storage } = options;
  const name = `transak-user-token:${key}`;
  // A Keyv that swallows its backend's failures looks empty then, which says nothing either.
  const mayForget = options.storageMayForget === true || read(storage, 'throwOnErrors') === false;
  let hasLooked = !storage;
  const state = new SessionState(token, isStored, refreshWindowMs, clockToleranceMs);
  // A refresh is told of once, when its token is stored.
  const watch = watcher(() => ({ ...state.status(), stored: state.isStored }), clockToleranceMs, () => !isBeingStored());
  if (storage) {
    // From now on, so that a session that is not used hears of a logout too, and a login is stored that nobody asks for.
    channel = tune(name, heard);
    // A Worker has no timers before there is a request: there the first call stores it.
    if (!isStored && hasTimers()) look().catch(() => {});
  }

  function run() {
    state.setRunning(true);
    state.setOffline(isOffline());
  }

  /** Tells what there is to tell, and wakes who waits where the token has changed. */
  function sync() {
    const hasChanged = generation !== state.generation;
    generation = state.generation;
    if (hasChanged) wake();
    // Looked at before anyone is told: a listener may end the session.
    /** @type {[keyof SessionEventMap, unknown][]} */
    const told = state.untold.splice(0).map((event) =>
      [event, event === 'refreshed' ? current() : event === 'refreshfailed' ? { error: state.lastError } : null]);
    if (hasChanged) schedule();
    for (const [type, detail] of told) tell(type, detail);
    watch.look();
  }

  /**
   * @param {keyof SessionEventMap} type
   * @param {unknown} detail
   */
  function tell(type, detail) {
    events.dispatchEvent(eventOf(type, session, detail));
  }

  function wake() {
    for (const end of waiting) end();
  }

  /** Returns the times of the token. */
  function current() {
    const { issuedAt, refreshAt, expiresAt } = /** @type {any} */ (state.status());
    return { issuedAt, refreshAt, expiresAt };
  }

  /**
   * Answers a call, once there is an answer.
   * @param {boolean} isRefresh whether it asks for a refresh, or for a token that is valid now
   * @param {{ signal?: AbortSignal } | undefined} called
   */
  function answer(isRefresh, called) {
    return settled(async () => {
      const begun = core(), signal = read(called, 'signal');
      if (signal !== undefined && !isSignal(signal)) {
        throw failure('ERR_INVALID_OPTION', 'fix', 'an option is invalid: signal must be an AbortSignal');
      }
      const before = generation;
      let isWaiting = false, isReady = false, isLate = false, hasWaited = false, stop = () => {}, end = () => {}, unlisten = end;
      const cut = () => end();
      const beginWait = () => {
        stop();
        stop = after(maxWaitMs, () => {
          hasWaited = true;
          isLate = true;
          end();
        });
      };
      busy++;
      try {
        let isLastLook = false;
        if (!signal?.aborted) {
          look().catch(() => {});
          if (hasLooked && storage && isOver(LOOK_MS, lookedAt)) await lookFor(signal);
        }
        for (;;) {
          if (signal?.aborted) throw abortReason(signal);
          if (hasLooked) {
            const { step, ticket, error } = isRefresh ? state.refresh(before) : state.access(hasWaited);
            const result = step === 'use' && isRefresh ? { accessToken: state.token, ...current() } : state.token;
            if (step === 'refresh') renew(ticket);
            sync();
            if (step === 'reject') {
              // What another process did is noticed before a call fails.
              if (isLastLook || !storage || !isOver(REJECTION_LOOK_MS, lookedAt)) throw error ?? state.lastError;
              isLastLook = true;
              await lookFor(signal);
              continue;
            }
            if (step === 'use') {
              if (isLate || !isBeingStored()) return result;
              if (!isReady) beginWait();
              isReady = true;
            }
          }
          if (!isWaiting) {
            isWaiting = true;
            if (signal) unlisten = onAbort(signal, cut);
            if (!isRefresh && !isReady) beginWait();
          }
          await new Promise((resolve) => waiting.add(end = () => {
            waiting.delete(end);
            resolve(undefined);
          }));
          // After a trap the caller has its error already.
          if (core() !== begun) return;
        }
      } finally {
        stop();
        unlisten();
        waiting.delete(end);
        busy--;
        release();
      }
    });
  }

  /** Looks at the store for a call, which waits for that, but not for long. */
  function lookFor(/** @type {AbortSignal | undefined} */ signal) {
    lookedAt = Date.now();
    return unlessAborted(within(compare().catch(() => {}), Math.min(LOOK_LIMIT_MS, maxWaitMs), undefined), signal);
  }

  /** Tells whether the token is on its way into the store: who has it then may leave the page, and finds it there again. */
  function isBeingStored() {
    return storage && !outage && (storing || renewing) && !state.isStored;
  }

  /**
   * Carries out an order to refresh.
   * @param {number} ticket
   */
  async function renew(ticket) {
    const exchange = async () => {
      const hadOutage = outage;
      if (storage && !hadOutage) await compare();
      const sent = instant(), { step } = state.beforeSend(ticket);
      sync();
      if (step !== 'send') return;
      const old = state.token, isToBeStored = await land(ticket, sent);
      sync();
      wake();
      if (!isToBeStored || !storage) return;
      superseded = old;
      await compare();
    };
    busy++;
    renewing++;
    try {
      await (storage && !outage ? locked(lock, name, () => held(exchange)) : held(exchange));
    } catch (thrown) {
      // Who has the lock may have stored a successor; else the token is stored without it. Where the store fails too, that is told.
      await held(compare).catch(() => {});
      // A fault is no failure of the token's. Anything else is one, such as a lock that is not had: it must not be tried again at once.
      background(() => { /** @type {any} */ (thrown)?.code === 'ERR_INTERNAL' ? state.abandon(ticket) : state.lockedOut(ticket); });
    }
    busy--;
    renewing--;
    background(() => {
      // Also after a trap: otherwise a caller would wait for good for an order that nobody carries out.
      state.abandon(ticket);
      sync();
    });
    wake();
    watch.look();
    release();
  }

  /**
   * Exchanges the token. Tells whether there is a new one, which is to be stored.
   * @param {number} ticket
   * @param {import('./state.js').Instant} sent
   */
  async function land(ticket, sent) {
    try {
      const { accessToken, attempts } = await refreshForSession(state.token, options);
      return state.completed(options, ticket, accessToken, attempts, sent).step === 'adopt';
    } catch (/** @type {any} */ thrown) {
      if (thrown?.code === 'ERR_INTERNAL') throw thrown;
      // If it was refused the store deserves another look first: another tab may have stored a successor.
      if (storage && thrown?.code === 'ERR_UNAUTHORIZED') await compare();
      state.failed(options, ticket, thrown);
      return false;
    }
  }

  /** Does what nobody waits for. A fault of ours has no one to go to; the background goes on later. */
  function background(/** @type {() => void} */ work) {
    try {
      work();
      schedule();
    } catch {
      if (isRunning) arm(RECOVERY_MS);
    }
  }

  function schedule() {
    if (isRunning) arm(state.wakeInMs);
  }

  function arm(/** @type {number | undefined} */ ms) {
    clearTimeout(timer);
    if (ms === undefined) return;
    timer = setTimeout(tick, ms);
    timer.unref?.();
  }

  function tick() {
    background(() => {
      const { step, ticket } = state.wake();
      if (step === 'refresh') renew(ticket);
      sync();
      look().catch(() => {});
    });
  }

  /** Takes a hint that time may have passed unnoticed, or that the network came or went. */
  function hinted(/** @type {{ type: string }} */ { type }) {
    background(() => {
      if (type === 'offline' || type === 'online') state.setOffline(type === 'offline');
    });
    tick();
    if (storage) compare().catch(() => {});
  }

  /** Looks at the store before the first call is answered, and again now and then where it has failed. */
  function look() {
    if (!storage) return Promise.resolve();
    channel ??= tune(name, heard);
    if (outage && isOver(PROBE_MS, probedAt)) {
      probedAt = Date.now();
      return compare();
    }
    if (undeleted !== null && isOver(CALLED_RETRY_MS, retriedAt)) {
      retriedAt = Date.now();
      return compare();
    }
    return firstLook ??= compare().catch((thrown) => {
      firstLook = undefined;
      throw thrown;
    });
  }

  /**
   * Does something with the store, after what is being done with it.
   * @template T
   * @param {() => Promise<T>} work
   */
  function inTurn(work) {
    const done = turns.then(work);
    turns = done.catch(() => {});
    return done;
  }

  /**
   * Compares with what is stored, and stores the token if it is to be there.
   * @param {boolean} [wasReplaced] whether another tab says so
   * @param {unknown} [since] what was stored before the lock was waited for
   */
  async function compare(wasReplaced = false, since = FAILED) {
    if (!storage) return;
    let isWritten = false;
    busy++;
    storing++;
    try {
      const seen = await inTurn(async () => {
        lookedAt = Date.now();
        const stored = await ask('get');
        // Even where that traps, which would leave the session without its look for good.
        hasLooked = true;
        if (stored === FAILED) {
          if (undeleted !== null) retry();
          return FAILED;
        }
        // It came later than what this session began with, and is not to be overwritten by that.
        if (since !== FAILED && stored !== since) state.written(generation);
        const verdict = found(stored, wasReplaced);
        if (verdict === 'delete') await erase();
        else forget();
        sync();
        wake();
        if (verdict !== 'store' || state.token === null) return FAILED;
        // The session that refreshes a token has the lock, and may be about to store its successor.
        if (!holding && state.status().state !== 'fresh') return stored;
        isWritten = await save(stored);
        return FAILED;
      });
      if (seen !== FAILED) {
        // Who was woken goes first: a refresh that begins now stores the token on its way.
        await null;
        const settle = () => held(() => compare(wasReplaced, seen));
        if (!renewing) await locked(lock, name, settle).catch(settle);
      }
    } finally {
      busy--;
      storing--;
      wake();
      watch.look();
      release();
    }
    if (isWritten && holding && channel && !lock) await new Promise((seen) => setTimeout(seen, SETTLING_MS[0]));
  }

  /**
   * Compares with what was found in the store, and goes on with it where it wins. Tells what is to be done.
   * @param {any} stored
   * @param {boolean} wasReplaced
   */
  function found(stored, wasReplaced) {
    const content = stored ?? '', isSuperseded = content === superseded && state.token !== null && !wasReplaced;
    const saysNothing = isSuperseded || mayForget;
    const { step } = state.found(isSuperseded ? '' : content, state.token ?? undeleted, saysNothing, wasReplaced);
    if (step === 'forget' || state.isStored) {
      outage = '';
      news = 'refreshed';
    }
    return step;
  }

  /** Does what is done with the lock held. */
  function held(/** @type {() => Promise<any>} */ work) {
    holding++;
    return work().finally(() => { holding--; });
  }

  /**
   * Stores the token, and tells the other tabs what happened once it is there. Tells whether it is.
   * @param {unknown} seen what was stored before
   */
  async function save(seen) {
    const of = generation, { ttlMs, token } = state, what = news;
    // An expired one is not kept, and neither is what it has replaced.
    if (await (ttlMs > 0 ? ask('set', token, ttlMs) : ask('delete')) === FAILED) return false;
    const stored = ttlMs > 0 ? await ask('get') : token;
    // If the token has changed meanwhile, that change stores the other one.
    if (stored === FAILED || generation !== of) return false;
    const isThere = stored === token;
    if (isThere || stored !== seen) {
      state.written(of);
      found(stored, false);
      sync();
    }
    if (isThere) {
      channel?.postMessage(what);
      news = 'refreshed';
    } else if (generation === of) {
      // It was set, and is not what is there.
      failed('set');
    }
    return isThere;
  }

  /** Deletes what is stored after a logout. Tells whether that was possible. */
  async function erase() {
    const of = undeleted, isDone = await (markMs > 0 ? ask('set', LOGGED_OUT, markMs) : ask('delete')) !== FAILED;
    if (undeleted === of) isDone || of === null ? forget() : retry();
    return isDone;
  }

  /** Tries a delete that failed again, later. */
  function retry() {
    clearTimeout(retryTimer);
    retryTimer = setTimeout(() => { compare().catch(() => {}); }, retryMs);
    retryTimer.unref?.();
    retryMs = Math.min(2 * retryMs, MAX_RETRY_MS);
  }

  /** Has nothing left to delete. */
  function forget() {
    undeleted = null;
    clearTimeout(retryTimer);
  }

  /**
   * Calls the store. The first failure of an outage is told.
   * @param {'get' | 'set' | 'delete'} method
   * @param {unknown[]} rest
   */
  async function ask(method, ...rest) {
    try {
      const answer = await askStore(/** @type {any} */ (storage), method, [/** @type {string} */ (key), ...rest]);
      // Of what was set it is seen later whether it is there.
      if (method === outage && method !== 'set') outage = '';
      return answer;
    } catch {
      failed(method);
      return FAILED;
    }
  }

  function failed(/** @type {string} */ method) {
    if (isMissing(storage)) {
      // As good as none. A task later, so that who opened the session can listen by then.
      storage = undefined;
      setTimeout(() => tell('storageerror', { error: storeFailure() }));
      return;
    }
    probedAt = Date.now();
    if (outage) return;
    outage = method;
    tell('storageerror', { error: storeFailure() });
  }

  /** Hears from another tab. */
  async function heard(/** @type {unknown} */ what) {
    try {
      const mine = state.token;
      if (what !== 'cleared') {
        await compare(what === 'replaced');
        for (const ms of SETTLING_MS) {
          if (state.token !== mine || !channel) return;
          await pause(ms);
          await compare(what === 'replaced');
        }
        return;
      }
      state.clear(false);
      if (mine === null) return;
      // What was stored here meanwhile is to go too, and another login's token is not.
      undeleted = mine;
      sync();
      await compare();
    } catch {}
  }

  /** Lets go of the channel of a session that was disposed of, when nothing is under way. */
  function release() {
    if (!isDisposed || busy) return;
    isDisposed = false;
    channel?.close();
    channel = undefined;
    firstLook = undefined;
  }

  /** @param {boolean} running */
  function setRunning(running) {
    if (running && isRunning) return;
    isRunning = running;
    listening(running, hinted);
    clearTimeout(timer);
    if (running) {
      isDisposed = false;
      run();
      look().catch(() => {}).then(() => isRunning && tick());
    } else {
      state.setRunning(false);
    }
  }

  return {
    events, answer, setRunning, status: () => state.status(), snapshot: watch.snapshot, subscribe: watch.subscribe,
    async open() {
      if (!storage) throw failure('ERR_INVALID_OPTION', 'fix', 'an option is invalid: storage is required');
      const stored = await ask('get');
      hasLooked = true;
      if (!storage) return;
      if (stored === FAILED) throw storeFailure();
      found(stored, true);
      sync();
    },
    /** @param {unknown} other */
    async replace(other) {
      state.replace(other);
      superseded = null;
      news = 'replaced';
      forget();
      sync();
      if (!storage) return;
      channel ??= tune(name, heard);
      busy++;
      storing++;
      try {
        // An answer under way here is dropped; one of another tab is waited for, so that it is not stored on top.
        const store = () => held(compare);
        await (holding || outage ? store() : locked(lock, name, store).catch(store));
      } finally {
        storing--;
        wake();
        watch.look();
        busy--;
        release();
      }
    },
    async clear() {
      const mine = state.token ?? undeleted;
      if (state.token !== null) markMs = mayForget ? state.ttlMs : 0;
      state.clear(true);
      if (storage) undeleted = mine;
      sync();
      if (!storage) return;
      channel ??= tune(name, heard);
      channel?.postMessage('cleared');
      retryMs = PROBE_MS;
      retriedAt = 0;
      busy++;
      try {
        // Unless there is another login by then, which is stored in its place.
        if (!await inTurn(async () => state.token !== null || erase())) throw storeFailure();
      } finally {
        busy--;
        release();
      }
    },
    dispose() {
      watch.end();
      forget();
      setRunning(false);
      isDisposed = true;
      release();
    },
  };
}

/** Tells whether so long a time has passed since then; a clock that was set back says so too. */
function isOver(/** @type {number} */ ms, /** @type {number} */ since) {
  return Math.abs(Date.now() - since) > ms;
}

/** Waits, and keeps no process alive. */
function pause(/** @type {number} */ ms) {
  return new Promise((resolve) => {
    const timer = /** @type {any} */ (setTimeout(resolve, ms));
    timer.unref?.();
  });
}

/** Tells whether timers are allowed here and now. */
function hasTimers() {
  return caught(() => {
    clearTimeout(setTimeout(() => {}));
    return true;
  });
}

function storeFailure() {
  return failure('ERR_STORAGE', 'retry', 'the store failed or did not answer');
}
