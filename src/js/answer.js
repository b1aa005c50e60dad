// What a route answers, as plain objects: each made by one call, and of one shape; and its share of chance.
import { caught } from './foreign.js';

/**
 * Returns an answer like another one but for its body. Field by field, which is faster than spread.
 * @param {import('#glue').Reply} like
 * @param {string} [body]
 * @returns {import('#glue').Reply}
 */
export function answered({ status, headers, outcome, code, reason }, body) {
  return { status, headers, body, outcome, code, reason };
}

/**
 * Returns a ticket, whether its request is to be sent, for which address: the socket's as the host wrote it, or another
 * one, or none; and whether its token was accepted before.
 * @param {number} ticket
 * @param {boolean} isFirst
 * @param {boolean} isRemote
 * @param {boolean} isAccepted
 * @param {string} [address]
 */
export function ticketed(ticket, isFirst, isRemote, isAccepted, address) {
  return { ticket, isFirst, isRemote, isAccepted, address };
}

/**
 * A limit for a limiter of the user's own.
 * @param {string} name
 * @param {number} max
 * @param {number} windowMs
 * @param {0 | 1} cost
 * @param {boolean} isOfAddress
 */
export function quota(name, max, windowMs, cost, isOfAddress) {
  return { name, max, windowMs, cost, isOfAddress };
}

/** Where randomness comes from if the platform has no global `crypto`. @type {Pick<Crypto, 'getRandomValues'> | undefined} */
let source;

/** Makes another source known. @param {NonNullable<typeof source>} other */
export function seedFrom(other) {
  source = other;
}

/** Returns sixteen random bytes; none at all if there is no source of them, which ends the call. */
export function random() {
  return (caught(() => globalThis.crypto) ?? source)?.getRandomValues(new Uint8Array(16)) ?? new Uint8Array(0);
}
