/**
 * A login by one-time password: the first call sends the password, the second one exchanges it for a token.
 *
 * @import { Gateway } from '../types/gateway.js'
 * @import { Answer, Claims } from './answers.js'
 */
import { invalid, json, refusal } from './answers.js'
import { randomUuid } from './crypto.js'

const LOGIN_LIFETIME_S = 600

/** @param {{ otp: string, log?: (line: string) => void, gateway: () => Gateway }} given */
export function createLogins({ otp, log, gateway }) {
  /** @type {Map<string, { email: string, expiresAt: number }>} */
  const pending = new Map()
  return {
    /** @type {(body: Claims) => Promise<Answer>} */
    async login({ apiKey, email }) {
      if (!isText(apiKey)) return invalid('apiKey')
      if (!isText(email) || email.length > 254 || !/^[^\s@]+@[^\s@]+$/.test(email)) return invalid('email')
      const stateToken = await randomUuid()
      const now = gateway().now()
      for (const [token, { expiresAt }] of pending) if (expiresAt <= now) pending.delete(token)
      pending.set(stateToken, { email, expiresAt: now + LOGIN_LIFETIME_S * 1000 })
      log?.(`OTP for the login: ${otp}`)
      return json(200, { data: { isTncAccepted: true, stateToken, email, expiresIn: LOGIN_LIFETIME_S } })
    },

    /** @type {(body: Claims) => Promise<Answer>} */
    async verify({ apiKey, email, otp: given, stateToken }) {
      if (!isText(apiKey)) return invalid('apiKey')
      if (!isText(email)) return invalid('email')
      if (!isText(given)) return invalid('otp')
      if (!isText(stateToken)) return invalid('stateToken')
      const { lifetimeMs, now, issue } = gateway()
      const login = pending.get(stateToken)
      if (login?.email !== email || login.expiresAt <= now()) return refusal(400, 'Invalid state token', 9003)
      if (given !== otp) return refusal(400, 'Invalid OTP', 9002)
      pending.delete(stateToken)
      const data = { ttl: lifetimeMs / 1000, created: new Date(now()).toISOString() }
      return json(200, { data: { accessToken: await issue({ sub: email }), ...data } })
    },
  }
}

/** @type {(value: unknown) => value is string} */
function isText(value) {
  return typeof value === 'string' && value !== ''
}
