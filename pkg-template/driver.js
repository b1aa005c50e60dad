// What drives a session: its state machine, in the wasm, decides; this waits, tells, stores and locks.
import { isSignal } from '../src/js/foreign.js';
import { abortReason } from '../src/js/wait.js';
import { emitter, eventOf } from './emitter.js';
import { failure } from './failure.js';
import { instance, settled } from './loader.js';
import { locked } from './lock.js';
import { ask as askStore } from './store.js';
import { listening, tune } from './tabs.js';

/** @import { SessionEventMap, SessionOptions, SessionStatus } from './index.js' */
/** @import { Core } from './loader.js' */
/** @typedef {ReturnType<typeof drive>} Driver */

// The machine's numbers, as src/js/session.rs has them: what it does, what a caller is told, what an outcome is, and the
// events.
export const ACCESS = 0, REFRESH = 2;
const OVERDUE = 1, WAKE = 3, WAIT = 4, LAND = 5, LAND_AT_LAST = 6, NO_LOCK = 7, WRITTEN = 8, CLEAR = 9, START = 10, STOP = 11;
const OFFLINE = 12, EVENTS = 13, GENERATION = 14, SKEW = 15, MAX_WAIT = 16;
const USE = 0, REJECT = -2, STORE = 1, LOOK_AGAIN = 2, REFUSED = 32;
/** @type {(keyof SessionEventMap)[]} */
const NAMES = ['storageerror', 'refreshed', 'refreshfailed', 'expired', 'replaced', 'cleared'];

/** How long a store that failed is left alone, in milliseconds. */
const PROBE_MS = 5_000;

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
 * Begins a session. The token is kept here too: a trap costs the machine, and the next call makes another one of it.
 * @param {object} session whose events they are
 * @param {any} token null for none
 * @param {SessionOptions} given
 * @param {boolean} isStored whether the token is from the store
 */
export function drive(session, token, given, isStored) {
  /** @type {Core | undefined} */
  let core;
  /** @type {InstanceType<Core['Machine']>} */
  let machine;
  /** @type {any} */
  let timer;
  /** @type {BroadcastChannel | undefined} */
  let channel;
  /** @type {Promise<void> | undefined} */
  let firstLook;
  let generation = 0, skew = NaN, busy = 0, holding = 0, renewing = 0, probedAt = 0, outage = '', news = 'refreshed';
  let isRunning = false, isDisposed = false, hasLooked = true;
  /** @type {Promise<unknown>} */
  let writes = Promise.resolve();
  /** @type {Set<() => void>} */
  const waiting = new Set();
  const events = emitter(), options = copied(given);
  live();
  const { storage, key } = options, name = `transak-user-token:${key}`;
  hasLooked = !storage;

  /** Returns the machine, making it where there is none, or none any more. */
  function live() {
    const now = instance();
    if (core !== now) {
      machine = new now.Machine(token, options, isStored);
      core = now;
      generation = call(GENERATION);
      token = machine.token();
      skew = NaN;
      if (isRunning) run();
    }
    return machine;
  }

  function call(/** @type {number} */ op, number = 0) {
    return machine.call(op, number);
  }

  function callLive(/** @type {number} */ op, number = 0) {
    return live().call(op, number);
  }

  function run() {
    call(START);
    call(OFFLINE, globalThis.navigator?.onLine === false ? 1 : 0);
  }

  /** Tells what there is to tell, and wakes who waits where the token has changed. */
  function sync() {
    // A dead instance says nothing that is true.
    if (core !== instance()) return;
    skew = call(SKEW);
    const latest = call(GENERATION), hasChanged = generation !== latest;
    if (hasChanged) {
      generation = latest;
      token = machine.token();
      wake();
    }
    // Looked at before anyone is told: a listener may end the session.
    /** @type {[keyof SessionEventMap, unknown][]} */
    const told = [];
    for (let left = call(EVENTS); left; left >>= 3) {
      const event = NAMES[left & 7];
      told.push([event, event === 'refreshed' ? times() : event === 'refreshfailed' ? { error: machine.error() } : null]);
    }
    if (hasChanged) schedule();
    for (const [type, detail] of told) tell(type, detail);
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
    const verdict = live().status(Date.now()), refused = verdict >= REFUSED;
    const { state, action, reason } = current().texts[verdict % REFUSED], clockSkewMs = Number.isNaN(skew) ? null : skew;
    if (reason) return { state, action, reason, clockSkewMs, refused };
    const { issuedAt, refreshAt, expiresAt, expiresInMs } = read();
    return /** @type {SessionStatus} */ ({
      state, action: refused ? 'login' : action, issuedAt, refreshAt, expiresAt, expiresInMs, clockSkewMs, refused,
    });
  }

  function current() {
    return /** @type {Core} */ (core);
  }

  /** Reads the times that the machine has left. */
  function read() {
    const { times } = current().look();
    const { 0: issuedAt, 1: refreshAt, 2: expiresAt, 3: expiresInMs } = times;
    return { issuedAt: Number.isNaN(issuedAt) ? null : issuedAt, refreshAt, expiresAt, expiresInMs };
  }

  function times() {
    machine.status(Date.now());
    const { issuedAt, refreshAt, expiresAt } = read();
    return { issuedAt, refreshAt, expiresAt };
  }

  /**
   * Answers a call, once there is an answer.
   * @param {number} wish
   * @param {{ signal?: AbortSignal } | undefined} called
   */
  function answer(wish, called) {
    return settled(async (begun) => {
      const { signal } = called ?? {};
      if (signal !== undefined && !isSignal(signal)) {
        throw failure('ERR_INVALID_OPTION', 'fix', 'an option is invalid: signal must be an AbortSignal');
      }
      live();
      const before = generation;
      let late, end = () => {};
      const cut = () => end();
      busy++;
      try {
        if (!signal?.aborted) look().catch(() => {});
        for (;;) {
          if (signal?.aborted) throw abortReason(signal);
          if (hasLooked) {
            live();
            const step = call(wish, before);
            const result = step === USE && wish === REFRESH ? { accessToken: token, ...times() } : token;
            const error = step === REJECT && machine.error();
            if (step > 0) renew(step);
            sync();
            if (error) throw error;
            if (step === USE) return result;
          }
          if (late === undefined) {
            signal?.addEventListener('abort', cut);
            late = wish === ACCESS && setTimeout(() => {
              wish = OVERDUE;
              end();
            }, call(MAX_WAIT));
          }
          await new Promise((resolve) => waiting.add(end = () => {
            waiting.delete(end);
            resolve(undefined);
          }));
          // After a trap the caller has its error already.
          if (instance() !== begun) return;
        }
      } finally {
        clearTimeout(/** @type {any} */ (late));
        signal?.removeEventListener('abort', cut);
        waiting.delete(end);
        busy--;
        release();
      }
    });
  }

  /**
   * Carries out an order to refresh.
   * @param {number} ticket
   */
  async function renew(ticket) {
    const begun = current();
    const exchange = async () => {
      const hadOutage = outage;
      if (storage && !hadOutage) await compare();
      if (instance() !== begun) return;
      const landed = machine.send(ticket, options);
      sync();
      if (!landed) return;
      await settled(() => landed);
      let outcome = call(storage ? LAND : LAND_AT_LAST, ticket);
      if (outcome === LOOK_AGAIN) {
        await compare();
        outcome = instance() === begun ? call(LAND_AT_LAST, ticket) : 0;
      }
      sync();
      wake();
      if (outcome === STORE && storage) await (hadOutage ? compare() : save());
    };
    busy++;
    renewing++;
    try {
      await (storage && !outage ? locked(options.lock, name, () => held(exchange)) : held(exchange));
    } catch {
      // Who has the lock may have stored a successor; and where the store fails too, that is told.
      await compare().catch(() => {});
      if (instance() === begun) call(NO_LOCK, ticket);
    }
    busy--;
    renewing--;
    background(sync);
    wake();
    release();
  }

  /** Does what nobody waits for. A fault of ours has no one to go to; the background goes on later. */
  function background(/** @type {() => void} */ work) {
    try {
      work();
      if (machine) schedule();
    } catch {
      if (isRunning) arm(RECOVERY_MS);
    }
  }

  function schedule() {
    if (isRunning) arm(callLive(WAIT));
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
      const ticket = callLive(WAKE);
      if (ticket) renew(ticket);
      sync();
      look().catch(() => {});
    });
  }

  /** Takes a hint that time may have passed unnoticed, or that the network came or went. */
  function hint(/** @type {{ type: string }} */ { type }) {
    background(() => {
      if (type === 'offline' || type === 'online') callLive(OFFLINE, type === 'offline' ? 1 : 0);
    });
    tick();
    if (storage) compare().catch(() => {});
  }

  /** Looks at the store before the first call is answered, and again now and then where it has failed. */
  function look() {
    if (!storage) return Promise.resolve();
    if (outage && Math.abs(Date.now() - probedAt) > PROBE_MS) {
      probedAt = Date.now();
      return compare();
    }
    channel ??= tune(name, heard);
    return firstLook ??= compare();
  }

  /** Compares with what is stored; `wasReplaced` where another tab says so. */
  async function compare(wasReplaced = false) {
    const stored = await ask('get');
    const isToBeStored = stored !== FAILED && live().found(stored, wasReplaced);
    hasLooked = true;
    sync();
    wake();
    if (!isToBeStored) return;
    if (holding) return save();
    // Who was woken goes first: a refresh that begins now stores the token on its way.
    await null;
    if (!renewing) settle(stored);
  }

  /**
   * Stores the token with the lock held, after another look: what was stored since the first one came later, and is
   * not to be overwritten by what this session began with.
   * @param {unknown} seen
   */
  async function settle(seen) {
    busy++;
    const of = generation;
    await locked(options.lock, name, () => held(async () => {
      const stored = await ask('get');
      // Another token by now: it has been stored, or will be.
      if (generation !== of) return;
      if (stored === seen) return save();
      callLive(WRITTEN, of);
      await compare();
    })).catch(() => {});
    busy--;
    release();
  }

  /** Does what is done with the lock held. */
  function held(/** @type {() => Promise<any>} */ work) {
    holding++;
    return work().finally(() => { holding--; });
  }

  /** Stores the token, whatever it is by then, and tells the other tabs what happened. */
  function save() {
    return writes = writes.then(async () => {
      if (token === null) return;
      const of = generation;
      live().status(Date.now());
      const ttlMs = Math.ceil(read().expiresInMs);
      const done = await (ttlMs > 0 ? ask('set', token, ttlMs) : ask('delete'));
      if (done === FAILED || generation !== of) return;
      callLive(WRITTEN, of);
      channel?.postMessage(news);
      news = 'refreshed';
      if (holding && channel && !options.lock) await new Promise((seen) => setTimeout(seen, SETTLING_MS[0]));
    }).catch(() => {});
  }

  /**
   * Calls the store. The first failure of an outage is told.
   * @param {'get' | 'set' | 'delete'} method
   * @param {unknown[]} rest
   */
  async function ask(method, ...rest) {
    try {
      const answer = await askStore(/** @type {any} */ (storage), method, [/** @type {string} */ (key), ...rest]);
      if (method === outage || method === 'set') outage = '';
      return answer;
    } catch {
      probedAt = Date.now();
      if (!outage) {
        outage = method;
        tell('storageerror', { error: storeFailure() });
      }
      return FAILED;
    }
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
      callLive(CLEAR);
      sync();
      // What was stored here meanwhile is to go too, and another login's token is not.
      writes = writes.then(async () => mine !== null && await ask('get') === mine && ask('delete'));
    } catch {}
  }

  /** Frees the machine and the channel of a session that was disposed of, when nothing is under way. */
  function release() {
    if (!isDisposed || busy || !core) return;
    isDisposed = false;
    channel?.close();
    machine.free();
    core = channel = firstLook = undefined;
  }

  /** @param {boolean} running */
  function setRunning(running) {
    if (running && isRunning) return;
    isRunning = running;
    listening(running, hint);
    clearTimeout(timer);
    if (running) {
      isDisposed = false;
      live();
      run();
      look().catch(() => {}).then(() => isRunning && tick());
    } else if (core) {
      callLive(STOP);
    }
  }

  return {
    events, status, answer, setRunning,
    async open() {
      if (!storage) throw failure('ERR_INVALID_OPTION', 'fix', 'an option is invalid: storage is required');
      const stored = await ask('get');
      if (stored === FAILED) throw storeFailure();
      live().found(stored, true);
      sync();
      return token !== null;
    },
    /** @param {unknown} other */
    async replace(other) {
      live().replace(other);
      sync();
      if (!storage) return;
      channel ??= tune(name, heard);
      news = 'replaced';
      busy++;
      // An answer under way here is dropped; one of another tab is waited for, so that it is not stored on top.
      await (holding || outage ? save() : locked(options.lock, name, save).catch(save));
      busy--;
      release();
    },
    async clear() {
      callLive(CLEAR);
      sync();
      if (!storage) return;
      channel ??= tune(name, heard);
      channel?.postMessage('cleared');
      await (writes = writes.then(() => ask('delete')));
    },
    dispose() {
      setRunning(false);
      isDisposed = true;
      release();
    },
  };
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
  try {
    return typeof options === 'object' && options ? { ...options } : options;
  } catch {
    return options;
  }
}
