/**
 * A local stand-in for Transak's API gateway. One function, `answer`, turns what came in into what goes out, both plain
 * data; `fetch` and `listen` only pass them on, so that a fault is the same with and without a socket.
 *
 * @import { Fault, Gateway, GatewayOptions, Listener } from './types/gateway.js'
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
 * @typedef {Extract<Fault, { kind: 'token' }>['which']} WrongToken
 * @typedef {Extract<Fault, { kind: 'truncated' | 'oversized' }>} SpoilingFault
 */

const REFRESH = '/api/v2/auth/refresh'
const ELSEWHERE = '/elsewhere'
const CALLS = `POST /api/v2/auth/login, POST /api/v2/auth/verify and GET ${REFRESH}`
const BODY_LIMIT = 64 * 1024
const LOGIN_LIFETIME_S = 600

/** @type {(options?: GatewayOptions) => Gateway} */
export function createGateway(options = {}) {
  const { allowedOrigins = [], otp = '123456', log } = options
  checkOrigins(allowedOrigins)

  /** @type {{ fault: Fault, left: number }[]} */
  const faults = []
  /** @type {Map<string, number>} */
  const counts = new Map()
  /** @type {Set<string>} */
  const revoked = new Set()
  /** @type {Map<string, { email: string, expiresAt: number }>} */
  const logins = new Map()
  /** @type {Promise<Uint8Array> | undefined} */
  let key

  /** @type {Gateway} */
  const gateway = {
    lifetimeMs: options.lifetimeMs ?? 2_592_000_000,
    // Looked up at each call: fake timers may be installed later.
    now: options.now ?? (() => Date.now()),
    revoke: options.revoke ?? false,
    requests: [],
    fetch: (request) => answerRequest(answer, request),
    listen: (port = 0) => listen(answer, port),
    fail: (fault, { times = 1 } = {}) => {
      checkFault(fault)
      if (times !== Infinity && !(Number.isInteger(times) && times > 0)) throw new TypeError('times is a positive integer')
      faults.push({ fault: { ...fault }, left: times })
    },
    heal: () => {
      faults.length = 0
    },
    issue,
    verify,
    refreshes: (token) => {
      if (token !== undefined) return counts.get(token) ?? 0
      return [...counts.values()].reduce((sum, count) => sum + count, 0)
    },
    reset: () => {
      faults.length = 0
      gateway.requests.length = 0
      counts.clear()
      revoked.clear()
    },
  }
  return gateway

  /** @type {Gateway['issue']} */
  async function issue(claims, lifetimeMs = gateway.lifetimeMs) {
    const user = { active: true, permissions: [], roles: [], token_type: 'Bearer', sub: 'user@example.com' }
    const issuer = { aud: 'local-gateway', iss: 'https://transak.com/auth' }
    return sign({ ...user, ...issuer, ...validity(gateway.now(), lifetimeMs), ...claims })
  }

  /** @type {(claims: Claims) => Promise<string>} */
  async function sign(claims) {
    const parts = [{ alg: 'HS256', typ: 'JWT' }, { jti: await randomUuid(), ...claims }]
    const signed = parts.map((part) => toBase64Url(utf8(JSON.stringify(part)))).join('.')
    return `${signed}.${await signatureOf(signed)}`
  }

  /** @type {Gateway['verify']} */
  async function verify(token) {
    const [header, payload, signature, ...rest] = String(token).split('.')
    if (!header || !payload || !signature || rest.length > 0) return null
    const isOurs = toBase64Url(fromBase64Url(signature)) === (await signatureOf(`${header}.${payload}`))
    return isOurs ? JSON.parse(new TextDecoder().decode(fromBase64Url(payload))) : null
  }

  /** @param {string} signed */
  async function signatureOf(signed) {
    key ??= webCrypto().then((crypto) => crypto.getRandomValues(new Uint8Array(32)))
    return toBase64Url(hmacSha256(await key, utf8(signed)))
  }

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
    return { ...outcome, headers: { ...headers, ...corsHeaders(incoming.headers.origin), ...outcome.headers }, body }
  }

  /** @type {(incoming: Incoming) => Promise<Outcome>} */
  async function route(incoming) {
    const { method, path, headers } = incoming
    gateway.requests.push({ method, path, headers, at: gateway.now() })
    if (method === 'OPTIONS' && 'access-control-request-method' in headers) return preflight(headers.origin)
    switch (path.split('?')[0]) {
      case '/api/v2/auth/login':
        return method === 'POST' ? withBody(incoming, login) : wrongMethod('POST')
      case '/api/v2/auth/verify':
        return method === 'POST' ? withBody(incoming, verifyOtp) : wrongMethod('POST')
      case REFRESH:
        return method === 'GET' ? meetRefresh(incoming) : wrongMethod('GET')
      case ELSEWHERE:
        return method === 'GET' ? elsewhere(headers.authorization ?? '') : wrongMethod('GET')
      default:
        return refusal(404, `Not found: this gateway answers ${CALLS}`)
    }
  }

  /** @type {(body: Claims) => Promise<Answer>} */
  async function login({ apiKey, email }) {
    if (!isText(apiKey)) return invalid('apiKey')
    if (!isText(email) || email.length > 254 || !/^[^\s@]+@[^\s@]+$/.test(email)) return invalid('email')
    const stateToken = await randomUuid()
    const now = gateway.now()
    for (const [token, { expiresAt }] of logins) if (expiresAt <= now) logins.delete(token)
    logins.set(stateToken, { email, expiresAt: now + LOGIN_LIFETIME_S * 1000 })
    log?.(`OTP for the login: ${otp}`)
    return json(200, { data: { isTncAccepted: true, stateToken, email, expiresIn: LOGIN_LIFETIME_S } })
  }

  /** @type {(body: Claims) => Promise<Answer>} */
  async function verifyOtp({ apiKey, email, otp: given, stateToken }) {
    if (!isText(apiKey)) return invalid('apiKey')
    if (!isText(email)) return invalid('email')
    if (!isText(given)) return invalid('otp')
    if (!isText(stateToken)) return invalid('stateToken')
    const pending = logins.get(stateToken)
    if (pending?.email !== email || pending.expiresAt <= gateway.now()) return refusal(400, 'Invalid state token', 9003)
    if (given !== otp) return refusal(400, 'Invalid OTP', 9002)
    logins.delete(stateToken)
    const data = { ttl: gateway.lifetimeMs / 1000, created: new Date(gateway.now()).toISOString() }
    return json(200, { data: { accessToken: await issue({ sub: email }), ...data } })
  }

  /** @type {(incoming: Incoming) => Promise<Outcome>} */
  async function meetRefresh({ headers, signal }) {
    const token = headers.authorization ?? ''
    counts.set(token, (counts.get(token) ?? 0) + 1)
    const next = faults[0]
    if (!next) return refresh(token)
    next.left -= 1
    if (next.left === 0) faults.shift()
    const { fault } = next
    if (fault.latencyMs !== undefined) await pause(signal, fault.latencyMs)
    switch (fault.kind) {
      case 'latency':
        await pause(signal, fault.ms)
        return refresh(token)
      case 'drop':
        if (fault.when === 'after') await refresh(token)
        return 'drop'
      case 'error': {
        const error = refusal(fault.status, fault.message ?? 'The gateway was told to fail', fault.errorCode)
        return { ...error, headers: { ...error.headers, ...Object.fromEntries(new Headers(fault.headers)) } }
      }
      case 'rate-limit': {
        const error = refusal(429, 'Too many requests')
        if (fault.retryAfter !== undefined) error.headers['retry-after'] = String(fault.retryAfter)
        return error
      }
      case 'html':
        return page(fault.status ?? 200, 'The service is unavailable')
      case 'challenge': {
        const challenge = page(fault.status ?? 403, 'Just a moment...')
        return { ...challenge, headers: { ...challenge.headers, 'cf-mitigated': 'challenge', 'cf-ray': '8f3a2b1c4d5e6f70-FRA' } }
      }
      case 'ban':
        return refusal(403, 'This address is not allowed', fault.errorCode ?? 1001)
      case 'bom': {
        const good = await refresh(token)
        return { ...good, body: `\ufeff${good.body}` }
      }
      case 'redirect':
        return { status: fault.status ?? 302, headers: { location: fault.location ?? ELSEWHERE }, body: null }
      case 'hang':
        return pause(signal)
      case 'token':
        return refresh(token, (claims) => wrongToken(fault.which, claims, token), fault.which === 'same')
      case 'truncated':
      case 'oversized':
        return spoil(fault, await refresh(token))
    }
  }

  /** @type {(token: string, renew?: (old: Claims) => string | Promise<string>, keepOld?: boolean) => Promise<Answer>} */
  async function refresh(token, renew = successor, keepOld = false) {
    const claims = await verify(token)
    const good = claims && typeof claims.exp === 'number' && gateway.now() < claims.exp * 1000 && !revoked.has(token)
    if (!good) return refusal(401, 'Access token is missing, invalid or expired', 1002)
    // In the same turn as the check above: of two refreshes at once only one succeeds.
    if (gateway.revoke && !keepOld) revoked.add(token)
    return json(200, { data: { accessToken: await renew(claims) } })
  }

  /** @type {(old: Claims) => Promise<string>} */
  function successor({ jti, iat, exp, ...user }) {
    const fresh = validity(gateway.now(), gateway.lifetimeMs)
    return sign({ ...user, ...fresh, exp: Math.max(fresh.exp, Number(exp)) })
  }

  /** @type {(which: WrongToken, old: Claims, token: string) => string | Promise<string>} */
  function wrongToken(which, { jti, iat, exp, ...user }, token) {
    const { lifetimeMs } = gateway
    const now = gateway.now()
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

  /** @type {(token: string) => Promise<Answer>} */
  async function elsewhere(token) {
    const claims = await verify(token)
    return json(200, { data: { accessToken: await (claims ? successor(claims) : issue()) } })
  }

  /** @type {(origin: string | undefined) => Record<string, string>} */
  function corsHeaders(origin) {
    if (allowedOrigins.length === 0) return {}
    if (!isAllowed(origin)) return { vary: 'origin' }
    const exposed = 'trace-id, retry-after'
    return { vary: 'origin', 'access-control-allow-origin': origin, 'access-control-expose-headers': exposed }
  }

  /** @type {(origin: string | undefined) => Answer} */
  function preflight(origin) {
    if (!isAllowed(origin)) return refusal(403, 'Origin not allowed')
    const headers = {
      'access-control-allow-methods': 'GET, POST, OPTIONS',
      'access-control-allow-headers': 'authorization, x-api-key, x-user-ip, content-type',
      'access-control-max-age': '600',
    }
    return { status: 204, headers, body: null }
  }

  /** @type {(origin: string | undefined) => origin is string} */
  function isAllowed(origin) {
    return origin !== undefined && (allowedOrigins === 'any' || allowedOrigins.includes(origin))
  }
}

/** @type {(answer: (incoming: Incoming) => Promise<Outcome>, request: Request) => Promise<Response>} */
async function answerRequest(answer, request) {
  if (typeof request?.url !== 'string') throw new TypeError('gateway.fetch takes a Request')
  const { method, signal } = request
  signal.throwIfAborted()
  const { pathname, search } = new URL(request.url)
  const headers = Object.fromEntries(request.headers)
  const outcome = await answer({ method, path: pathname + search, headers, signal, text: () => requestText(request) })
  signal.throwIfAborted()
  if (outcome === 'drop') throw new TypeError('connection dropped')
  return new Response(outcome.cut ? brokenStream(firstHalf(outcome.body)) : outcome.body, outcome)
}

/** @type {(start: string) => ReadableStream} */
function brokenStream(start) {
  const chunks = [utf8(start)]
  const pull = (/** @type {ReadableStreamDefaultController} */ controller) => {
    const chunk = chunks.shift()
    if (chunk) controller.enqueue(chunk)
    else controller.error(new TypeError('connection dropped'))
  }
  return new ReadableStream({ pull }, { highWaterMark: 0 })
}

/** @type {(answer: (incoming: Incoming) => Promise<Outcome>, port: number) => Promise<Listener>} */
async function listen(answer, port) {
  const { createServer } = await import('node:http')
  // Node's own limit on headers, 16 KiB, is less than a long token needs. The server does not end an idle connection: on a busy machine
  // the client's next request may already be on its way, and would be lost.
  const server = createServer({ maxHeaderSize: 64 * 1024, keepAliveTimeout: 0 }, async (req, res) => {
    const { method = '', url: path = '' } = req
    const headers = Object.fromEntries(Object.entries(req.headers).map(([name, value]) => [name, String(value)]))
    const gone = new AbortController()
    res.on('close', () => gone.abort())
    try {
      const outcome = await answer({ method, path, headers, signal: gone.signal, text: () => readText(req) })
      if (outcome === 'drop') return void res.destroy()
      // If a reused connection drops, browsers silently repeat a GET. If a new connection drops, they report it.
      if (headers.origin !== undefined) res.setHeader('connection', 'close')
      res.writeHead(outcome.status, outcome.headers)
      if (outcome.cut) res.write(firstHalf(outcome.body), () => res.destroy())
      else res.end(outcome.body ?? undefined)
    } catch {
      res.destroy()
    }
  })
  await new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => resolve(undefined))
  })
  const address = server.address()
  const bound = typeof address === 'object' && address ? address.port : port
  const closed = new Promise((resolve) => server.once('close', resolve))
  const close = async () => {
    server.close()
    server.closeAllConnections()
    await closed
  }
  return { url: `http://127.0.0.1:${bound}`, port: bound, close }
}

/** @type {(request: Request) => Promise<string | null>} */
async function requestText(request) {
  const { body } = request
  // Not every browser has the body as a stream, or streams that iterate.
  if (body && Symbol.asyncIterator in body) return readText(/** @type {AsyncIterable<Uint8Array>} */ (body))
  return readText([new Uint8Array(await request.arrayBuffer())])
}

/**
 * Reads to the end, but keeps no more than the limit: an answer before the end would break the client's upload.
 *
 * @type {(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>) => Promise<string | null>}
 */
async function readText(chunks) {
  const decoder = new TextDecoder()
  let text = ''
  let size = 0
  for await (const chunk of chunks) {
    size += chunk.length
    if (size <= BODY_LIMIT) text += decoder.decode(chunk, { stream: true })
  }
  return size <= BODY_LIMIT ? text + decoder.decode() : null
}

/**
 * Resolves after `ms` milliseconds, or never without `ms`. Rejects with the signal's reason.
 *
 * @type {(signal: AbortSignal, ms?: number) => Promise<never>}
 */
function pause(signal, ms) {
  return new Promise((resolve, reject) => {
    const timer = ms === undefined ? undefined : setTimeout(done, ms)
    signal.addEventListener('abort', done)
    if (signal.aborted) done()
    function done() {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      if (signal.aborted) reject(signal.reason)
      else resolve(/** @type {never} */ (undefined))
    }
  })
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

/** @type {(status: number, value: unknown) => Answer} */
function json(status, value) {
  return { status, headers: { 'content-type': 'application/json; charset=utf-8' }, body: JSON.stringify(value) }
}

/** @type {(statusCode: number, message: string, errorCode?: number | string) => Answer} */
function refusal(statusCode, message, errorCode) {
  return json(statusCode, { error: { statusCode, message, errorCode } })
}

/** @type {(status: number, text: string) => Answer} */
function page(status, text) {
  const body = `<!doctype html><title>${text}</title><h1>${text}</h1>`
  return { status, headers: { 'content-type': 'text/html; charset=utf-8' }, body }
}

/** @type {(field: string) => Answer} */
function invalid(field) {
  return refusal(400, `Validation failed: ${field}`, 9001)
}

/** @type {(allow: string) => Answer} */
function wrongMethod(allow) {
  const error = refusal(405, 'Method not allowed')
  return { ...error, headers: { ...error.headers, allow } }
}

/** @type {(fault: SpoilingFault, good: Answer) => Answer} */
function spoil(fault, good) {
  const { status, headers, body } = good
  if (status !== 200 || body === null) return good
  if (fault.kind === 'oversized') {
    const padded = `${body.slice(0, -1)},"padding":"`.padEnd((fault.bytes ?? 200_000) - 2, 'x')
    return { status, headers, body: `${padded}"}` }
  }
  if (fault.how === 'json') return { status, headers, body: firstHalf(body) }
  return { status, headers: { ...headers, 'content-length': String(body.length) }, body, cut: true }
}

/** @type {(body: string | null) => string} */
function firstHalf(body) {
  return body === null ? '' : body.slice(0, body.length / 2)
}

/** @type {(value: unknown) => value is string} */
function isText(value) {
  return typeof value === 'string' && value !== ''
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

/**
 * Node 18 has no global `crypto`.
 *
 * @type {() => Promise<Crypto>}
 */
async function webCrypto() {
  return globalThis.crypto ?? (await import('node:crypto')).webcrypto
}

async function randomUuid() {
  return (await webCrypto()).randomUUID()
}

/**
 * Signs synchronously (RFC 2104). WebCrypto answers from another thread, in real time. Under fake timers real time does not pass, so
 * a client would reach its time-outs before the answer.
 *
 * @type {(key: Uint8Array, message: Uint8Array) => Uint8Array}
 */
function hmacSha256(key, message) {
  const padded = (/** @type {number} */ pad) => Array.from({ length: 64 }, (_, at) => (key[at] ?? 0) ^ pad)
  return sha256([...padded(0x5c), ...sha256([...padded(0x36), ...message])])
}

/** The first 32 bits of the fractional parts of roots of the first primes: of cube roots, and of square roots. */
const [ROUND_CONSTANTS, INITIAL_HASH] = rootsOfPrimes()

function rootsOfPrimes() {
  /** @type {number[]} */
  const primes = []
  for (let n = 2; primes.length < 64; n++) if (primes.every((prime) => n % prime)) primes.push(n)
  const bits = (/** @type {number} */ root) => Math.floor((root % 1) * 2 ** 32)
  return [primes.map((prime) => bits(Math.cbrt(prime))), primes.slice(0, 8).map((prime) => bits(Math.sqrt(prime)))]
}

/**
 * SHA-256 (FIPS 180-4).
 *
 * @type {(message: number[]) => Uint8Array}
 */
function sha256(message) {
  const padded = new Uint8Array(Math.ceil((message.length + 9) / 64) * 64)
  padded.set([...message, 0x80])
  const view = new DataView(padded.buffer)
  view.setUint32(padded.length - 4, message.length * 8)
  const hash = Uint32Array.from(INITIAL_HASH)
  const words = new Uint32Array(64)
  const turned = (/** @type {number} */ word, /** @type {number} */ by) => (word >>> by) | (word << (32 - by))
  for (let start = 0; start < padded.length; start += 64) {
    for (let at = 0; at < 64; at++) {
      const [w2, w15] = [words[at - 2] ?? 0, words[at - 15] ?? 0]
      const s0 = turned(w15, 7) ^ turned(w15, 18) ^ (w15 >>> 3)
      const s1 = turned(w2, 17) ^ turned(w2, 19) ^ (w2 >>> 10)
      words[at] = at < 16 ? view.getUint32(start + at * 4) : (words[at - 16] ?? 0) + s0 + (words[at - 7] ?? 0) + s1
    }
    let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = hash
    for (let at = 0; at < 64; at++) {
      const s1 = turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)
      const t1 = h + s1 + ((e & f) ^ (~e & g)) + (ROUND_CONSTANTS[at] ?? 0) + (words[at] ?? 0)
      const s0 = turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)
      const t2 = s0 + ((a & b) ^ (a & c) ^ (b & c));
      [h, g, f, e, d, c, b, a] = [g, f, e, (d + t1) | 0, c, b, a, (t1 + t2) | 0]
    }
    for (const [at, value] of [a, b, c, d, e, f, g, h].entries()) hash[at] = (hash[at] ?? 0) + value
  }
  const bytes = new DataView(new ArrayBuffer(32))
  for (const [at, word] of hash.entries()) bytes.setUint32(at * 4, word)
  return new Uint8Array(bytes.buffer)
}

/** @param {string} text */
function utf8(text) {
  return new TextEncoder().encode(text)
}

/** @type {(bytes: Uint8Array) => string} */
function toBase64Url(bytes) {
  const binary = Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

/** @param {string} text */
function fromBase64Url(text) {
  if (!/^[\w-]+$/.test(text) || text.length % 4 === 1) return new Uint8Array()
  return Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (char) => char.charCodeAt(0))
}

/** @type {(origins: string[] | 'any') => void} */
function checkOrigins(origins) {
  if (origins === 'any') return
  if (Array.isArray(origins) && origins.every((origin) => /^[a-z][a-z0-9+.-]*:\/\/[^/*\s]+$/.test(origin))) return
  throw new TypeError("allowedOrigins takes exact origins such as 'http://localhost:5173', or 'any' in place of the list")
}

const isStatus = (/** @type {unknown} */ value) => Number.isInteger(value) && Number(value) >= 200 && Number(value) <= 599
const isDelay = (/** @type {unknown} */ value) => typeof value === 'number' && value >= 0 && value < 2 ** 31

/** @type {Record<string, (fault: Record<string, any>) => boolean>} */
const FAULTS = {
  latency: ({ ms }) => isDelay(ms),
  drop: ({ when }) => ['before', 'after'].includes(when),
  error: ({ status }) => isStatus(status),
  'rate-limit': () => true,
  html: ({ status = 200 }) => isStatus(status),
  challenge: ({ status = 403 }) => isStatus(status),
  ban: () => true,
  bom: () => true,
  truncated: ({ how = 'connection' }) => ['json', 'connection'].includes(how),
  oversized: ({ bytes = 1 }) => Number.isInteger(bytes) && bytes > 0,
  redirect: ({ status = 302 }) => isStatus(status),
  token: ({ which }) => ['older', 'same', 'foreign', 'expired', 'garbage'].includes(which),
  hang: () => true,
}

/** @type {(fault: Record<string, any>) => void} */
function checkFault(fault) {
  const { kind, latencyMs = 0, headers, retryAfter = '', location = '' } = fault
  if (!Object.hasOwn(FAULTS, kind) || !FAULTS[kind]?.(fault) || !isDelay(latencyMs)) {
    throw new TypeError(`no fault of this gateway: ${JSON.stringify(fault)}`)
  }
  // Throws for what no header can hold.
  new Headers([...new Headers(headers), ['retry-after', String(retryAfter)], ['location', location]])
}
