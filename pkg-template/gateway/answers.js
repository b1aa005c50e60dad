/**
 * What comes in and what goes out, as data, and the answers that the calls share.
 *
 * @typedef {object} Incoming
 * @property {string} method
 * @property {string} path
 * @property {Record<string, string>} headers
 * @property {AbortSignal} signal aborts when the client leaves
 * @property {() => Promise<string | null>} text the body; null if it is over the limit
 *
 * @typedef {object} Answer
 * @property {number} status
 * @property {Record<string, string>} headers
 * @property {string | null} body
 * @property {boolean} [cut] whether the connection breaks in the middle of the body
 *
 * @typedef {Answer | 'drop'} Outcome
 * @typedef {Record<string, unknown>} Claims
 */

/** @type {(status: number, value: unknown) => Answer} */
export function json(status, value) {
  return { status, headers: { 'content-type': 'application/json; charset=utf-8' }, body: JSON.stringify(value) }
}

/** @type {(statusCode: number, message: string, errorCode?: number | string) => Answer} */
export function refusal(statusCode, message, errorCode) {
  return json(statusCode, { error: { statusCode, message, errorCode } })
}

/** @type {(status: number, text: string) => Answer} */
export function page(status, text) {
  const body = `<!doctype html><title>${text}</title><h1>${text}</h1>`
  return { status, headers: { 'content-type': 'text/html; charset=utf-8' }, body }
}

/** @type {(field: string) => Answer} */
export function invalid(field) {
  return refusal(400, `Validation failed: ${field}`, 9001)
}

/** @type {(allow: string) => Answer} */
export function wrongMethod(allow) {
  const error = refusal(405, 'Method not allowed')
  return { ...error, headers: { ...error.headers, allow } }
}

/** @type {(body: string | null) => string} */
export function firstHalf(body) {
  return body === null ? '' : body.slice(0, body.length / 2)
}
