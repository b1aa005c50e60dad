/**
 * For a backend: the route by which a page's refresh reaches Transak, and the upkeep of many tokens.
 *
 * Since 15 July 2026 Transak accepts the refresh from allow-listed backends only. A page checks its own token and refreshes
 * through a route of its own server; `baseUrl` of `refreshAccessToken` points at the route's mount.
 */
import type {
  RefreshedToken, RefreshOptions, TokenLock, TokenStatus, TokenStorage, TransakTokenError, TransakTokenErrorCode,
} from './index.js'

/**
 * What the host knows of a request besides the request itself.
 *
 * @example
 * import { createServer } from 'node:http'
 * import { createRefreshHandler, type RequestInfo } from 'transak-user-token/server'
 *
 * const info: RequestInfo = { remoteAddress: '203.0.113.7' }
 */
export interface RequestInfo {
  /** The address of the socket's other end. Default: none; then no `x-user-ip` is sent, unless `userIp` finds one. */
  remoteAddress?: string | undefined
}

/**
 * So many in a window of time, which begins with the first one in it.
 *
 * @example
 * import type { Limit } from 'transak-user-token/server'
 *
 * const total: Limit = { max: 600, windowMs: 60_000 }
 */
export interface Limit {
  /** How many; a whole number, 1 or more. */
  max: number
  /** In how many milliseconds; a positive, finite number. */
  windowMs: number
}

/**
 * A limiter that counts for all processes, such as one of `rate-limiter-flexible` on Redis. It is asked by a key and a limit:
 * with `cost` 1 it counts, with 0 it looks. `true` lets the request pass, `false` answers 429. A limiter that throws, rejects, brings
 * anything else or takes over 2 s lets pass, and `onEvent` is told `degraded`.
 *
 * A key is the limit's name among `limit`, and behind a colon the address (of an IPv6 one its /64) or a hash of the token.
 *
 * @example
 * import type { Limiter } from 'transak-user-token/server'
 *
 * const counts = new Map<string, number>()
 * const limiter: Limiter = (key, { max, windowMs, cost }) => {
 *   const count = (counts.get(key) ?? 0) + cost
 *   counts.set(key, count)
 *   if (cost && count === 1) setTimeout(() => counts.delete(key), windowMs)
 *   return cost ? count <= max : count < max
 * }
 */
export type Limiter = (key: string, limit: { max: number, windowMs: number, cost: 0 | 1 }) => boolean | Promise<boolean>

/**
 * What became of a request. It holds no token, address, header or e-mail.
 *
 * - `refreshed`: Transak gave a new token. `shared`: so it did, for another request that was under way for the same token.
 *   `repeated`: so it did, at most 60 s ago.
 * - `preflight`: a browser asked whether its page may ask.
 * - `refused`: refused here, and nothing was sent. `limited`: one too many, and nothing was sent.
 * - `failed`: Transak was asked and gave no token, or a function of the options threw or took too long.
 *
 * Two events are about no request; their `status` and `durationMs` are 0.
 *
 * - `misconfigured`, once for each reason. `proxy`: the first 20 requests came from one address with differing `X-Forwarded-For`, and
 *   there are neither `trustedProxies` nor `userIp`. `refused`: Transak refused ten different tokens in a row.
 * - `degraded`, once an outage: `limiter`, `storage` or `lock` fails. Requests are served without it.
 *
 * @example
 * import type { RefreshEvent } from 'transak-user-token/server'
 *
 * const log = ({ outcome, status, durationMs, code, traceId }: RefreshEvent) => console.log(outcome, status, durationMs, code, traceId)
 */
export interface RefreshEvent {
  outcome: 'refreshed' | 'shared' | 'repeated' | 'preflight' | 'refused' | 'limited' | 'failed' | 'misconfigured' | 'degraded'
  /**
   * Why: the `origin`, `authorize`, the `token`, the `address` (`perAddress` and `refused`), another `limit` (`perToken` and the totals),
   * `upstream` (Transak) or a `timeout` (of Transak, `authorize` or `userIp`); or what is misconfigured or degraded.
   */
  reason?: 'origin' | 'authorize' | 'token' | 'address' | 'limit' | 'upstream' | 'timeout' | 'proxy' | 'refused' | 'limiter' | 'storage' | 'lock'
  /** The code of the failure. */
  code?: TransakTokenErrorCode
  /** The status that was answered. */
  status: number
  /** How long it took, in milliseconds. */
  durationMs: number
  /** The `trace-id`, else the `cf-ray`, of a failure at Transak, for its support: at most 64 characters of `[A-Za-z0-9-]`. */
  traceId?: string
}

/**
 * How a {@link createRefreshHandler} decides.
 *
 * @example
 * import type { RefreshHandlerOptions } from 'transak-user-token/server'
 *
 * const options: RefreshHandlerOptions = {
 *   environment: 'production',
 *   apiKey: 'your API key',
 *   allowedOrigins: ['https://app.example.com'],
 *   authorize: (request) => request.headers.get('cookie') === 'session=known',
 *   trustedProxies: ['10.0.0.0/8'],
 * }
 */
export interface RefreshHandlerOptions {
  /** Which of Transak's gateways is asked. It or `baseUrl` is required. */
  environment?: RefreshOptions['environment']
  /** The server that is asked instead, as in `RefreshOptions`. It overrides `environment`. Default: none. */
  baseUrl?: RefreshOptions['baseUrl']
  /** Whether `baseUrl` may be `http:` to another machine. Default: `false`. */
  allowHttp?: boolean
  /** Sends the request. Default: `globalThis.fetch`, looked up at each call. */
  fetch?: RefreshOptions['fetch']
  /**
   * More headers for Transak. They may not be `authorization` or `x-user-ip`, nor `x-api-key` beside `apiKey`. Default:
   * `accept: application/json` and a `user-agent` that names this package, which they may replace.
   */
  headers?: RefreshOptions['headers']
  /**
   * How long Transak may take, in milliseconds; a positive, finite number; then 504. There is one attempt, and it is not aborted: an
   * answer that comes later is given to who asks again. `authorize` and `userIp` may take as long, each; then 503. Default: 8_000.
   */
  timeoutMs?: number
  /** Your API key, sent as `x-api-key`; not empty. Default: none is sent. */
  apiKey?: string
  /**
   * The origins whose pages may ask, as browsers write them: `'https://app.example.com'`, never `'*'`. A page of the route's
   * own origin needs no entry: its browser says `Sec-Fetch-Site: same-origin`.
   */
  allowedOrigins: string[]
  /**
   * Whether a page of a listed origin may send its cookie, by `credentials: 'include'`. A page of the route's own origin needs no
   * permission. Default: `false`.
   */
  allowCredentials?: boolean
  /**
   * Whether a request without `Origin` that no page of this origin sent is accepted: a server's, a script's, an app's.
   * Default: `false`.
   */
  allowServerCalls?: boolean
  /**
   * Whether a request may be sent to Transak in your name. Anyone can make up what looks like a token, and would spend your API
   * key and your address. Only `true` lets it pass, any other result is answered with 403, an error with 500,
   * and no answer within `timeoutMs` with 503. `'none'`
   * lets all pass. An empty session id must not: a variable that is set but empty would let everyone in.
   */
  authorize: 'none' | ((request: Request, info?: RequestInfo) => boolean | Promise<boolean>)
  /**
   * Finds the end user's address where the host knows better, such as in `cf-connecting-ip`. What is no IPv4 or IPv6 address
   * counts as `undefined`, which leaves it to the socket and `trustedProxies`. What it throws or rejects with answers 500.
   * Default: none.
   */
  userIp?: (request: Request, info?: RequestInfo) => string | undefined | Promise<string | undefined>
  /**
   * The proxies before this server, as addresses and CIDR ranges. From them `X-Forwarded-For` is believed: the right-most
   * hop that is none of them is the end user. Default: `[]`, the header is ignored: behind a proxy everyone then has the
   * proxy's address, for Transak and for `limit`.
   */
  trustedProxies?: string[]
  /**
   * How often, else 429 with Retry-After; `false` sets no limit. An address is its /64 if it is IPv6, and one that is not known counts
   * in the totals alone.
   *
   * - `perAddress`: requests of one address. Default: 60 in 60_000 ms.
   * - `perToken`: requests to Transak for one token. Default: 5.
   * - `refused`: tokens of one address that Transak refused. Then nobody else is limited. Default: 10.
   * - `refusedTotal`: tokens that Transak refused, in all. Default: 300.
   * - `total`: other requests to Transak that it answered with a token, or failed to answer. Default: 600.
   *
   * It is counted in this process, for the 10,000 latest addresses and tokens, unless there is a `limiter`.
   */
  limit?: { perAddress?: Limit, perToken?: Limit, refused?: Limit, refusedTotal?: Limit, total?: Limit } | false
  /** Counts in place of this process: see {@link Limiter}. Default: none. */
  limiter?: Limiter
  /**
   * Where answers are kept for 60 s for the other processes, such as a Keyv on Redis. Names are hashes and values are encrypted
   * under a key derived from the old token, so that the store alone gives nobody a token. Default: none; an answer is repeated by
   * the process that got it.
   */
  storage?: TokenStorage
  /**
   * Lets one process at a time ask for a token, of those who share `storage`. With both, requests for one token at several processes
   * are one request to Transak. It is waited for up to `timeoutMs`. Default: none.
   */
  lock?: TokenLock
  /** Is told of every request once it is answered, and of what is misconfigured or degraded. What it throws or rejects with is ignored. Default: none. */
  onEvent?: (event: RefreshEvent) => void
}

/**
 * Answers a request. It never rejects.
 *
 * @example
 * import { createRefreshHandler, type RefreshHandler } from 'transak-user-token/server'
 *
 * const handle: RefreshHandler = createRefreshHandler({ environment: 'staging', allowedOrigins: [], authorize: 'none' })
 */
export type RefreshHandler = (request: Request, info?: RequestInfo) => Promise<Response>

/**
 * Creates the route: `GET {mount}/api/v2/auth/refresh` and its preflight; other paths, and those that are not in their normal form, are
 * 404, other methods 405, and what cannot be made a `Request` is 400. It takes a `Request` and gives a `Response`, so it mounts as it is in Hono, Next.js,
 * SvelteKit, Deno, Bun and Workers, and by {@link toNodeListener} in node:http, Express and Fastify.
 *
 * A request is judged by its origin, its token, the limit on its address, `authorize` and the other limits, in this order,
 * before anything is sent. Transak gets the token, `x-api-key`, `x-user-ip` and `headers`, and nothing of the browser's.
 * Requests with one token share one request to Transak, which nobody's leaving ends; its answer is repeated for 60 s, so
 * that a client that lost it gets its new token. Answers have the shape of Transak's, with texts of this package. A refusal of the
 * token is 401. If Transak, or its CDN, refuses this server, that is 502 with `Retry-After: 60`.
 *
 * Throws `ERR_INVALID_OPTION` for options that make no sense, and `ERR_WASM_UNAVAILABLE` where there is no WebAssembly.
 *
 * @example
 * import { createRefreshHandler } from 'transak-user-token/server'
 *
 * const handle = createRefreshHandler({
 *   environment: 'production',
 *   apiKey: 'your API key',
 *   allowedOrigins: ['https://app.example.com'],
 *   authorize: async (request) => request.headers.get('cookie') === 'session=known',
 * })
 * const response = await handle(new Request('https://api.example.com/transak/api/v2/auth/refresh'), { remoteAddress: '203.0.113.7' })
 */
export function createRefreshHandler(options: RefreshHandlerOptions): RefreshHandler

/**
 * Makes a listener for node:http of a handler; for Express it is `app.use('/transak', listener)`, for Fastify
 * `app.all('/transak/*', (request, reply) => { reply.hijack(); listener(request.raw, reply.raw) })`.
 *
 * It passes the socket's address on, reads no request's body, and sends each `Set-Cookie` of an answer. A response that another function has begun is left alone.
 *
 * @example
 * import { createServer } from 'node:http'
 * import { createRefreshHandler, toNodeListener } from 'transak-user-token/server'
 *
 * const handle = createRefreshHandler({ environment: 'staging', allowedOrigins: ['https://app.example.com'], authorize: 'none' })
 * createServer(toNodeListener(handle)).listen(8080)
 */
export function toNodeListener(handler: RefreshHandler): (req: NodeRequest, res: NodeResponse) => void

/**
 * What {@link toNodeListener} needs of node:http's `IncomingMessage`.
 *
 * @example
 * import { createServer } from 'node:http'
 * import type { NodeRequest } from 'transak-user-token/server'
 *
 * createServer((req) => { const request: NodeRequest = req })
 */
export interface NodeRequest {
  method?: string | undefined
  url?: string | undefined
  /** Express's: the URL with the mount. */
  originalUrl?: string
  rawHeaders: string[]
  headers: { host?: string | undefined, [name: string]: string | string[] | undefined }
  socket: { remoteAddress?: string | undefined }
}

/**
 * What {@link toNodeListener} needs of node:http's `ServerResponse`.
 *
 * @example
 * import { createServer } from 'node:http'
 * import type { NodeResponse } from 'transak-user-token/server'
 *
 * createServer((req, res) => { const response: NodeResponse = res })
 */
export interface NodeResponse {
  readonly headersSent?: boolean
  statusCode: number
  setHeader(name: string, value: string | string[]): unknown
  end(body?: string): unknown
  destroy(): unknown
}

/**
 * How {@link keepFresh} works: the options of a refresh, of which `environment` or `baseUrl` is required.
 *
 * @example
 * import type { KeepFreshOptions } from 'transak-user-token/server'
 *
 * const addresses = new Map([['user-1', '203.0.113.7']])
 * const options: KeepFreshOptions<string> = {
 *   environment: 'production',
 *   headers: (key) => ({ 'x-api-key': 'your API key', 'x-user-ip': addresses.get(key) ?? '' }),
 * }
 */
export interface KeepFreshOptions<K = any> extends Omit<RefreshOptions, 'headers'> {
  /** How many refreshes may be under way at once; a whole number, 1 or more. Default: 4. */
  concurrency?: number
  /**
   * Extra headers, or a function that returns those of an entry by its key: `x-user-ip` is one user's. If it throws, that entry
   * has the error. Default: `accept: application/json` and a `user-agent` that names this package, which these may replace.
   */
  headers?: RefreshOptions['headers'] | ((key: K) => RefreshOptions['headers'])
  /**
   * Lets one at a time refresh an entry's token, of those who share its store: the name is the same as of a session with this `key`.
   * It is waited for up to 10 s. Default: none.
   */
  lock?: TokenLock
  /**
   * Returns the token that an entry has now, with the lock held: another process may have refreshed it. A token that is fresh by
   * then is left alone. If it throws or rejects, that entry has the error. Default: none; the entry's token is used.
   */
  reload?: (key: K) => string | null | undefined | Promise<string | null | undefined>
  /** Begins no further refresh, ends waits, hands out those under way, and throws the signal's reason. Default: none. */
  signal?: AbortSignal
}

/**
 * One entry, checked, and refreshed where it was about to expire.
 *
 * @example
 * import { keepFresh, type KeptEntry } from 'transak-user-token/server'
 *
 * for await (const entry of keepFresh([['user-1', token]], { environment: 'staging' })) {
 *   const { key, status }: KeptEntry<string> = entry
 *   console.log(key, status.state)
 * }
 */
export interface KeptEntry<K> {
  key: K
  /** What the check said before the refresh; with `reload`, of the token that the entry had by then. */
  status: TokenStatus
  /** The new token, which is to be kept at once: the old one may be gone. */
  refreshed?: RefreshedToken
  /** Why the refresh failed; what `headers` or `reload` threw, if they did. */
  error?: TransakTokenError
}

/**
 * Checks the tokens of many users and refreshes those about to expire, for a nightly job over a user table. It reads the
 * entries a thousand at a time, and no further than it is asked for; every entry comes back once, a refreshed one when its
 * new token is there, and so not always in order.
 *
 * After an error whose `action` is `fix`, such as a wrong key, nothing more is sent, and each further entry that is due has the same
 * error. If the server asks to wait (`Retry-After`), all of them wait, up to 60 s in all. Beyond that nothing more is sent, and further
 * entries that are due have that error.
 *
 * Who breaks off the loop loses the new tokens of the refreshes under way, at most `concurrency` of them, which are still
 * awaited; `signal` stops it without a loss. Where the entries themselves fail, those read before are seen to first.
 *
 * Throws `ERR_INVALID_OPTION` for entries that do not iterate, or options that make no sense.
 *
 * @example
 * import { keepFresh } from 'transak-user-token/server'
 *
 * async function* users(): AsyncGenerator<[string, string]> {
 *   yield ['user-1', token]   // a row of the user table
 * }
 * for await (const { key, status, refreshed, error } of keepFresh(users(), { environment: 'production' })) {
 *   if (refreshed) console.log(`${key} has a new token`)   // store refreshed.accessToken
 *   if (error) console.error(key, error.code)
 *   if (status.action === 'login') console.log(`${key} has to log in`)
 * }
 */
export function keepFresh<K>(
  entries: Iterable<readonly [K, string]> | AsyncIterable<readonly [K, string]>,
  options: KeepFreshOptions<K>,
): AsyncIterableIterator<KeptEntry<K>>
