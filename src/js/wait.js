// Waiting: promises, timers and signals. Nothing here decides what to wait for, or how long.
import { caught, read } from './foreign.js';

/** @typedef {Promise<any> & { open: (value?: unknown) => void }} Latch */

/**
 * Returns a promise that its `open` resolves.
 * @returns {Latch}
 */
export function latch() {
  /** @type {Latch['open']} */
  let open = () => {};
  const opened = /** @type {Latch} */ (new Promise((resolve) => { open = resolve; }));
  opened.open = open;
  return opened;
}

/** The longest delay that `setTimeout` takes: a longer one fires at once. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/**
 * Calls back after a while. Returns a function that cancels the call. If the runtime has no timers, it calls back at once, which is
 * better than never.
 * @param {number} delayMs
 * @param {() => void} call
 * @param {boolean} [isIdle] whether a process may end meanwhile
 */
export function after(delayMs, call, isIdle = false) {
  const id = /** @type {any} */ (caught(() => setTimeout(call, Math.min(delayMs, MAX_DELAY_MS))));
  if (id === null) Promise.resolve().then(call);
  if (isIdle) id?.unref?.();
  return () => caught(() => clearTimeout(id ?? undefined));
}

/**
 * Returns a value that identifies the timers of this moment. It changes if a test installs fake timers. In Firefox's content scripts
 * each read of `setTimeout` gives another function, although the timers are the same. There the value is always `false`.
 * @returns {unknown}
 */
export function timers() {
  return caught(() => globalThis.setTimeout === globalThis.setTimeout && globalThis.setTimeout);
}

/**
 * Returns a latch that opens after a while, or together with another.
 * @param {number} delayMs
 * @param {Promise<void>} [early]
 */
export function timer(delayMs, early) {
  const over = latch();
  over.then(after(delayMs, over.open));
  early?.then(over.open);
  return over;
}

/**
 * Settles as a promise does, or resolves with `late` if that takes longer. It needs fewer promises than `Promise.race` with a timer.
 * @template T
 * @param {Promise<T>} promise
 * @param {number} limitMs
 * @param {T} late
 * @param {boolean} [isIdle] whether a process may end meanwhile
 * @returns {Promise<T>}
 */
export function within(promise, limitMs, late, isIdle) {
  return new Promise((resolve, reject) => {
    const stop = after(limitMs, () => resolve(late), isIdle);
    const settling = (/** @type {(value: any) => void} */ settle) => (/** @type {any} */ value) => {
      stop();
      settle(value);
    };
    promise.then(settling(resolve), settling(reject));
  });
}

/**
 * Returns the reason of a signal that has aborted. `fetch` would reject with the same one. Undefined if the signal has not aborted.
 * @param {AbortSignal | undefined} signal
 */
export function abortReason(signal) {
  if (!read(signal, 'aborted')) return undefined;
  const reason = read(signal, 'reason');
  if (reason !== undefined) return reason;
  // In engines whose signals have no reason, `fetch` makes one.
  const message = 'The operation was aborted.';
  return caught(() => new DOMException(message, 'AbortError')) ?? new Error(message);
}

/**
 * The functions to call when a signal aborts, and the one listener that calls them.
 * @type {WeakMap<object, { calls: Set<() => void>, listener: () => void }>}
 */
const listening = new WeakMap();

/**
 * Calls back when a signal aborts. Returns a function that cancels the call. All waits with a signal share one listener, because Node
 * warns about an eleventh listener. The last wait removes the listener, because a signal may live as long as its page.
 * @param {any} signal
 * @param {() => void} call
 */
export function onAbort(signal, call) {
  const known = listening.get(signal), { calls, listener } = known ?? shared();
  calls.add(call);
  if (!known) {
    caught(() => {
      listening.set(signal, { calls, listener });
      signal.addEventListener('abort', listener);
    });
  }
  return () => {
    if (!calls.delete(call) || calls.size) return;
    listening.delete(signal);
    caught(() => signal.removeEventListener('abort', listener));
  };
}

function shared() {
  /** @type {Set<() => void>} */
  const calls = new Set();
  return { calls, listener: () => calls.forEach((call) => call()) };
}

/**
 * Settles as a promise does, or rejects with the signal's reason if there is a signal and it aborts earlier.
 * @template T
 * @param {Promise<T>} promise
 * @param {any} signal
 * @returns {Promise<T>}
 */
export function unlessAborted(promise, signal) {
  return !signal ? promise : new Promise((resolve, reject) => {
    let stop = () => {};
    const settle = () => {
      stop();
      const reason = abortReason(signal);
      return reason === undefined ? resolve(promise) : reject(reason);
    };
    stop = onAbort(signal, settle);
    promise.then(settle, settle);
    // A signal that has aborted already tells nobody.
    if (read(signal, 'aborted')) settle();
  });
}
