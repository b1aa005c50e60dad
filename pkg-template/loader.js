// One instance of the wasm at a time: made on the first call, as far as the call needs it, replaced after a fault.
import { createGlue } from '#glue';
import { guard } from '#guard';
import { first, rest } from '#module';
import { failure } from './failure.js';
import { textEncoder } from './text.js';

/** @typedef {ReturnType<typeof begin>} Checker */
/** @typedef {ReturnType<typeof complete>} Core */

/** @type {Checker | undefined} */
let begun;
/** @type {Core | undefined} */
let core;

/**
 * The rejections of all promises that wait for the instance: sessions', since a refresh goes on with the next one.
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
 * @param {() => Promise<T>} call
 * @returns {Promise<T>}
 */
export function settled(call) {
  return new Promise((resolve, reject) => {
    pending.add(reject);
    call().finally(() => pending.delete(reject)).then(resolve, reject);
  });
}

/**
 * Gives up an instance whose wasm threw: what its memory holds is not to be trusted any more.
 * Returns the error for whoever called.
 * @param {boolean} [outcomeUnknown] whether a request may have been carried out for nothing
 */
export function fault(outcomeUnknown = pending.size > 0) {
  const error = failure('ERR_INTERNAL', 'fix', 'a fault of this package: the next call starts afresh', outcomeUnknown);
  begun = core = undefined;
  for (const reject of pending) reject(error);
  pending.clear();
  return error;
}

/**
 * Returns what a call into the wasm comes to. What it throws is a trap, and ends the instance.
 * @template T
 * @param {() => T} call
 */
export function tried(call) {
  try {
    return call();
  } catch {
    throw fault();
  }
}

function begin() {
  const encoder = new (textEncoder())(), glue = createGlue && createGlue();
  const exports = unlessForbidden(() => first(glue ? glue.__wbg_get_imports() : {}, encoder));
  const { memory, check, complain, isSpace } = exports;
  const [tokenAt, tokenLength, timesAt, textsAt, textsLength] = new Uint32Array(memory.buffer, exports.layout(), 5);
  // They are ASCII, and few: to make a decoder takes longer.
  const bytes = /** @type {any} */ (new Uint8Array(memory.buffer, textsAt, textsLength));
  /** @type {any[]} */
  const texts = JSON.parse(String.fromCharCode.apply(null, bytes));
  /** Returns the buffers of the token and of the times, where they are until the memory grows. */
  const buffers = () => ({ tokenRoom: new Uint8Array(memory.buffer, tokenAt, tokenLength), times: new Float64Array(memory.buffer, timesAt, 4) });
  // A UTF-16 code unit takes at most three bytes of a token's buffer.
  return { exports, glue, encoder, check, complain, isSpace, texts, most: tokenLength / 3, buffers, ...buffers() };
}

/**
 * Makes the rest around what a check needs.
 * @param {Checker} checker
 */
function complete(checker) {
  // Told by the constant, so that a bundle without a glue has nothing of this.
  const { exports: { memory }, encoder } = checker, glue = /** @type {NonNullable<typeof checker.glue>} */ (createGlue && checker.glue);
  const unguarded = unlessForbidden(() => rest(checker.exports, createGlue ? glue.__wbg_get_imports() : {}, encoder)), exports = guard(() => fault(true))(unguarded);
  if (createGlue) glue.__wbg_finalize_init({ exports });
  return { ...exports, ...glue, ...checker, memory, unguarded };
}

/**
 * @template T
 * @param {() => T} make
 */
function unlessForbidden(make) {
  try {
    return make();
  } catch {
    throw failure('ERR_WASM_UNAVAILABLE', 'fix', "WebAssembly is missing or forbidden here: allow 'wasm-unsafe-eval' in script-src, or import transak-user-token/js");
  }
}
