/**
 * The CORS protocol of the gateway (Fetch, section 3.2).
 *
 * @import { Answer } from './answers.js'
 */
import { refusal } from './answers.js'

/** @param {string[] | 'any'} allowedOrigins */
export function createCors(allowedOrigins) {
  checkOrigins(allowedOrigins)
  return {
    /** @type {(origin: string | undefined) => Record<string, string>} */
    headers(origin) {
      if (allowedOrigins.length === 0) return {}
      if (!isAllowed(origin)) return { vary: 'origin' }
      const exposed = 'trace-id, retry-after'
      return { vary: 'origin', 'access-control-allow-origin': origin, 'access-control-expose-headers': exposed }
    },

    /** @type {(origin: string | undefined) => Answer} */
    preflight(origin) {
      if (!isAllowed(origin)) return refusal(403, 'Origin not allowed')
      const headers = {
        'access-control-allow-methods': 'GET, POST, OPTIONS',
        'access-control-allow-headers': 'authorization, x-api-key, x-user-ip, content-type',
        'access-control-max-age': '600',
      }
      return { status: 204, headers, body: null }
    },
  }

  /** @type {(origin: string | undefined) => origin is string} */
  function isAllowed(origin) {
    return origin !== undefined && (allowedOrigins === 'any' || allowedOrigins.includes(origin))
  }
}

/** @type {(origins: string[] | 'any') => void} */
function checkOrigins(origins) {
  if (origins === 'any') return
  if (Array.isArray(origins) && origins.every((origin) => /^[a-z][a-z0-9+.-]*:\/\/[^/*\s]+$/.test(origin))) return
  throw new TypeError("allowedOrigins takes exact origins such as 'http://localhost:5173', or 'any' in place of the list")
}
