/**
 * What a session's driver does next, and what it needs to know: one object for each call into the wasm.
 * @typedef {{
 *   step: string, ticket: number, generation: number, wakeInMs: number | undefined, skewMs: number | undefined, ttlMs: number,
 *   isStored: boolean, events: string[] | undefined, error: unknown,
 * }} Turn
 */

/**
 * @param {string} step
 * @param {number} ticket
 * @param {number} generation
 * @param {number | undefined} wakeInMs
 * @param {number | undefined} skewMs
 * @param {number} ttlMs
 * @param {boolean} isStored
 * @param {string[] | undefined} events
 * @param {unknown} error
 * @returns {Turn}
 */
export function turn(step, ticket, generation, wakeInMs, skewMs, ttlMs, isStored, events, error) {
  return { step, ticket, generation, wakeInMs, skewMs, ttlMs, isStored, events, error };
}
