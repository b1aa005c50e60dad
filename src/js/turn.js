/**
 * The next step of a session's driver, and the data that it needs: one object for each call into the wasm. The times are null if there
 * is no token. `issuedAt` is also null if the token does not have it.
 * @typedef {{
 *   step: string, ticket: number, error: unknown, events: string[] | undefined, generation: number, wakeInMs: number | undefined,
 *   ttlMs: number, isStored: boolean, times: { issuedAt: number | null, refreshAt: number | null, expiresAt: number | null },
 * }} Turn
 */

/**
 * @param {string} step
 * @param {number} ticket
 * @param {unknown} error
 * @param {string[] | undefined} events
 * @param {number} generation
 * @param {number | undefined} wakeInMs
 * @param {number} ttlMs
 * @param {boolean} isStored
 * @param {number | undefined} issuedAt
 * @param {number | undefined} refreshAt
 * @param {number | undefined} expiresAt
 * @returns {Turn}
 */
export function turn(step, ticket, error, events, generation, wakeInMs, ttlMs, isStored, issuedAt, refreshAt, expiresAt) {
  const times = { issuedAt: issuedAt ?? null, refreshAt: refreshAt ?? null, expiresAt: expiresAt ?? null };
  return { step, ticket, error, events, generation, wakeInMs, ttlMs, isStored, times };
}
