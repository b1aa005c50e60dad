// What all copies of this package in a realm share: the requests in flight, and the lock of the process. An app may have the
// ES module beside the CommonJS one, or several bundles, each with a wasm of its own.
import { caught, has, read } from './foreign.js';
import { latch } from './wait.js';

/** @import { Latch } from './wait.js' */

/**
 * A request in flight. The copy that began it sends it, and any copy may wait for it.
 * @typedef {object} InFlight
 * @property {number} retries the most that any caller asked for
 * @property {number} toleranceMs the most that any caller tolerates
 * @property {number} waiting how many wait for it
 * @property {number} joinableUntil the instant from which on nobody joins, which the sender sets
 * @property {Latch} abandoned opens when nobody waits any more
 * @property {Latch} settled resolves with what was answered, or rejects if the sender was lost
 * @property {(exchanged: unknown, attempts: number, outcomeUnknown: boolean) => void} settle
 * @property {(error: unknown) => void} fail
 */

/**
 * A caller who waits for a request in flight.
 * @typedef {{ request: InFlight, isFirst: boolean, leave: () => void }} Waiter
 */

/** The number is that of what is shared: a copy that needs other functions looks for them under another one. */
const NAME = Symbol.for('transak-user-token/1');

/** @type {ReturnType<typeof create> | undefined} */
let known;

/** Returns what is shared. The first copy that needs it makes it; if the global object cannot be written to, each has its own. */
function shared() {
  if (known) return known;
  const found = read(globalThis, NAME);
  if (has(found, 'join') && has(found, 'locked')) return known = /** @type {ReturnType<typeof create>} */ (found);
  const created = known = create();
  // Frozen in place: no other copy takes it for its own.
  caught(() => Object.defineProperty(globalThis, NAME, Object.assign(Object.create(null), { value: created })));
  return created;
}

/** Makes functions alone: what they know, tokens among it, is read from nowhere else. */
function create() {
  return Object.freeze({ join: singleFlight(), locked: processLock() });
}

function singleFlight() {
  /** The parts of each request that make it the same as another. @type {Map<InFlight, unknown[]>} */
  const inFlight = new Map();

  function begin() {
    /** @type {InFlight} */
    const request = {
      retries: 0, toleranceMs: 0, waiting: 0, joinableUntil: Infinity, abandoned: latch(), settled: latch(),
      settle(exchanged, attempts, outcomeUnknown) {
        inFlight.delete(request);
        request.settled.open({ exchanged, attempts, outcomeUnknown });
      },
      fail(error) {
        inFlight.delete(request);
        request.settled.open(Promise.reject(error));
      },
    };
    return request;
  }

  function find(/** @type {unknown[]} */ key) {
    for (const [request, parts] of inFlight) {
      if (parts.every((part, at) => part === key[at]) && Date.now() < request.joinableUntil) return request;
    }
    return undefined;
  }

  /**
   * @param {unknown[]} key
   * @param {number} retries
   * @param {number} toleranceMs
   * @returns {Waiter}
   */
  return (key, retries, toleranceMs) => {
    const found = find(key), request = found ?? begin();
    if (!found) inFlight.set(request, key);
    request.waiting++;
    request.retries = Math.max(request.retries, retries);
    request.toleranceMs = Math.max(request.toleranceMs, toleranceMs);
    let isWaiting = true;
    const leave = () => {
      if (!isWaiting) return;
      isWaiting = false;
      if (--request.waiting) return;
      // A later call begins its own.
      inFlight.delete(request);
      request.abandoned.open();
    };
    return { request, isFirst: !found, leave };
  };
}

function processLock() {
  /** The last of those who want a name's lock. @type {Map<string, Promise<unknown>>} */
  const tails = new Map();
  return async (/** @type {string} */ name, /** @type {() => Promise<unknown>} */ work) => {
    const turn = Promise.resolve(tails.get(name)).then(work, work);
    tails.set(name, turn);
    try {
      await turn;
    } finally {
      if (tails.get(name) === turn) tails.delete(name);
    }
  };
}

/** The waiters of this copy whose requests have not settled. @type {Set<Waiter>} */
const unsettled = new Set();

/**
 * Joins the request in flight that is the same, whichever copy sends it. If there is none, the caller is to send it.
 * @param {string} texts the token, the URL, what becomes of cookies, the headers
 * @param {unknown} fetch
 * @param {number} timeoutMs
 * @param {number} totalTimeoutMs
 * @param {number} retries
 * @param {number} toleranceMs
 */
export function join(texts, fetch, timeoutMs, totalTimeoutMs, retries, toleranceMs) {
  const waiter = shared().join([texts, fetch, timeoutMs, totalTimeoutMs], retries, toleranceMs), settled = () => unsettled.delete(waiter);
  unsettled.add(waiter);
  waiter.request.settled.then(settled, settled);
  return waiter;
}

/**
 * Gives up what a wasm that trapped had in flight: the requests that it sent fail for all who wait for them, in whichever
 * copy, and it waits for none of the others' any more.
 * @param {unknown} error
 */
export function abandonAll(error) {
  for (const { request, isFirst, leave } of unsettled) {
    if (isFirst) request.fail(error);
    leave();
  }
  unsettled.clear();
}

/**
 * Runs `work` when nobody else in the process has the lock of that name, and settles as it does.
 * @param {string} name
 * @param {() => Promise<unknown>} work
 */
export function lockedInProcess(name, work) {
  return shared().locked(name, work);
}
