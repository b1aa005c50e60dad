// What stands around a wasm that calls nothing of JavaScript's.

/**
 * Returns what wraps an instance's exports so that whatever they throw, which is a trap, ends the instance. What is no
 * function among them is not asked for here.
 * @param {() => unknown} fault ends it, and returns what to throw
 */
export function guard(fault) {
  /** @type {<T extends {}>(exports: T) => T} */
  return (exports) => {
    /** @type {any} */
    const wrapped = {};
    for (const [name, value] of Object.entries(exports)) {
      wrapped[name] = (/** @type {unknown[]} */ ...args) => {
        try {
          return value(...args);
        } catch {
          throw fault();
        }
      };
    }
    return wrapped;
  };
}
