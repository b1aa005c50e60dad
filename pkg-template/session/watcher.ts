// The snapshot for a user interface, and its listeners. The snapshot is the same object until something changes. Then the listeners are
// called.
import { failure } from '../failure.js';
import type { SessionSnapshot, SessionStatus } from '../types/index.js';

export type Watcher = ReturnType<typeof watcher>;

/** The longest time between two looks at the clock, in milliseconds: `setTimeout` overflows at 24.8 days. */
const MAX_CHUNK_MS = 3_600_000;

/**
 * Watches a session.
 * @param current what the session is now
 * @param isToBeTold whether the listeners have to be called now
 * @param passed is called when time has passed that may change the state
 */
export function watcher(
  current: () => SessionStatus & { stored: boolean }, clockToleranceMs: number, isToBeTold: () => boolean, passed: () => void,
) {
  const listeners = new Set<() => void>();
  let latest: SessionSnapshot | undefined, told: SessionSnapshot | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function snapshot(): SessionSnapshot {
    const now = current(), { state, action, refused, stored } = now;
    const times = now.state === 'invalid'
      ? { reason: now.reason, issuedAt: null, refreshAt: null, expiresAt: null }
      : { issuedAt: now.issuedAt, refreshAt: now.refreshAt, expiresAt: now.expiresAt };
    const fresh = { state, action, ...times, refused, stored } as SessionSnapshot;
    return latest && isSame(latest, fresh) ? latest : latest = Object.freeze(fresh);
  }

  function subscribe(listener: () => void): () => void {
    if (typeof listener !== 'function') throw failure('ERR_INVALID_OPTION', 'fix', 'the listener must be a function');
    // Each call makes a function of its own, because one listener may subscribe twice.
    const told = () => listener();
    if (!listeners.size) remember();
    listeners.add(told);
    wait();
    return () => {
      listeners.delete(told);
      if (!listeners.size) clearTimeout(timer);
    };
  }

  function remember() {
    told = snapshot();
  }

  /** Tells the listeners if the snapshot has changed. */
  function look() {
    if (!listeners.size || !isToBeTold() || snapshot() === told) return;
    remember();
    wait();
    // A listener that is added meanwhile is not called: otherwise one that subscribes anew each time would be called for ever.
    for (const listener of [...listeners]) {
      if (!listeners.has(listener)) continue;
      try {
        listener();
      } catch (thrown) {
        // As in an EventTarget, the error of a listener is reported, and does not stop the other listeners.
        setTimeout(() => { throw thrown; });
      }
    }
  }

  /** Waits for the next change of state. */
  function wait() {
    clearTimeout(timer);
    const { state, refreshAt, expiresAt } = snapshot(), now = Date.now() + (current().clockSkewMs ?? 0);
    const next = state === 'fresh' ? refreshAt : state === 'expiring' ? expiresAt! + clockToleranceMs : null;
    if (next === null || !listeners.size) return;
    timer = setTimeout(() => {
      passed();
      look();
      wait();
    }, Math.min(Math.max(next - now, 1), MAX_CHUNK_MS));
    (timer as { unref?: () => void }).unref?.();
  }

  return {
    snapshot, subscribe, look,
    end() {
      listeners.clear();
      clearTimeout(timer);
    },
  };
}

function isSame(one: SessionSnapshot, other: SessionSnapshot): boolean {
  const names = Object.keys({ ...one, ...other }) as (keyof SessionSnapshot)[];
  return names.every((name) => one[name] === other[name]);
}
