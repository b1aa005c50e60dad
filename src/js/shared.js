// What all copies of this package in a realm share: the requests in flight, and other things that a realm must have once. An app may
// have the ES module beside the CommonJS one, or several bundles. Each copy has its own wasm.
import { caught, has, read } from './foreign.js';
import { after, latch, timers } from './wait.js';

/** @import { Latch } from './wait.js' */

/**
 * The result for a waiting caller: what the last `exchange` of `http.js` resolved with, the number of exchanges, and whether any of
 * them may have ended the old token without a usable answer.
 * @typedef {{ exchanged: unknown, attempts: number, outcomeUnknown: boolean }} Settled
 */

/**
 * A request in flight. The copy that began it sends it, and any copy may wait for it.
 * @typedef {object} InFlight
 * @property {number} retries the highest `retries` of all callers
 * @property {number} toleranceMs the largest tolerance of all callers
 * @property {number} waiting how many callers wait for it
 * @property {Latch} abandoned opens when no caller waits any more
 * @property {(attempts: number, joinableUntil: number, lateUntil: number) => void} begin sets until when callers may join: `lateUntil` if a session waits, otherwise `joinableUntil`
 * @property {() => boolean} timeOut settles the waiting calls with a time-out; returns whether the request goes on, for a session
 * @property {(exchanged: unknown, attempts: number, outcomeUnknown: boolean) => void} settle
 * @property {(error: unknown) => void} fail
 */

/**
 * A caller who waits for a request in flight.
 * @typedef {{ request: InFlight, isFirst: boolean, settled: Promise<Settled>, leave: () => void }} Waiter
 */

/** The number is the version of the shared functions. A copy that needs other functions uses another number. */
const NAME = Symbol.for('transak-user-token/1');

/** @typedef {{ part: (name: string, create: () => any) => any }} Shared */

/** @type {Shared | undefined} */
let known;

/**
 * Returns a shared part. The first copy that needs the part creates it. The part has only functions: nothing else can read what they
 * keep, for example tokens. If the global object cannot be written to, each copy has its own parts.
 * @template T
 * @param {string} name
 * @param {() => T} create
 * @returns {T}
 */
export function shared(name, create) {
  if (!known) {
    const found = read(globalThis, NAME);
    known = has(found, 'part') ? /** @type {Shared} */ (found) : begin();
  }
  return known.part(name, create);
}

function begin() {
  /** @type {Map<string, unknown>} */
  const parts = new Map();
  /** @type {Shared} */
  const created = Object.freeze({ part(name, create) {
    if (!parts.has(name)) parts.set(name, Object.freeze(create()));
    return parts.get(name);
  } });
  // Neither writable nor configurable, so that no other code can replace it.
  caught(() => Object.defineProperty(globalThis, NAME, Object.assign(Object.create(null), { value: created })));
  return created;
}

/** How long a call waits beyond its own time-out, in milliseconds. Before that, the sender of the request usually reports the time-out. */
const GRACE_MS = 1_000;

function singleFlight() {
  /** The requests, each with a function that tells whether a call may join it. @type {Map<InFlight, (key: unknown[]) => boolean>} */
  const inFlight = new Map();

  function begin(/** @type {unknown[]} */ key) {
    let attempts = 0, joinableUntil = Infinity, lateUntil = Infinity, isKept = false, isLate = false;
    /** @type {Set<{ isSession: boolean, settled: Latch }>} */
    const waiters = new Set();
    const timedOut = () => ({ exchanged: null, attempts, outcomeUnknown: true });
    const settleAll = (/** @type {() => unknown} */ outcome) => {
      inFlight.delete(request);
      for (const { settled } of waiters) settled.open(outcome());
    };
    /** @type {InFlight & { add: (isSession: boolean, timeoutMs: number, totalTimeoutMs: number) => { settled: Latch, leave: () => void } }} */
    const request = {
      retries: 0, toleranceMs: 0, waiting: 0, abandoned: latch(),
      begin: (count, joinable, late) => { [attempts, joinableUntil, lateUntil] = [count, joinable, late]; },
      timeOut() {
        isLate = true;
        for (const { isSession, settled } of isKept ? waiters : []) if (!isSession) settled.open(timedOut());
        return isKept;
      },
      settle: (exchanged, attempts, outcomeUnknown) => settleAll(() => ({ exchanged, attempts, outcomeUnknown })),
      fail: (error) => settleAll(() => Promise.reject(error)),
      add(isSession, timeoutMs, totalTimeoutMs) {
        const waiter = { isSession, settled: latch() };
        waiters.add(waiter);
        request.waiting++;
        isKept ||= isSession;
        // A call that joins after the time-out waits up to its own time-out. A call that joins in time has a timer, too. Without one, a
        // Worker would end it if it waits only for the work of another request. That request may also have ended.
        const limitMs = isLate ? timeoutMs : totalTimeoutMs + GRACE_MS;
        const stop = isSession ? () => {} : after(limitMs, () => waiter.settled.open(timedOut()));
        return { settled: waiter.settled, leave() {
          stop();
          if (!waiters.delete(waiter)) return;
          if (--request.waiting) return;
          // A later call begins a new request.
          inFlight.delete(request);
          request.abandoned.open();
        } };
      },
    };
    inFlight.set(request, (other) => key.every((part, at) => part === other[at]) && Date.now() < (isKept ? lateUntil : joinableUntil));
    return request;
  }

  function find(/** @type {unknown[]} */ key) {
    for (const [request, isJoinable] of inFlight) if (isJoinable(key)) return /** @type {ReturnType<typeof begin>} */ (request);
    return undefined;
  }

  /**
   * @param {unknown[]} key
   * @param {number} timeoutMs
   * @param {number} totalTimeoutMs
   * @param {number} retries
   * @param {number} toleranceMs
   * @param {boolean} isSession
   * @returns {Waiter}
   */
  return (key, timeoutMs, totalTimeoutMs, retries, toleranceMs, isSession) => {
    const found = find(key), request = found ?? begin(key);
    request.retries = Math.max(request.retries, retries);
    request.toleranceMs = Math.max(request.toleranceMs, toleranceMs);
    return { request, isFirst: !found, ...request.add(isSession, timeoutMs, totalTimeoutMs) };
  };
}

/** The waiters of this copy whose requests have not settled. @type {Set<Waiter>} */
const unsettled = new Set();

/**
 * Joins the equal request in flight, whichever copy sends it. If there is none, the caller has to send it.
 * @param {string} texts the token, the URL, `credentials`, the headers
 * @param {unknown} fetch
 * @param {number} timeoutMs
 * @param {number} totalTimeoutMs
 * @param {number} retries
 * @param {number} toleranceMs
 * @param {boolean} isSession whether the caller waits for an answer without a limit
 */
export function join(texts, fetch, timeoutMs, totalTimeoutMs, retries, toleranceMs, isSession) {
  // The timers are a part of the key. A test's fake timers may never fire, so a caller with other timers does not wait for a request
  // under them.
  const key = [texts, fetch, timeoutMs, totalTimeoutMs, timers()];
  const waiter = shared('join', singleFlight)(key, timeoutMs, totalTimeoutMs, retries, toleranceMs, isSession), settled = () => unsettled.delete(waiter);
  unsettled.add(waiter);
  waiter.settled.then(settled, settled);
  return waiter;
}

/**
 * Gives up the requests of a wasm that trapped. The requests that this copy sent fail for all waiting callers, in every copy. This copy
 * stops waiting for the requests of other copies.
 * @param {unknown} error
 */
export function abandonAll(error) {
  for (const { request, isFirst, leave } of unsettled) {
    if (isFirst) request.fail(error);
    leave();
  }
  unsettled.clear();
}
