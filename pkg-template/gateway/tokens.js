/**
 * The gateway's tokens: JWTs (RFC 7519) that it signs with a key of its own.
 *
 * @import { Gateway } from '../types/gateway.js'
 * @import { Claims } from './answers.js'
 * @import { WrongToken } from './faults.js'
 */
import { hmacSha256, randomKey, randomUuid } from './crypto.js'
import { fromBase64Url, toBase64Url, utf8 } from './encoding.js'

/** @param {() => Pick<Gateway, 'lifetimeMs' | 'now'>} settings they may be changed at any time */
export function createTokens(settings) {
  /** @type {Promise<Uint8Array> | undefined} */
  let key
  return { issue, verify, successor, wrong }

  /** @type {Gateway['issue']} */
  async function issue(claims, lifetimeMs = settings().lifetimeMs) {
    const user = { active: true, permissions: [], roles: [], token_type: 'Bearer', sub: 'user@example.com' }
    const issuer = { aud: 'local-gateway', iss: 'https://transak.com/auth' }
    return sign({ ...user, ...issuer, ...validity(settings().now(), lifetimeMs), ...claims })
  }

  /** @type {Gateway['verify']} */
  async function verify(token) {
    const [header, payload, signature, ...rest] = String(token).split('.')
    if (!header || !payload || !signature || rest.length > 0) return null
    const isOurs = toBase64Url(fromBase64Url(signature)) === (await signatureOf(`${header}.${payload}`))
    return isOurs ? JSON.parse(new TextDecoder().decode(fromBase64Url(payload))) : null
  }

  /**
   * Returns what a refresh exchanges a token for.
   *
   * @type {(old: Claims) => Promise<string>}
   */
  function successor({ jti, iat, exp, ...user }) {
    const { lifetimeMs, now } = settings()
    const fresh = validity(now(), lifetimeMs)
    return sign({ ...user, ...fresh, exp: Math.max(fresh.exp, Number(exp)) })
  }

  /**
   * Returns what no refresh may give.
   *
   * @type {(which: WrongToken, old: Claims, token: string) => string | Promise<string>}
   */
  function wrong(which, { jti, iat, exp, ...user }, token) {
    const { lifetimeMs } = settings()
    const now = settings().now()
    switch (which) {
      case 'same':
        return token
      case 'garbage':
        return 'not-a-token'
      case 'foreign':
        return sign({ ...user, ...validity(now, lifetimeMs), sub: `not-${user.sub}` })
      case 'expired':
        return sign({ ...user, ...validity(now - lifetimeMs - 1000, lifetimeMs) })
      case 'older': {
        const half = (Number(exp) - now / 1000) / 2
        const shift = half > 1 ? Math.floor(half) : half
        const earlier = (/** @type {unknown} */ seconds) => Math.round((Number(seconds) - shift) * 1000) / 1000
        return sign({ ...user, iat: iat === undefined ? iat : earlier(iat), exp: earlier(exp) })
      }
    }
  }

  /** @type {(claims: Claims) => Promise<string>} */
  async function sign(claims) {
    const parts = [{ alg: 'HS256', typ: 'JWT' }, { jti: await randomUuid(), ...claims }]
    const signed = parts.map((part) => toBase64Url(utf8(JSON.stringify(part)))).join('.')
    return `${signed}.${await signatureOf(signed)}`
  }

  /** @param {string} signed */
  async function signatureOf(signed) {
    key ??= randomKey()
    return toBase64Url(hmacSha256(await key, utf8(signed)))
  }
}

/**
 * Returns times in seconds, as JWTs have them. They are whole seconds, unless the lifetime is under a minute.
 *
 * @type {(nowMs: number, lifetimeMs: number) => { iat: number, exp: number }}
 */
function validity(nowMs, lifetimeMs) {
  const iatMs = lifetimeMs < 60_000 ? Math.floor(nowMs) : Math.floor(nowMs / 1000) * 1000
  return { iat: iatMs / 1000, exp: (iatMs + Math.round(lifetimeMs)) / 1000 }
}
