// The other tabs and workers, which are told what happened and never the token; and what hints that time has passed.

const HINTS = ['pageshow', 'online', 'offline', 'focus'];

/** @type {FinalizationRegistry<BroadcastChannel> | undefined} */
let abandoned;

/**
 * Opens a channel, where there are any. It keeps neither a process nor its listener alive; a function of its own, since a closure made
 * in a session's scope would keep all of that, whatever it names.
 * @param {string} name
 * @param {(what: unknown) => void} heard
 */
export function tune(name, heard) {
  try {
    const listener = new WeakRef(heard);
    abandoned ??= new FinalizationRegistry((channel) => channel.close());
    const channel = /** @type {BroadcastChannel & { unref?: () => void }} */ (new BroadcastChannel(name));
    channel.onmessage = ({ data }) => listener.deref()?.(data);
    channel.unref?.();
    abandoned.register(heard, channel);
    return channel;
  } catch {
    // Missing, or refused: Firefox's throws where cookies are blocked.
    return undefined;
  }
}

/**
 * Listens to every hint there is here, or no longer.
 * @param {boolean} on
 * @param {(hint: { type: string }) => void} hint
 */
export function listening(on, hint) {
  const method = on ? 'addEventListener' : 'removeEventListener';
  for (const type of HINTS) globalThis[method]?.(type, hint);
  globalThis.document?.[method]?.('visibilitychange', hint);
}

/** Tells whether the network is known to be gone. */
export function isOffline() {
  return globalThis.navigator?.onLine === false;
}

/** Returns the Web Locks, where there are any. */
export function webLocks() {
  return globalThis.navigator?.locks;
}
