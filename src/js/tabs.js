// The other tabs, workers and sessions: they are told what happened, and never a token.
import { caught, has, read } from './foreign.js';

/** The name of the one channel of a realm. */
const CHANNEL = 'transak-user-token';

/** @typedef {(what: unknown) => void} Listener */

/** Returns the functions that use the one channel. It is open while anyone listens, and closed in the back/forward cache. */
export function tabs() {
  /** @type {Map<string, Set<{ deref: () => Listener | undefined }>>} */
  const listeners = new Map();
  /** @type {BroadcastChannel | null | undefined} */
  let channel;
  let isWatching = false;

  function open() {
    // Missing, or refused: Firefox's throws if cookies are blocked.
    channel ??= caught(() => {
      const opened = new BroadcastChannel(CHANNEL);
      opened.onmessage = ({ data }) => heard(read(data, 'name'), read(data, 'what'));
      // It keeps no process alive.
      /** @type {{ unref?: () => void }} */ (opened).unref?.();
      return opened;
    });
    if (isWatching) return;
    isWatching = true;
    const { addEventListener } = globalThis;
    if (typeof addEventListener !== 'function') return;
    // An open channel keeps a page out of the back/forward cache, or ends it there.
    addEventListener('pagehide', () => {
      close();
      for (const name of listeners.keys()) heard(name, 'left');
    });
    addEventListener('pageshow', (event) => {
      if (!event.persisted) return;
      if (listeners.size) open();
      for (const name of listeners.keys()) heard(name, 'returned');
    });
  }

  function close() {
    channel?.close();
    channel = undefined;
  }

  /**
   * @param {string} name
   * @param {unknown} what
   * @param {Listener} [teller]
   */
  function heard(name, what, teller) {
    for (const reference of listeners.get(name) ?? []) {
      const listener = reference.deref();
      if (!listener) remove(name, reference);
      else if (listener !== teller) listener(what);
    }
  }

  /**
   * @param {string} name
   * @param {{ deref: () => Listener | undefined }} reference
   */
  function remove(name, reference) {
    const named = listeners.get(name);
    named?.delete(reference);
    if (!named?.size) listeners.delete(name);
    if (!listeners.size) close();
  }

  return {
    /**
     * @param {string} name
     * @param {Listener} listener
     */
    listen(name, listener) {
      const reference = has(globalThis, 'WeakRef') ? new WeakRef(listener) : { deref: () => listener };
      const named = listeners.get(name) ?? new Set();
      listeners.set(name, named.add(reference));
      open();
      return () => remove(name, reference);
    },

    /**
     * @param {string} name
     * @param {string} what
     * @param {Listener} [teller]
     */
    tell(name, what, teller) {
      // A channel does not hear itself. Those here are told when the others may be: later.
      Promise.resolve().then(() => heard(name, what, teller));
      caught(() => channel?.postMessage({ name, what }));
    },
  };
}
