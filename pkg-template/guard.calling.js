// What stands around a wasm that calls JavaScript, which may call it again.

/**
 * Returns what wraps an instance's exports so that whatever they throw, which is a trap, ends the instance. The glue
 * enters by those whose names begin with `$`: it has nobody to throw to, and must not enter again.
 * @param {() => unknown} fault ends it, and returns what to throw
 */
export function guard(fault) {
  let depth = 0, failed = false;
  /** @type {(name: string, value: Function) => Function} */
  const guarding = (name, value) => (/** @type {unknown[]} */ ...args) => {
    if (failed) return 0;
    depth++;
    try {
      const result = value(...args);
      depth--;
      return result;
    } catch (thrown) {
      failed = true;
      if (--depth) throw thrown;
      const error = fault();
      if (name[0] === '$') return 0;
      throw error;
    }
  };
  /** @type {<T extends {}>(exports: T) => T} */
  return (exports) => {
    /** @type {any} */
    const wrapped = {};
    for (const [name, value] of Object.entries(exports)) wrapped[name] = typeof value === 'function' ? guarding(name, value) : value;
    return wrapped;
  };
}
