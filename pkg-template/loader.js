// One instance of the wasm at a time: made on the first call, as far as the call needs it, replaced after a fault.
import { createGlue } from '#glue';
import { first, isCurrent, rest } from '#module';
import { TransakTokenError } from '../src/js/error.js';
import { textEncoder } from './text.js';

/** @typedef {ReturnType<typeof begin>} Checker */
/** @typedef {ReturnType<typeof complete>} Core */

/** @type {Checker | undefined} */
let begun;
/** @type {Core | undefined} */
let core;

/**
 * The rejections of all promises that wait for the instance.
 * @type {Set<(reason: unknown) => void>}
 */
const pending = new Set();

/** Returns what a check needs of the instance, making it where there is none. */
export function checker() {
  return begun ??= begin();
}

/** Returns the whole instance. */
export function instance() {
  return core ??= complete(checker());
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
    const failed = (/** @type {unknown} */ thrown) => {
      pending.delete(reject);
      reject(thrown);
    };
    try {
      call(instance()).then((value) => {
        pending.delete(reject);
        resolve(value);
      }, failed);
    } catch (thrown) {
      failed(thrown);
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
  begun = core = undefined;
  for (const reject of pending) reject(error);
  pending.clear();
  return error;
}

function begin() {
  /** @type {ReturnType<typeof createGlue> | undefined} */
  let made;
  const glue = () => made ??= createGlue(), encoder = new (textEncoder())();
  const exports = unlessForbidden(() => first(() => glue().__wbg_get_imports(), encoder));
  const { memory, check } = exports, guarded = guard(), { complain, isSpace } = guarded({ complain: exports.complain, isSpace: exports.isSpace });
  const [tokenAt, tokenLength, timesAt, textsAt, textsLength] = new Uint32Array(memory.buffer, exports.layout(), 5);
  /** @type {any[]} */
  const texts = JSON.parse(String.fromCharCode(...new Uint8Array(memory.buffer, textsAt, textsLength)));
  return {
    exports, guarded, glue, encoder, check, complain, isSpace, texts,
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
 * Makes the rest around what a check needs.
 * @param {Checker} checker
 */
function complete(checker) {
  const glue = checker.glue(), { exports: { memory }, encoder } = checker;
  const unguarded = unlessForbidden(() => rest(checker.exports, glue.__wbg_get_imports(), encoder)), exports = checker.guarded(unguarded);
  glue.__wbg_finalize_init({ exports });
  const core = { ...exports, ...glue, ...checker, memory, unguarded };
  core.look();
  return core;
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
 * Returns what wraps an instance's exports so that whatever they throw, which is a trap, ends the instance. Promise
 * reactions and timers enter by those whose names begin with `$`: they have nobody to throw to, and must not
 * enter again.
 */
function guard() {
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
