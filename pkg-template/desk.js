// Texts and numbers between here and the wasm, in the places that src/js/desk.rs has for them.
import { TransakTokenError } from '../src/js/error.js';
import { instance } from './loader.js';
import { textDecoder } from './text.js';

/** @typedef {ReturnType<typeof layOut>} Core */

/** @type {Core | undefined} */
let laidOut;

/**
 * What a failure can be, the same in every instance.
 * @type {[name: string, action: string, about: string][] | undefined}
 */
let kinds;

/** Returns the whole instance, and what is on its desk: where that is now, since the route's memory may grow and move. */
export function desk() {
  const core = instance();
  if (laidOut?.core === core && laidOut.text.length) return laidOut;
  return laidOut = layOut(core);
}

/**
 * Looks where things are.
 * @param {import('./loader.js').Core} core
 */
function layOut(core) {
  const { memory: { buffer } } = core;
  const [textAt, textLength, bodyAt, bodyLength, numbersAt, wordsAt, failureAt, failureLength, sessionAt, sessionLength, kindsAt, kindsLength] =
    new Uint32Array(buffer, core.desk(), 12);
  return {
    ...core, ...core.buffers(), core, wordsAt, kindsAt, kindsLength,
    decoder: new (textDecoder())(),
    text: new Uint8Array(buffer, textAt, textLength),
    body: new Uint8Array(buffer, bodyAt, bodyLength),
    numbers: new Float64Array(buffer, numbersAt, 32),
    failure: new Uint8Array(buffer, failureAt, failureLength),
    session: new Uint8Array(buffer, sessionAt, sessionLength),
    /** Which session lies there. @type {Uint8Array | undefined} */
    laid: undefined,
  };
}

/** The length of a text that is not there, or does not fit. */
export const NONE = -1;

/**
 * Lays texts one behind the other, and returns their lengths there.
 * @param {Core} core
 * @param {unknown[]} texts
 */
export function lay({ encoder, text }, ...texts) {
  let at = 0;
  return texts.map((each) => {
    if (typeof each !== 'string') return NONE;
    const { read, written } = encoder.encodeInto(each, at ? text.subarray(at) : text);
    if (read < each.length) return NONE;
    at += written;
    return written;
  });
}

/**
 * Returns the words that were left. They are ASCII.
 * @param {Core} core
 * @param {number} count
 */
export function words({ memory, decoder, wordsAt }, count) {
  const places = new Uint32Array(memory.buffer, wordsAt, 2 * count);
  return Array.from({ length: count }, (_, at) => decoder.decode(new Uint8Array(memory.buffer, places[2 * at], places[2 * at + 1])));
}

/**
 * Returns the failure that was left as the error that it is here.
 * @param {Core} core
 * @param {string} [hint] what to tell whose token was refused
 */
export function errorOf(core, hint) {
  core.explain();
  const [option, detail, errorCode, traceId, name, beneath] = words(core, 6), { numbers, memory, kindsAt, kindsLength } = core;
  kinds ??= /** @type {NonNullable<typeof kinds>} */ (JSON.parse(String.fromCharCode(...new Uint8Array(memory.buffer, kindsAt, kindsLength))));
  const { 0: codeAt, 1: kindAt, 2: status, 3: retryAfterMs, 4: attempts, 5: outcomeUnknown, 6: takesHint, 7: causeAt } = numbers;
  const [code] = kinds[codeAt], [reason, action, about] = kinds[kindAt], more = option + (takesHint ? hint : detail);
  return new TransakTokenError(about + (more && ': ') + more, {
    code, action, ...kindAt !== codeAt && { reason }, ...errorCode && { errorCode }, ...traceId && { traceId },
    ...!Number.isNaN(status) && { status }, ...!Number.isNaN(retryAfterMs) && { retryAfterMs },
    attempts, outcomeUnknown: !!outcomeUnknown,
    ...!Number.isNaN(causeAt) && { cause: kinds[causeAt] ? { name: TransakTokenError.prototype.name, code: kinds[causeAt][0] } : { ...name && { name }, ...beneath && { code: beneath } } },
  });
}

/**
 * Returns the times that a check leaves.
 * @param {Core} core
 */
export function times({ times }) {
  const { 0: issuedAt, 1: refreshAt, 2: expiresAt } = times;
  return { issuedAt: Number.isNaN(issuedAt) ? null : issuedAt, refreshAt, expiresAt };
}
