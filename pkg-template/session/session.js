// The class that users see. What it holds stands outside it, where no console and no JSON shows it.
import { define, read } from '../../src/js/foreign.js';
import { unlessAborted } from '../../src/js/wait.js';
import { drive } from './driver.js';

/** @import { RefreshedToken, SessionOptions } from '../types/index.js' */
/** @import { Driver } from './driver.js' */

/** @type {WeakMap<object, Driver>} */
const drivers = new WeakMap();

/** In place of a token: it is in the store. */
const STORED = {};

/** @returns {Driver} */
const of = (/** @type {object} */ session) => /** @type {Driver} */ (drivers.get(session));

export class TokenSession {
  /**
   * @param {unknown} token
   * @param {SessionOptions} options
   */
  constructor(token, options) {
    const isStored = token === STORED, driver = drive(this, isStored ? null : token ?? null, options, isStored);
    drivers.set(this, driver);
    // Bound, as React's `useSyncExternalStore` takes them.
    this.subscribe = driver.subscribe;
    this.snapshot = driver.snapshot;
    // Where it exists by now: a polyfill may have come later than this module.
    const { dispose } = /** @type {{ dispose?: symbol }} */ (Symbol);
    if (dispose && !(dispose in this)) {
      const { prototype } = TokenSession;
      // A frozen class takes no new method.
      define(Object.isExtensible(prototype) ? prototype : this, dispose, end, false);
    }
  }

  /** @param {SessionOptions & { signal?: AbortSignal }} options */
  static async open(options) {
    return begun(new TokenSession(STORED, options), (session) => unlessAborted(of(session).open(), read(options, 'signal')));
  }

  /**
   * @param {unknown} token
   * @param {SessionOptions} options
   */
  static async login(token, options) {
    return begun(new TokenSession(null, options), (session) => session.replace(token));
  }

  /** @param {{ signal?: AbortSignal }} [options] */
  accessToken(options) {
    return of(this).answer(false, options);
  }

  status() {
    return of(this).status();
  }

  /** @param {{ signal?: AbortSignal }} [options] */
  refresh(options) {
    return of(this).answer(true, options);
  }

  /** @param {unknown} token */
  replace(token) {
    return of(this).replace(token);
  }

  clear() {
    const cleared = of(this).clear();
    // Nobody has to wait for it: a store that fails is told by an event, and ends no process.
    cleared.catch(() => {});
    return cleared;
  }

  start() {
    of(this).setRunning(true);
  }

  stop() {
    of(this).setRunning(false);
  }

  dispose() {
    of(this).dispose();
  }

  /** @param {Parameters<EventTarget['addEventListener']>} given */
  addEventListener(...given) {
    of(this).events.addEventListener(...given);
  }

  /** @param {Parameters<EventTarget['removeEventListener']>} given */
  removeEventListener(...given) {
    of(this).events.removeEventListener(...given);
  }
}

/** @this {TokenSession} */
function end() {
  of(this).dispose();
}

/**
 * Resolves with a session once it has begun, and disposes of it if it cannot.
 * @param {TokenSession} session
 * @param {(session: TokenSession) => Promise<unknown>} begin
 */
async function begun(session, begin) {
  try {
    await begin(session);
    return session;
  } catch (thrown) {
    session.dispose();
    throw thrown;
  }
}
