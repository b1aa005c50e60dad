/**
 * A local stand-in for Transak's API gateway. `answer` decides, and takes and returns plain data. `fetch` and `listen` only
 * carry that data, so a fault is the same with a socket and without one.
 *
 * @import { Gateway, GatewayOptions } from './types/gateway.js'
 * @import { Answer, Claims, Incoming, Outcome } from './gateway/answers.js'
 * @import { WrongToken } from './gateway/faults.js'
 */
import { unknownName } from '../src/js/options.js'
import { invalid, json, refusal, wrongMethod } from './gateway/answers.js'
import { createCors } from './gateway/cors.js'
import { randomUuid } from './gateway/crypto.js'
import { ELSEWHERE, answerWith, createFaults } from './gateway/faults.js'
import { createLogins } from './gateway/logins.js'
import { createTokens } from './gateway/tokens.js'
import { answerRequest, listen } from './gateway/transport.js'

const REFRESH = '/api/v2/auth/refresh'
const CALLS = `POST /api/v2/auth/login, POST /api/v2/auth/verify and GET ${REFRESH}`

/** The types of the options; `allowedOrigins` is checked where it is read. */
const TYPES = { lifetimeMs: 'number', now: 'function', revoke: 'boolean', otp: 'string', log: 'function' }

/** @type {(options?: GatewayOptions) => Gateway} */
export function createGateway(options = {}) {
  const problem = unknownName(options, 'options')
  if (problem) throw new TypeError(problem)
  for (const [name, type] of Object.entries(TYPES)) {
    const given = /** @type {Record<string, unknown>} */ (options)[name]
    if (given !== undefined && typeof given !== type) throw new TypeError(`${name} must be a ${type}`)
  }
  const { allowedOrigins = [], otp = '123456', log } = options
  const cors = createCors(allowedOrigins)
  const faults = createFaults()
  const tokens = createTokens(() => gateway)
  const logins = createLogins({ otp, log, gateway: () => gateway })
  /** @type {Map<string, number>} */
  const counts = new Map()
  /** @type {Set<string>} */
  const revoked = new Set()

  /** @type {Gateway} */
  const gateway = {
    lifetimeMs: options.lifetimeMs ?? 2_592_000_000,
    // `Date.now` is looked up at each call, because fake timers may be installed later.
    now: options.now ?? (() => Date.now()),
    revoke: options.revoke ?? false,
    requests: [],
    fetch: (request) => answerRequest(answer, request),
    listen: (port = 0) => listen(answer, port),
    fail: (fault, given = {}) => {
      if (typeof given !== 'object') throw new TypeError('the options of fail must be an object: { times }')
      const { times = 1, ...others } = given, [unknown] = Object.keys(others)
      if (unknown !== undefined) throw new TypeError(`${unknown} is no option of fail`)
      faults.add(fault, times)
    },
    heal: faults.clear,
    issue: tokens.issue,
    verify: tokens.verify,
    refreshes: (token) => {
      if (token !== undefined) return counts.get(token) ?? 0
      return [...counts.values()].reduce((sum, count) => sum + count, 0)
    },
    reset: () => {
      faults.clear()
      gateway.requests.length = 0
      counts.clear()
      revoked.clear()
    },
  }
  return gateway

  /** @type {(incoming: Incoming) => Promise<Outcome>} */
  async function answer(incoming) {
    let outcome
    try {
      outcome = await route(incoming)
    } catch (problem) {
      if (incoming.signal.aborted) throw problem
      outcome = refusal(500, 'Internal server error')
    }
    if (outcome === 'drop') return outcome
    /** @type {Record<string, string>} */
    const headers = { 'cache-control': 'no-store' }
    // A CDN's own page has another id.
    if (!('cf-ray' in outcome.headers)) headers['trace-id'] = await randomUuid()
    const body = [204, 205, 304].includes(outcome.status) ? null : outcome.body
    return { ...outcome, headers: { ...headers, ...cors.headers(incoming.headers.origin), ...outcome.headers }, body }
  }

  /** @type {(incoming: Incoming) => Promise<Outcome>} */
  async function route(incoming) {
    const { method, path, headers } = incoming
    gateway.requests.push({ method, path, headers, at: gateway.now() })
    if (method === 'OPTIONS' && 'access-control-request-method' in headers) return cors.preflight(headers.origin)
    switch (path.split('?')[0]) {
      case '/api/v2/auth/login':
        return method === 'POST' ? withBody(incoming, logins.login) : wrongMethod('POST')
      case '/api/v2/auth/verify':
        return method === 'POST' ? withBody(incoming, logins.verify) : wrongMethod('POST')
      case REFRESH:
        return method === 'GET' ? counted(incoming) : wrongMethod('GET')
      case ELSEWHERE:
        return method === 'GET' ? elsewhere(headers.authorization ?? '') : wrongMethod('GET')
      default:
        return refusal(404, `Not found: this gateway answers ${CALLS}`)
    }
  }

  /** @type {(incoming: Incoming) => Promise<Outcome>} */
  async function counted({ headers, signal }) {
    const token = headers.authorization ?? ''
    counts.set(token, (counts.get(token) ?? 0) + 1)
    const fault = faults.next()
    return fault ? answerWith(fault, signal, (which) => refresh(token, which)) : refresh(token)
  }

  /** @type {(token: string, which?: WrongToken) => Promise<Answer>} */
  async function refresh(token, which) {
    const claims = await tokens.verify(token)
    const good = claims && typeof claims.exp === 'number' && gateway.now() < claims.exp * 1000 && !revoked.has(token)
    if (!good) return refusal(401, 'Access token is missing, invalid or expired', 1002)
    // Nothing is awaited between the check above and this line. So only one of two refreshes at the same time succeeds.
    if (gateway.revoke && which !== 'same') revoked.add(token)
    return json(200, { data: { accessToken: await (which ? tokens.wrong(which, claims, token) : tokens.successor(claims)) } })
  }

  /** @type {(token: string) => Promise<Answer>} */
  async function elsewhere(token) {
    const claims = await tokens.verify(token)
    return json(200, { data: { accessToken: await (claims ? tokens.successor(claims) : tokens.issue()) } })
  }
}

/** @type {(incoming: Incoming, handle: (body: Claims) => Promise<Answer>) => Promise<Answer>} */
async function withBody(incoming, handle) {
  const text = await incoming.text()
  if (text === null) return refusal(413, 'Request body too large')
  let body
  try {
    body = JSON.parse(text)
  } catch {
    return invalid('body')
  }
  return typeof body === 'object' && body !== null ? handle(body) : invalid('body')
}
