// What a session's listeners are told.

/**
 * Returns an event that says it is a session's.
 * @param {string} type
 * @param {object} session
 * @param {unknown} detail
 */
export function eventOf(type, session, detail) {
  const event = typeof Event === 'function' ? new Event(type) : /** @type {Event} */ ({ type });
  return Object.defineProperties(event, { detail: { value: detail }, target: { value: session }, currentTarget: { value: session } });
}
