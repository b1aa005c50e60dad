// A session's status as a plain object. One call makes it, because a page may need it each time that it renders.

/**
 * Returns the status of a session that has a token.
 * @param {string} state
 * @param {string} action
 * @param {number | undefined} issuedAt
 * @param {number} refreshAt
 * @param {number} expiresAt
 * @param {number} expiresInMs
 * @param {number | undefined} clockSkewMs
 * @param {boolean} refused
 */
export function heldStatus(state, action, issuedAt, refreshAt, expiresAt, expiresInMs, clockSkewMs, refused) {
  return { state, action, issuedAt: issuedAt ?? null, refreshAt, expiresAt, expiresInMs, clockSkewMs: clockSkewMs ?? null, refused };
}

/**
 * Returns the status of a session without a token.
 * @param {string} action
 * @param {string} reason
 * @param {number | undefined} clockSkewMs
 * @param {boolean} refused
 */
export function emptyStatus(action, reason, clockSkewMs, refused) {
  return { state: 'invalid', action, reason, clockSkewMs: clockSkewMs ?? null, refused };
}
