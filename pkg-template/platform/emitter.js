// Events. Some versions of React Native have neither EventTarget nor Event. For those there is a minimal replacement.
import { onAbort } from '../../src/js/wait.js';

/** @typedef {Pick<EventTarget, 'addEventListener' | 'removeEventListener' | 'dispatchEvent'>} Emitter */

/** @returns {Emitter} */
export function emitter() {
  return typeof EventTarget === 'function' && typeof Event === 'function' ? new EventTarget() : plain();
}

/** @returns {Emitter} */
function plain() {
  /** @type {[string, any, boolean?][]} */
  let all = [];
  return {
    addEventListener(type, listener, options) {
      const { once, signal } = Object(options);
      if (!listener || signal?.aborted || all.some((each) => each[0] === type && each[1] === listener)) return;
      /** @type {typeof all[0]} */
      const added = [type, listener, once];
      all.push(added);
      if (signal) onAbort(signal, () => { all = all.filter((each) => each !== added); });
    },
    removeEventListener(type, listener) {
      all = all.filter((each) => each[0] !== type || each[1] !== listener);
    },
    dispatchEvent(event) {
      for (const each of all.filter(([type]) => type === event.type)) {
        const [type, listener, once] = each;
        if (!all.includes(each)) continue;
        if (once) this.removeEventListener(type, listener);
        try {
          typeof listener === 'function' ? listener(event) : listener.handleEvent(event);
        } catch (thrown) {
          // As in an EventTarget, the error of a listener is reported, and does not stop the other listeners.
          setTimeout(() => { throw thrown; });
        }
      }
      return true;
    },
  };
}
