// What all copies of this package in a realm share: the requests in flight, and whatever else is to be there once. An app may
// have the ES module beside the CommonJS one, or several bundles, each with a wasm of its own.
import { caught, has, read } from './foreign.js';
import { after, latch } from './wait.js';

/** @import { Latch } from './wait.js' */

/**
 * What a caller who waits is told: the last exchange, as `exchange` of `http.js` resolves with it, how many there were, and
 * whether any of them may have had an effect that nobody knows.
 * @typedef {{ exchanged: unknown, attempts: number, outcomeUnknown: boolean }} Settled
 */

/**
 * A request in flight. The copy that began it sends it, and any copy may wait for it.
 * @typedef {object} InFlight
 * @property {number} retries the most that any caller asked for
 * @property {number} toleranceMs the most that any caller tolerates
 * @property {number} waiting how many wait for it
 * @property {Latch} abandoned opens when nobody waits any more
 * @property {(attempts: number, joinableUntil: number, lateUntil: number) => void} begin says until when anyone may join, or, if a session waits, until when
 * @property {() => boolean} timeOut tells calls that the time of an attempt is up; whether the request goes on, for a session
 * @property {(exchanged: unknown, attempts: number, outcomeUnknown: boolean) => void} settle
 * @property {(error: unknown) => void} fail
 */

/**
 * A caller who waits for a request in flight.
 * @typedef {{ request: InFlight, isFirst: boolean, settled: Promise<Settled>, leave: () => void }} Waiter
 */

/** The number is that of what is shared: a copy that needs other functions looks for them under another one. */
const NAME = Symbol.for('transak-user-token/1');

/** @typedef {{ part: (name: string, create: () => any) => any }} Shared */

/** @type {Shared | undefined} */
let known;

/**
 * Returns a part of what is shared. The first copy that needs it creates it, of functions alone: what they know, tokens among
 * it, is read from nowhere else. If the global object cannot be written to, each copy has its own.
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
  // Frozen in place: no other copy takes it for its own.
  caught(() => Object.defineProperty(globalThis, NAME, Object.assign(Object.create(null), { value: created })));
  return created;
}

function singleFlight() {
  /** The requests, and whether one is the same as another. @type {Map<InFlight, (key: unknown[]) => boolean>} */
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
    /** @type {InFlight & { add: (isSession: boolean, timeoutMs: number) => { settled: Latch, leave: () => void } }} */
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
      add(isSession, timeoutMs) {
        const waiter = { isSession, settled: latch() };
        waiters.add(waiter);
        request.waiting++;
        isKept ||= isSession;
        // A late answer is waited for as long as any other.
        const stop = isLate && !isSession ? after(timeoutMs, () => waiter.settled.open(timedOut())) : () => {};
        return { settled: waiter.settled, leave() {
          stop();
          if (!waiters.delete(waiter)) return;
          if (--request.waiting) return;
          // A later call begins its own.
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
   * @param {number} retries
   * @param {number} toleranceMs
   * @param {boolean} isSession
   * @returns {Waiter}
   */
  return (key, timeoutMs, retries, toleranceMs, isSession) => {
    const found = find(key), request = found ?? begin(key);
    request.retries = Math.max(request.retries, retries);
    request.toleranceMs = Math.max(request.toleranceMs, toleranceMs);
    return { request, isFirst: !found, ...request.add(isSession, timeoutMs) };
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
 * @param {boolean} isSession whether the caller waits however late the answer comes
 */
export function join(texts, fetch, timeoutMs, totalTimeoutMs, retries, toleranceMs, isSession) {
  // Timers are part of it: a test's fake ones may stand still, and nobody else is to wait for what they would end.
  const key = [texts, fetch, timeoutMs, totalTimeoutMs, caught(() => globalThis.setTimeout)];
  const waiter = shared('join', singleFlight)(key, timeoutMs, retries, toleranceMs, isSession), settled = () => unsettled.delete(waiter);
  unsettled.add(waiter);
  waiter.settled.then(settled, settled);
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
