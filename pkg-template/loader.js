// One instance of the wasm at a time: made on the first call, replaced after a fault.
import { createGlue } from '#glue';
import { compile, instantiate, isCurrent } from '#module';
import { TransakTokenError } from '../src/js/error.js';
import { textEncoder } from './text.js';

/** @import { Verdict } from '#glue' */
/** @typedef {ReturnType<typeof start>} Core */

/** @type {Core | undefined} */
let core;
/** @type {WebAssembly.Module | undefined} */
let module;

/**
 * The rejections of all promises that wait for the instance.
 * @type {Set<(reason: unknown) => void>}
 */
const pending = new Set();

/** Returns the instance, making it where there is none. */
export function instance() {
  return core ??= start();
}

/**
 * Returns what an asynchronous call comes to. Should the instance fail meanwhile, the promise is rejected
 * rather than left pending.
 * @template T
 * @param {(core: Core) => Promise<T>} call
 * @returns {Promise<T>}
 */
export function settled(call) {
  return new Promise((resolve, reject) => {
    pending.add(reject);
    const done = () => pending.delete(reject);
    try {
      call(instance()).finally(done).then(resolve, reject);
    } catch (thrown) {
      done();
      reject(thrown);
    }
  });
}

/**
 * Gives up an instance whose wasm threw: what its memory holds is not to be trusted any more.
 * Returns the error for whoever called.
 */
export function fault() {
  const error = new TransakTokenError('a fault of this package: the next call starts afresh', {
    code: 'ERR_INTERNAL', action: 'fix', attempts: 0, outcomeUnknown: pending.size > 0,
  });
  core = undefined;
  for (const reject of pending) reject(error);
  pending.clear();
  return error;
}

function start() {
  const glue = createGlue();
  const compiled = module ??= unlessForbidden(compile);
  const exports = unlessForbidden(() => instantiate(compiled, glue.__wbg_get_imports()));
  glue.__wbg_finalize_init({ exports: guarded(exports) }, compiled);
  const memory = /** @type {WebAssembly.Memory} */ (exports.memory);
  const [tokenAt, tokenLength, timesAt, textsAt, textsLength] = new Uint32Array(memory.buffer, glue.layout(), 5);
  const texts = String.fromCharCode(...new Uint8Array(memory.buffer, textsAt, textsLength)).split('\n');
  return {
    ...glue,
    check: /** @type {(length: number, now: number, refreshWindowMs: number, clockToleranceMs: number) => number} */ (exports.check),
    encoder: new (textEncoder())(),
    texts,
    verdicts: texts.map((line) => {
      const [state, action, reason] = line.split(' ');
      return /** @type {Verdict} */ ({ state, action, reason });
    }),
    token: new Uint8Array(0),
    times: new Float64Array(0),
    /** Looks at the buffers again where the memory has grown and moved. */
    look() {
      if (isCurrent(this.token, memory)) return this;
      this.token = new Uint8Array(memory.buffer, tokenAt, tokenLength);
      this.times = new Float64Array(memory.buffer, timesAt, 4);
      return this;
    },
  };
}

/**
 * @template T
 * @param {() => T} make
 */
function unlessForbidden(make) {
  try {
    return make();
  } catch {
    throw new TransakTokenError(
      "WebAssembly is missing or forbidden here: allow 'wasm-unsafe-eval' in script-src, or import transak-user-token/js",
      { code: 'ERR_WASM_UNAVAILABLE', action: 'fix', attempts: 0, outcomeUnknown: false },
    );
  }
}

/**
 * Wraps an instance's exports so that whatever they throw, which is a trap, ends the instance. Promise
 * reactions and timers enter by those whose names begin with `$`: they have nobody to throw to, and must not
 * enter again.
 * @param {WebAssembly.Exports} exports
 */
function guarded(exports) {
  let depth = 0, failed = false;
  /** @type {Record<string, any>} */
  const wrapped = {};
  for (const [name, value] of Object.entries(exports)) {
    wrapped[name] = typeof value !== 'function' ? value : (/** @type {unknown[]} */ ...args) => {
      if (failed) return 0;
      depth++;
      try {
        return value(...args);
      } catch (thrown) {
        failed = true;
        if (depth > 1) throw thrown;
        const error = fault();
        if (name[0] === '$') return 0;
        throw error;
      } finally {
        depth--;
      }
    };
  }
  return wrapped;
}
