// The instance of the crate: made by the first call, synchronously, and made anew after a trap.
import { instantiate } from '#core';
import { callbacks, createGlue, exportNames } from '#glue';
import { internalError, unlessForbidden } from './failure.js';
import type { TransakTokenError } from './types/index.js';

type Glue = ReturnType<typeof createGlue>;
export type Core = Omit<Glue, '__wbg_get_imports' | '__wbg_finalize_init'> & { exports: WebAssembly.Exports };

let current: Core | undefined;

/** The rejections of all promises that wait for the instance. */
const waiting = new Set<(reason: unknown) => void>();

/** The functions to call when the instance is given up. */
const resets = new Set<() => void>();

/** Calls back once, when the instance is given up. */
export function onFault(reset: () => void) {
  resets.add(reset);
}

/** Returns the instance, and makes it if there is none. */
export function core(): Core {
  return current ??= begin();
}

/** Calls back with the instance, and returns a promise that a trap rejects rather than leaves pending. */
export function settled<T>(call: (core: Core) => Promise<T>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const promise = call(core());
    waiting.add(reject);
    const end = () => waiting.delete(reject);
    promise.then(end, end);
    promise.then(resolve, reject);
  });
}

/**
 * Gives up an instance that trapped, because its memory cannot be trusted any more. The promises that wait for it reject, with
 * `outcomeUnknown` if a request may have been sent. Returns the error for the caller.
 */
export function fault(): TransakTokenError {
  const error = internalError(waiting.size > 0);
  current = undefined;
  for (const reset of resets) reset();
  for (const reject of waiting) reject(error);
  resets.clear();
  waiting.clear();
  return error;
}

function begin(): Core {
  return unlessForbidden(() => {
    const glue = createGlue(), exports = instantiate(glue.__wbg_get_imports());
    glue.__wbg_finalize_init({ exports: guarded(exports) });
    return { ...glue, exports };
  });
}

/**
 * Wraps exports so that an error from them, which is a trap, ends their instance. A callback throws no error, because the event loop
 * calls it, and no code could catch the error. A call into the wasm may run JavaScript that calls the wasm again. Then only the
 * outermost call reports the trap.
 */
function guarded(exports: WebAssembly.Exports): WebAssembly.Exports {
  let depth = 0, hasTrapped = false;
  const guard = (name: string, call: Function) => (...given: unknown[]) => {
    if (hasTrapped) return 0;
    depth++;
    try {
      return call(...given);
    } catch (thrown) {
      hasTrapped = true;
      // This wipes the instance's tokens. The glue may still read from the memory, and zeros cause no error there.
      new Uint8Array((exports[exportNames.memory] as WebAssembly.Memory).buffer).fill(0);
      if (depth > 1) throw thrown;
      const error = fault();
      if (!callbacks.includes(name)) throw error;
      return 0;
    } finally {
      depth--;
    }
  };
  return Object.fromEntries(Object.entries(exports).map(([name, value]) => [name, typeof value === 'function' ? guard(name, value) : value]));
}
