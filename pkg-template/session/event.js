// What a session's listeners are told.
import { define } from '../../src/js/foreign.js';

/**
 * Returns an event that says it is a session's.
 * @param {string} type
 * @param {object} session
 * @param {unknown} detail
 */
export function eventOf(type, session, detail) {
  const event = typeof Event === 'function' ? new Event(type) : /** @type {Event} */ ({ type });
  for (const [name, value] of [['detail', detail], ['target', session], ['currentTarget', session]]) define(event, /** @type {string} */ (name), value, true);
  return event;
}
