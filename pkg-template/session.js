// The class that users see. What it holds stands outside it, where no console and no JSON shows it.
import { ACCESS, REFRESH, drive } from './driver.js';

/** @import { RefreshedToken, SessionOptions } from './index.js' */
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
    const isStored = token === STORED;
    drivers.set(this, drive(this, isStored ? null : token ?? undefined, options, isStored));
    // Where it exists by now: a polyfill may have come later than this module.
    const { dispose } = /** @type {{ dispose?: symbol }} */ (Symbol);
    if (dispose && !(dispose in this)) {
      const { prototype } = TokenSession;
      // A frozen class takes no new method.
      Object.defineProperty(Object.isExtensible(prototype) ? prototype : this, dispose, { value: end, configurable: true, writable: true });
    }
  }

  /** @param {SessionOptions} options */
  static async open(options) {
    const session = new TokenSession(STORED, options);
    if (await of(session).open().catch((thrown) => {
      end.call(session);
      throw thrown;
    })) return session;
    end.call(session);
    return null;
  }

  /** @param {{ signal?: AbortSignal }} [options] */
  accessToken(options) {
    return of(this).answer(ACCESS, options);
  }

  status() {
    return of(this).status();
  }

  /** @param {{ signal?: AbortSignal }} [options] */
  refresh(options) {
    return of(this).answer(REFRESH, options);
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
