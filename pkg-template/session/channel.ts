// The one channel of a realm, to the sessions of other tabs and workers. Sessions of the same realm are called directly.
import { caught, has, read } from '../../src/js/foreign.js';
import { shared } from '../../src/js/shared.js';

/** The name of the channel. */
const CHANNEL = 'transak-user-token';

/** Takes what happened, and the moment when it was told. */
type Listener = (what: unknown, at: number) => void;
type Reference = { deref(): Listener | undefined };

/**
 * Listens to the messages of other sessions of that name. The listener is held weakly, if that is possible. Returns a function that
 * removes the listener.
 */
export function listen(name: string, listener: Listener): () => void {
  return shared('channel', begin).listen(name, listener);
}

/** Tells every session of that name except the sender what happened. */
export function tell(name: string, what: string, teller: Listener) {
  shared('channel', begin).tell(name, what, teller);
}

/**
 * Returns the time in milliseconds, later at each call. So what this realm does within one millisecond has an order, too.
 */
export function moment(): number {
  return shared('channel', begin).moment();
}

/** Returns the functions that use the channel. It is open while anyone listens, and closed in the back/forward cache. */
function begin() {
  const listeners = new Map<string, Set<Reference>>();
  let channel: BroadcastChannel | null | undefined, isWatching = false, latest = 0;

  function moment() {
    return latest = Math.max(Date.now(), latest + 0.001);
  }

  function open() {
    // There may be no BroadcastChannel, and Firefox's throws if cookies are blocked.
    channel ??= caught(() => {
      const opened = new BroadcastChannel(CHANNEL);
      opened.onmessage = ({ data }) => {
        heard(read(data, 'name'), read(data, 'what'), read(data, 'at'));
      };
      // It keeps no process alive.
      (opened as { unref?: () => void }).unref?.();
      return opened;
    });
    if (!isWatching) watch();
  }

  /** An open channel keeps a page out of the back/forward cache, or removes it from there. */
  function watch() {
    isWatching = true;
    globalThis.addEventListener?.('pagehide', () => {
      close();
      for (const name of listeners.keys()) heard(name, 'left', moment());
    });
    globalThis.addEventListener?.('pageshow', ({ persisted }) => {
      if (!persisted) return;
      if (listeners.size) open();
      for (const name of listeners.keys()) heard(name, 'returned', moment());
    });
  }

  function close() {
    channel?.close();
    channel = undefined;
  }

  function heard(name: string, what: unknown, at: number, teller?: Listener) {
    for (const reference of [...listeners.get(name) ?? []]) {
      const listener = reference.deref();
      if (!listener) remove(name, reference);
      else if (listener !== teller && listeners.get(name)?.has(reference)) listener(what, at);
    }
  }

  function remove(name: string, reference: Reference) {
    const named = listeners.get(name);
    named?.delete(reference);
    if (!named?.size) listeners.delete(name);
    if (!listeners.size) close();
  }

  return {
    moment,

    listen(name: string, listener: Listener) {
      const reference = has(globalThis, 'WeakRef') ? new WeakRef(listener) : { deref: () => listener };
      const named = listeners.get(name) ?? new Set();
      listeners.set(name, named.add(reference));
      open();
      return () => remove(name, reference);
    },

    tell(name: string, what: string, teller: Listener) {
      // A channel does not receive its own messages. The sessions here get them asynchronously, as those elsewhere do.
      const at = moment();
      Promise.resolve().then(() => heard(name, what, at, teller));
      caught(() => channel?.postMessage({ name, what, at }));
    },
  };
}
