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
  if (laidOut?.core === core && laidOut.textRoom.length) return laidOut;
  return laidOut = layOut(core);
}

/**
 * Looks where things are.
 * @param {import('./loader.js').Core} core
 */
function layOut(core) {
  const { memory: { buffer } } = core, places = new Uint32Array(buffer, core.desk(), 12);
  const [textRoom, bodyRoom, failure, sessionRoom, kinds] = [0, 2, 4, 6, 8].map((at) => new Uint8Array(buffer, places[at], places[at + 1]));
  return {
    ...core, ...core.buffers(), core, textRoom, bodyRoom, failure, sessionRoom, kinds,
    decoder: new (textDecoder())(),
    bytes: new Uint8Array(buffer),
    numbers: new Float64Array(buffer, places[10], 32),
    words: new Uint32Array(buffer, places[11], 30),
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
export function lay({ encoder, textRoom }, ...texts) {
  const lengths = [];
  let at = 0;
  for (const each of texts) {
    let length = NONE;
    if (typeof each === 'string') {
      const { read, written } = encoder.encodeInto(each, at ? textRoom.subarray(at) : textRoom);
      if (read === each.length) at += length = written;
    }
    lengths.push(length);
  }
  return lengths;
}

/**
 * Returns the words that were left. They are ASCII.
 * @param {Core} core
 * @param {number} count
 */
export function words({ decoder, bytes, words }, count) {
  const said = [];
  for (let at = 0; at < 2 * count; at += 2) said.push(decoder.decode(bytes.subarray(words[at], words[at] + words[at + 1])));
  return said;
}

/**
 * Returns the failure that was left as the error that it is here.
 * @param {Core} core
 * @param {{ endpoint: string, hints: string[] }} [asked] the server, and what to tell if it refuses the token or the caller
 */
export function errorOf(core, asked) {
  core.explain();
  const [option, detail, errorCode, traceId, name, beneath] = words(core, 6), { numbers } = core;
  kinds ??= /** @type {NonNullable<typeof kinds>} */ (JSON.parse(core.decoder.decode(core.kinds)));
  const { 0: codeAt, 1: kindAt, 2: status, 3: retryAfterMs, 4: attempts, 5: outcomeUnknown, 6: hintAt, 7: causeAt } = numbers;
  const [code] = kinds[codeAt], [reason, action, about] = kinds[kindAt], said = [option + (hintAt && asked ? asked.hints[hintAt - 1] : detail)];
  // After a request. In the words of src/refresh.rs.
  if (attempts && asked) said.push(asked.endpoint.split('/', 3).join('/') + (status > 0 ? ` answered ${status}` : ' was asked'));
  const more = said.filter(Boolean).join('; ');
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
