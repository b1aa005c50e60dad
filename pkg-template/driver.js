// What drives a session: its state machine, in the wasm, decides; this waits, tells, stores and locks.
import { caught, isSignal, read } from '../src/js/foreign.js';
import { abortReason, after, onAbort } from '../src/js/wait.js';
import { NONE, desk, errorOf, lay, times } from './desk.js';
import { emitter } from './emitter.js';
import { eventOf } from './event.js';
import { failure } from './failure.js';
import { fault, settled } from './loader.js';
import { locked } from './lock.js';
import { readOptions } from './options.js';
import { join } from './refresh.js';
import { place } from './place.js';
import { ask as askStore } from './store.js';
import { MAY_BE as MAY_BE_TABS, isOffline, listening, tune } from './tabs.js';

/** @import { SessionEventMap, SessionOptions, SessionStatus } from './index.js' */
/** @import { Core } from './desk.js' */
/** @typedef {ReturnType<typeof drive>} Driver */
/** @typedef {ReturnType<typeof now>} Moment */

// The numbers of src/js/keep.rs: what it does, what a caller is told, what is found in the store, and the events.
export const ACCESS = 0, REFRESH = 2;
const OVERDUE = 1, WAKE = 3, WAIT = 4, SEND = 5, FAIL = 6, NO_LOCK = 7, WRITTEN = 8, CLEAR = 9, START = 10, STOP = 11, OFFLINE = 12;
const EVENTS = 13, GENERATION = 14, SKEW = 15, LAST_FAILURE = 16, GIVE_BACK = 17, IS_REFUSAL = 18, TTL = 19, IS_STORED = 20;
const USE = 0, REJECT = -2, WRITE = 1, ADOPTED = 2, CLEARED = 3, DELETE = 4, REFUSED = 32;
/** @type {(keyof SessionEventMap)[]} */
const NAMES = ['storageerror', 'refreshed', 'refreshfailed', 'expired', 'replaced', 'cleared'];

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
  let generation = 0, skew = NaN, busy = 0, holding = 0, renewing = 0, storing = 0, probedAt = 0, outage = '', news = 'refreshed';
  let isRunning = false, isDisposed = false;
  /** The last of what is done with the store, one after the other. @type {Promise<unknown>} */
  let turns = Promise.resolve();
  /** The token that a logout has not deleted yet. @type {string | null} */
  let undeleted = null;
  /** The token that this one was got for: in the store it is no match for it, whatever the two say. @type {string | null} */
  let superseded = null;
  /** @type {any} */
  let retryTimer;
  let retryMs = PROBE_MS, retriedAt = 0;
  /** @type {Set<() => void>} */
  const waiting = new Set();
  const events = emitter(), options = copied(given);
  const { judged, storage, key, lock } = readOptions(desk(), options, true), { windowMs, toleranceMs, patienceMs } = judged;
  const name = `transak-user-token:${key}`;
  let hasLooked = !storage;
  const state = begin();
  // From now on, so that a session that is not used hears of a logout too, and a login is stored that nobody asks for. A Worker has no
  // tabs, and no timers before there is a request: there the first call stores it.
  if (storage && MAY_BE_TABS) {
    channel = tune(name, heard);
    if (!isStored) look().catch(() => {});
  }

  /** Begins the session, and returns its bytes. */
  function begin() {
    const { chance, wall, monotonic } = now(), core = desk();
    if (!core.begin(token === null ? NONE : place(core, token), token === null, isStored, windowMs, toleranceMs, chance, wall, monotonic)) throw errorOf(core);
    token = token && token.trim();
    core.laid = undefined;
    return core.sessionRoom.slice();
  }

  /** Lays the session where the wasm looks at it, where another one is. */
  function laid() {
    const core = desk();
    if (core.laid !== state) core.sessionRoom.set(core.laid = state);
    return core;
  }

  /**
   * Does something to the session where the wasm looks at it, and takes it up again. A trap leaves it as it was.
   * @template T
   * @param {(core: Core, now: Moment) => T} work
   * @returns {T}
   */
  function at(work) {
    const moment = now(), core = laid(), done = work(core, moment);
    state.set(core.sessionRoom);
    return done;
  }

  function call(/** @type {number} */ op, number = 0) {
    return at((core, { chance, wall, monotonic }) => core.act(op, number, chance, wall, monotonic));
  }

  function run() {
    call(START);
    call(OFFLINE, isOffline() ? 1 : 0);
  }

  /** Tells what there is to tell, and wakes who waits where the token has changed. */
  function sync() {
    skew = call(SKEW);
    const latest = call(GENERATION), hasChanged = generation !== latest;
    generation = latest;
    if (hasChanged) wake();
    // Looked at before anyone is told: a listener may end the session.
    /** @type {[keyof SessionEventMap, unknown][]} */
    const told = [];
    for (let left = call(EVENTS); left; left >>= 3) {
      const event = NAMES[left & 7];
      told.push([event, event === 'refreshed' ? current() : event === 'refreshfailed' ? { error: lastError() } : null]);
    }
    if (hasChanged) schedule();
    for (const [type, detail] of told) tell(type, detail);
  }

  function lastError() {
    call(LAST_FAILURE);
    return errorOf(desk(), judged);
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

  /** @returns {SessionStatus} */
  function status() {
    const wall = Date.now(), core = laid();
    let verdict;
    try {
      verdict = core.unguarded.currentStatus(wall);
    } catch {
      throw fault();
    }
    const refused = verdict >= REFUSED;
    const { state: its, action, reason } = core.texts[verdict % REFUSED], clockSkewMs = Number.isNaN(skew) ? null : skew;
    if (reason) return { state: its, action, reason, clockSkewMs, refused };
    const { 0: issuedAt, 1: refreshAt, 2: expiresAt, 3: expiresInMs } = core.times;
    return /** @type {SessionStatus} */ ({
      state: its, action: refused ? 'login' : action, issuedAt: Number.isNaN(issuedAt) ? null : issuedAt, refreshAt, expiresAt, expiresInMs,
      clockSkewMs, refused,
    });
  }

  /** Returns the times of the token. */
  function current() {
    const wall = Date.now(), core = laid();
    core.currentStatus(wall);
    return times(core);
  }

  /**
   * Answers a call, once there is an answer.
   * @param {number} wish
   * @param {{ signal?: AbortSignal } | undefined} called
   */
  function answer(wish, called) {
    return settled(async () => {
      const begun = desk(), { signal } = called ?? {};
      if (signal !== undefined && !isSignal(signal)) {
        throw failure('ERR_INVALID_OPTION', 'fix', 'an option is invalid: signal must be an AbortSignal');
      }
      const before = generation;
      let isWaiting = false, isReady = false, isLate = false, stop = () => {}, end = () => {}, unlisten = end;
      const cut = () => end();
      const beginWait = () => {
        stop();
        stop = after(patienceMs, () => {
          if (wish === ACCESS) wish = OVERDUE;
          isLate = true;
          end();
        });
      };
      busy++;
      try {
        if (!signal?.aborted) look().catch(() => {});
        for (;;) {
          if (signal?.aborted) throw abortReason(signal);
          if (hasLooked) {
            const step = call(wish, before), error = step === REJECT && errorOf(desk(), judged);
            const result = step === USE && wish === REFRESH ? { accessToken: token, ...current() } : token;
            if (step > 0) renew(step);
            sync();
            if (error) throw error;
            if (step === USE) {
              if (isLate || !isBeingStored()) return result;
              if (!isReady) beginWait();
              isReady = true;
            }
          }
          if (!isWaiting) {
            isWaiting = true;
            if (signal) unlisten = onAbort(signal, cut);
            if (wish === ACCESS && !isReady) beginWait();
          }
          await new Promise((resolve) => waiting.add(end = () => {
            waiting.delete(end);
            resolve(undefined);
          }));
          // After a trap the caller has its error already.
          if (desk() !== begun) return;
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

  /** Tells whether the token is on its way into the store: who has it then may leave the page, and finds it there again. */
  function isBeingStored() {
    return storage && !outage && (storing || renewing) && !call(IS_STORED);
  }

  /**
   * Carries out an order to refresh.
   * @param {number} ticket
   */
  async function renew(ticket) {
    const exchange = async () => {
      const hadOutage = outage;
      if (storage && !hadOutage) await compare();
      const sent = now(), isToBeSent = call(SEND, ticket);
      sync();
      if (!isToBeSent) return;
      let ask;
      try {
        ask = readOptions(desk(), options, true);
      } catch (thrown) {
        // They made sense once. Any other error is a fault.
        if (/** @type {any} */ (thrown).code !== 'ERR_INVALID_OPTION') throw thrown;
        call(FAIL, ticket);
        return;
      }
      const old = token, outcome = await join(token, current().expiresAt, ask).landed;
      if (outcome.fault) throw outcome.fault;
      const isToBeStored = await land(ticket, outcome, sent);
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
      background(() => { call(/** @type {any} */ (thrown)?.code === 'ERR_INTERNAL' ? GIVE_BACK : NO_LOCK, ticket); });
    }
    busy--;
    renewing--;
    background(() => {
      // Whatever came of it, and where that trapped as well: whoever waits for an order that nobody carries out waits for good.
      call(GIVE_BACK, ticket);
      sync();
    });
    wake();
    release();
  }

  /**
   * Takes an outcome. Tells whether the token is to be stored.
   * @param {number} ticket
   * @param {import('./refresh.js').Outcome} outcome
   * @param {Moment} sent
   */
  async function land(ticket, { accessToken, attempts, failure }, sent) {
    if (accessToken) {
      const isHeld = at((core, { chance, wall, monotonic }) =>
        core.accept(ticket, place(core, accessToken), attempts, sent.wall, sent.monotonic, chance, wall, monotonic));
      if (isHeld) token = accessToken;
      return isHeld;
    }
    const fail = (/** @type {number} */ op) => at((core, { chance, wall, monotonic }) => {
      core.failure.set(/** @type {Uint8Array} */ (failure));
      return core.act(op, ticket, chance, wall, monotonic);
    });
    // Where it was refused the store deserves another look first: another tab may have stored a successor.
    if (storage && fail(IS_REFUSAL)) await compare();
    fail(FAIL);
    return false;
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
    if (isRunning) arm(call(WAIT));
  }

  function arm(/** @type {number} */ ms) {
    clearTimeout(timer);
    // Nothing is to happen: NaN.
    if (!(ms > 0)) return;
    timer = setTimeout(tick, ms);
    timer.unref?.();
  }

  function tick() {
    background(() => {
      const ticket = call(WAKE);
      if (ticket) renew(ticket);
      sync();
      look().catch(() => {});
    });
  }

  /** Takes a hint that time may have passed unnoticed, or that the network came or went. */
  function hinted(/** @type {{ type: string }} */ { type }) {
    background(() => {
      if (type === 'offline' || type === 'online') call(OFFLINE, type === 'offline' ? 1 : 0);
    });
    tick();
    if (storage) compare().catch(() => {});
  }

  /** Looks at the store before the first call is answered, and again now and then where it has failed. */
  function look() {
    if (!storage) return Promise.resolve();
    if (MAY_BE_TABS) channel ??= tune(name, heard);
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
    let isWritten = false;
    busy++;
    storing++;
    try {
      const seen = await inTurn(async () => {
        const stored = await ask('get');
        // Even where that traps, which would leave the session without its look for good.
        hasLooked = true;
        if (stored === FAILED) {
          if (undeleted !== null) retry();
          return FAILED;
        }
        // It came later than what this session began with, and is not to be overwritten by that.
        if (since !== FAILED && stored !== since) call(WRITTEN, generation);
        const verdict = found(stored, wasReplaced);
        if (verdict === DELETE) await erase();
        else forget();
        sync();
        wake();
        if (verdict !== WRITE || token === null) return FAILED;
        // Whoever refreshes a token has the lock, and may be about to store its successor.
        if (!holding && status().state !== 'fresh') return stored;
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
    let content = stored ?? '';
    // A Keyv that swallows its backend's failures looks empty then, which says nothing.
    if (content === '' && read(storage, 'throwOnErrors') === false || content === superseded && token !== null && !wasReplaced) content = null;
    const verdict = at((core, { chance, wall, monotonic }) =>
      core.found(place(core, content), lay(core, token ?? undeleted)[0], wasReplaced, chance, wall, monotonic));
    if (verdict === ADOPTED) token = stored.trim();
    if (verdict === CLEARED) token = null;
    if (verdict === CLEARED || call(IS_STORED)) {
      outage = '';
      news = 'refreshed';
    }
    return verdict;
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
    const of = generation, ttlMs = call(TTL), what = news;
    // An expired one is not kept, and neither is what it has replaced.
    if (await (ttlMs > 0 ? ask('set', token, ttlMs) : ask('delete')) === FAILED) return false;
    const stored = ttlMs > 0 ? await ask('get') : token;
    // Whoever has changed the token meanwhile stores the other one.
    if (stored === FAILED || generation !== of) return false;
    const isThere = stored === token;
    if (isThere || stored !== seen) {
      call(WRITTEN, of);
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
    const of = undeleted, isDone = await ask('delete') !== FAILED;
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
    probedAt = Date.now();
    if (outage) return;
    outage = method;
    tell('storageerror', { error: storeFailure() });
  }

  /** Hears from another tab. */
  async function heard(/** @type {unknown} */ what) {
    try {
      const mine = token;
      if (what !== 'cleared') {
        await compare(what === 'replaced');
        for (const ms of SETTLING_MS) {
          if (token !== mine || !channel) return;
          await pause(ms);
          await compare(what === 'replaced');
        }
        return;
      }
      call(CLEAR);
      if (mine === null) return;
      // What was stored here meanwhile is to go too, and another login's token is not.
      undeleted = mine;
      token = null;
      sync();
      await compare();
    } catch {}
  }

  /** Lets go of the channel of a session that was disposed of, when nothing is under way. */
  function release() {
    if (!isDisposed || busy) return;
    isDisposed = false;
    channel?.close();
    if (MAY_BE_TABS) channel = undefined;
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
      call(STOP);
    }
  }

  return {
    events, status, answer, setRunning,
    async open() {
      if (!storage) throw failure('ERR_INVALID_OPTION', 'fix', 'an option is invalid: storage is required');
      const stored = await ask('get');
      if (stored === FAILED) throw storeFailure();
      found(stored, true);
      sync();
      return token !== null;
    },
    /** @param {unknown} other */
    async replace(other) {
      at((core, { chance }) => {
        if (!core.swap(place(core, other), chance)) throw errorOf(core);
      });
      token = /** @type {string} */ (other).trim();
      news = 'replaced';
      superseded = null;
      forget();
      sync();
      if (!storage) return;
      if (MAY_BE_TABS) channel ??= tune(name, heard);
      busy++;
      storing++;
      try {
        // An answer under way here is dropped; one of another tab is waited for, so that it is not stored on top.
        const store = () => held(compare);
        await (holding || outage ? store() : locked(lock, name, store).catch(store));
      } finally {
        storing--;
        wake();
        busy--;
        release();
      }
    },
    async clear() {
      const mine = token ?? undeleted;
      call(CLEAR, 1);
      token = null;
      if (storage) undeleted = mine;
      sync();
      if (!storage) return;
      if (MAY_BE_TABS) channel ??= tune(name, heard);
      channel?.postMessage('cleared');
      retryMs = PROBE_MS;
      retriedAt = 0;
      busy++;
      try {
        // Unless there is another login by then, which is stored in its place.
        if (!await inTurn(async () => token !== null || erase())) throw storeFailure();
      } finally {
        busy--;
        release();
      }
    },
    dispose() {
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

/** What time it is, by two clocks, and a share of chance; asked before anything is laid out, since a test's clock may call. */
function now() {
  const wall = Date.now();
  return { wall, monotonic: caught(() => performance.now()) ?? wall, chance: Math.random() };
}

/** Waits, and keeps no process alive. */
function pause(/** @type {number} */ ms) {
  return new Promise((resolve) => {
    const timer = /** @type {any} */ (setTimeout(resolve, ms));
    timer.unref?.();
  });
}

function storeFailure() {
  return failure('ERR_STORAGE', 'retry', 'the store failed or did not answer');
}

/** Copies options, so that what happens to them later changes nothing. What cannot be copied is judged as it is. */
function copied(/** @type {SessionOptions} */ options) {
  return options && typeof options === 'object' && caught(() => ({ ...options })) || options;
}
