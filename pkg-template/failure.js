// The errors that no rule decides on.
import { TransakTokenError } from '../src/js/error.js';

/**
 * @param {string} code
 * @param {string} action
 * @param {string} message
 * @param {boolean} [outcomeUnknown]
 */
export function failure(code, action, message, outcomeUnknown = false) {
  return new TransakTokenError(message, { code, action, attempts: 0, outcomeUnknown });
}
