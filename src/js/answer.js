// The answers of a route, as plain objects. One call makes each, and all have one shape. Also the source of randomness.
import { caught } from './foreign.js';

/**
 * Returns a copy of an answer with another body. It copies field by field, which is faster than spread.
 * @param {import('#glue').Reply} like
 * @param {string} [body]
 * @returns {import('#glue').Reply}
 */
export function answered({ status, headers, outcome, code, reason }, body) {
  return { status, headers, body, outcome, code, reason };
}

/**
 * Returns the end user's address of a request that goes on. `address` is undefined if the address is not known.
 * @param {string} [address]
 */
export function admitted(address) {
  return { address };
}

/**
 * Returns a ticket: whether its request has to be sent, and whether its token was accepted before.
 * @param {number} ticket
 * @param {boolean} isFirst
 * @param {boolean} isAccepted
 */
export function ticketed(ticket, isFirst, isAccepted) {
  return { ticket, isFirst, isAccepted };
}

/**
 * Returns a limit for the option `limiter`.
 * @param {string} name
 * @param {number} max
 * @param {number} windowMs
 * @param {0 | 1} cost
 * @param {boolean} isOfAddress
 */
export function quota(name, max, windowMs, cost, isOfAddress) {
  return { name, max, windowMs, cost, isOfAddress };
}

/** The source of randomness if the platform has no global `crypto`. @type {Pick<Crypto, 'getRandomValues'> | undefined} */
let source;

/** Sets the source of randomness. @param {NonNullable<typeof source>} other */
export function seedFrom(other) {
  source = other;
}

/** Returns sixteen random bytes, or an empty array if there is no source of randomness. That ends the call. */
export function random() {
  return (caught(() => globalThis.crypto) ?? source)?.getRandomValues(new Uint8Array(16)) ?? new Uint8Array(0);
}
