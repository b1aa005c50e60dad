/**
 * For a backend: a route that sends a page's refresh to Transak, and a function that refreshes many tokens.
 *
 * Since 15 July 2026 Transak accepts the refresh from allow-listed backends only. A page checks its own token and refreshes through a
 * route of its own server. Its `baseUrl` is the path or URL at which that route is mounted.
 */
import type {
  RefreshedToken, RefreshOptions, TokenLock, TokenStatus, TokenStorage, TransakTokenError, TransakTokenErrorCode,
} from './index.js'

/**
 * What the server knows about a request beyond the `Request` object.
 *
 * @example
 * import { createServer } from 'node:http'
 * import { createRefreshHandler, type RequestInfo } from 'transak-user-token/server'
 *
 * const info: RequestInfo = { remoteAddress: '203.0.113.7' }
 */
export interface RequestInfo {
  /** The client's address, from the socket. Default: none. Without it no `x-user-ip` is sent, unless `userIp` returns one. */
  remoteAddress?: string | undefined
}

/**
 * A maximum for a window of time. A window begins with the first request that counts in it.
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
 * A limiter that counts for all processes, such as one of `rate-limiter-flexible` on Redis. It gets a key and a limit. With `cost` 1 it
 * counts the request. With `cost` 0 it only says whether a request would pass. `true` lets the request pass; `false` leads to 429. If
 * the limiter throws, rejects, returns anything else or takes more than 2 s, the request passes, and `onEvent` gets `degraded`.
 *
 * A key is the limit's name in `limit`. For some limits a colon follows, and the address (for IPv6 its /64) or a hash of the token.
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
 * - `refreshed`: Transak gave a new token. `shared`: a request in flight for the same token got the new one. `repeated`: an earlier
 *   request for the same token got the new one, at most 60 s ago.
 * - `preflight`: the CORS preflight of a browser.
 * - `refused`: the route refused the request and sent nothing to Transak. `limited`: a limit was reached, and nothing was sent.
 * - `failed`: Transak gave no token, or a function of the options threw or took too long.
 *
 * Two events belong to no request; their `status` and `durationMs` are 0.
 *
 * - `misconfigured`, once for each reason. `proxy`: the first 20 requests came from one address with differing `X-Forwarded-For`, and
 *   there are neither `trustedProxies` nor `userIp`. `refused`: Transak refused ten different tokens in a row.
 * - `degraded`, once for each outage: `limiter`, `storage` or `lock` fails. The route serves requests without it.
 *
 * @example
 * import type { RefreshEvent } from 'transak-user-token/server'
 *
 * const log = ({ outcome, status, durationMs, code, traceId }: RefreshEvent) => console.log(outcome, status, durationMs, code, traceId)
 */
export interface RefreshEvent {
  outcome: 'refreshed' | 'shared' | 'repeated' | 'preflight' | 'refused' | 'limited' | 'failed' | 'misconfigured' | 'degraded'
  /**
   * Why the request was not served: the `origin`, `authorize`, the `token`, the `address` (`perAddress` and `refused`), another `limit`
   * (`perToken` and the totals), `upstream` (Transak) or a `timeout` (of Transak, `authorize` or `userIp`). For `misconfigured` and
   * `degraded`: what is wrong.
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
 * The options of {@link createRefreshHandler}.
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
  /** Which of Transak's gateways gets the request. `environment` or `baseUrl` is required. */
  environment?: RefreshOptions['environment']
  /** The server that gets the request instead, as in `RefreshOptions`. It overrides `environment`. Default: none. */
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
   * How long the route waits for Transak, in milliseconds; a positive, finite number. After that it answers 504. It makes one attempt
   * and does not abort it: a client that asks again gets an answer that came late. `authorize` and `userIp` may take as long each;
   * after that the route answers 503. Default: 8_000.
   */
  timeoutMs?: number
  /** Your API key, sent as `x-api-key`; not empty. Default: none is sent. */
  apiKey?: string | undefined
  /**
   * The origins whose pages may call the route, with any headers, as browsers write them: `'https://app.example.com'`, never `'*'`. A
   * page of the route's own origin needs no entry: its browser says `Sec-Fetch-Site: same-origin`. Safari before 16.4 and Firefox before
   * 90 do not say that, nor does any browser by `http:` to another machine. Such a page needs `allowServerCalls`.
   */
  allowedOrigins: string[]
  /**
   * Whether a page of a listed origin may send its cookie, by `credentials: 'include'`. A page of the route's own origin needs no
   * permission. Default: `false`.
   */
  allowCredentials?: boolean
  /**
   * Whether the route accepts a request without `Origin` that is not from a page of its own origin: from a server, a script or an app.
   * Default: `false`.
   */
  allowServerCalls?: boolean
  /**
   * Decides whether the route may send this request to Transak with your API key. Anyone can make up a text that looks like a token,
   * and would use your key and your address with it. Only `true` lets the request pass. For any other result the answer is 403, for an
   * error 500, and for no result within `timeoutMs` 503. `'none'` lets every request pass. Refuse an empty session id: if the variable
   * that you compare with is empty, too, an empty id would let everyone in.
   */
  authorize: 'none' | ((request: Request, info?: RequestInfo) => boolean | Promise<boolean>)
  /**
   * Returns the end user's address, with or without a port, if the host gives it in another place, such as the header
   * `cf-connecting-ip`. If the function returns no IPv4 or IPv6 address, the route uses the socket's address and `trustedProxies`. If it
   * throws or rejects, the route answers 500. Default: none.
   */
  userIp?: (request: Request, info?: RequestInfo) => string | undefined | Promise<string | undefined>
  /**
   * The proxies before this server, as addresses and CIDR ranges. The route believes `X-Forwarded-For` from these only. The right-most
   * address in it that is not one of them is the end user's. Default: `[]`, which ignores the header. Then every user behind a proxy
   * has the proxy's address, for Transak and for `limit`. A proxy that connects by a Unix socket has no address: use `userIp`.
   */
  trustedProxies?: string[]
  /**
   * How many requests the route accepts. Above a limit it answers 429 with `Retry-After`. `false` sets no limit. An IPv6 address counts
   * as its /64. A request without a known address counts in the totals only.
   *
   * - `perAddress`: requests of one address. Default: 60 in 60_000 ms.
   * - `perToken`: requests to Transak for one token. Default: 5.
   * - `refused`: tokens of one address that Transak refused. It limits no other address. Default: 10.
   * - `refusedTotal`: tokens that Transak refused, in all. Default: 300.
   * - `total`: requests that Transak answered with a token, 429, 5xx or something useless, or not at all. Default: 600.
   *
   * Without a `limiter` this process counts, for the 10,000 latest addresses and tokens.
   */
  limit?: { perAddress?: Limit, perToken?: Limit, refused?: Limit, refusedTotal?: Limit, total?: Limit } | false
  /** Counts in place of this process: see {@link Limiter}. Default: none. */
  limiter?: Limiter
  /**
   * A store that keeps answers for 60 s for the other processes, such as a Keyv on Redis. The names of entries are hashes. Their
   * values are encrypted under a key derived from the old token, so nobody can read a token from the store alone. Default: none. Then
   * only the process that got an answer repeats it.
   */
  storage?: TokenStorage
  /**
   * Allows one refresh of a token at a time among the processes that share `storage`. With `storage` and `lock`, requests for one
   * token at several processes become one request to Transak. The route waits for the lock up to `timeoutMs`. Default: none.
   */
  lock?: TokenLock
  /** Called for every answered request, and if something is misconfigured or degraded. An error that it throws is ignored. Default: none. */
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
 * Creates the route: `GET {mount}/api/v2/auth/refresh` and its preflight. It answers 404 for another path or one that is not in its
 * normal form, 405 for another method, and 400 if no `Request` can be made from the request. It takes a `Request` and returns a
 * `Response`, so it mounts as it is in Hono, Next.js, SvelteKit, Deno, Bun and Workers, and by {@link toNodeListener} in node:http,
 * Express and Fastify.
 *
 * Before it sends anything, the route checks the origin, the token, the limit on the address, `authorize` and the other limits, in this
 * order. Transak gets the token, `x-api-key`, `x-user-ip` and `headers`, and nothing else of the browser's request. Requests with one
 * token share one request to Transak. That request goes on if a client leaves. Its answer is repeated for 60 s, so that a client that
 * lost the answer gets the new token. Answers have the shape of Transak's answers, with texts of this package. If Transak refuses the
 * token, the answer is 401. If Transak or its CDN refuses this server, the answer is 502 with `Retry-After: 60`.
 *
 * Throws `ERR_INVALID_OPTION` for invalid options, and `ERR_WASM_UNAVAILABLE` if there is no WebAssembly.
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
 * Makes a listener for node:http from a handler. Mount it in Express by `app.use('/transak', listener)`, and in Fastify by
 * `app.all('/transak/*', (request, reply) => { reply.hijack(); listener(request.raw, reply.raw) })`.
 *
 * It passes the socket's address to the handler, reads no body, and sends each `Set-Cookie` of an answer. If another function has begun
 * the response, it does nothing. Throws `ERR_INVALID_OPTION` if the handler is no function.
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
  /** The headers as they were sent. They only show whether a header is malformed, or `authorization` came twice. */
  rawHeaders: string[]
  /** The headers that count. A middleware may have changed them. */
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
  getHeader?(name: string): string | number | string[] | undefined
  setHeader(name: string, value: string | string[]): unknown
  /** Gets a string or nothing. HTTP/1 and HTTP/2 declare it in different ways. */
  end(body?: any): unknown
  destroy(): unknown
}

/**
 * How {@link keepFresh} works: the options of a refresh, and some more. `environment` or `baseUrl` is required.
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
   * Extra headers, or a function that returns them for an entry's key, because `x-user-ip` differs for each user. If it throws, that
   * entry gets the error. Default: `accept: application/json` and a `user-agent` that names this package, which these may replace.
   */
  headers?: RefreshOptions['headers'] | ((key: K) => RefreshOptions['headers'])
  /**
   * Allows one refresh of an entry's token at a time. The lock's name is that of a session with this `key`, so a job and sessions can
   * share it. Each attempt waits for it up to 10 s. A lock that another process has rejects then. If it hangs for three entries in a
   * row instead, the job goes on without it, and waits up to 2 s for it from then on. Default: none.
   */
  lock?: TokenLock
  /**
   * Returns the token that an entry has now. It is called while the lock is held, because another process may have refreshed the token.
   * A token that is fresh now is not refreshed. If it throws or rejects, that entry gets the error. Default: none; the entry's token is
   * used.
   */
  reload?: (key: K) => string | null | undefined | Promise<string | null | undefined>
  /**
   * Stops the job. The job begins no further refresh and ends its waits. It still yields the refreshes in flight. Then it throws the
   * signal's reason. Default: none.
   */
  signal?: AbortSignal
}

/**
 * One entry: its check, and its refresh if the token was about to expire.
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
  /** The status before the refresh. With `reload` it is the status of the reloaded token. */
  status: TokenStatus
  /** The new token. Store it at once: the old one may no longer work. */
  refreshed?: RefreshedToken
  /** Why the refresh failed, what `headers` or `reload` threw, or that the entry is no pair: then `key` is undefined. */
  error?: TransakTokenError
}

/**
 * Checks the tokens of many users and refreshes those about to expire, for a nightly job over a user table. It reads the entries a
 * thousand at a time, only as fast as the loop takes the results. It yields each entry once. It yields a refreshed entry when it has
 * the new token, so the order may change.
 *
 * After an error whose `action` is `fix`, such as a wrong key, `keepFresh` sends nothing more, and each later entry that is due gets the same
 * error. If the server asks to wait (`Retry-After`), all entries wait, up to 60 s in total. After that it sends nothing more, and later
 * entries that are due get that error.
 *
 * A `break` in the loop waits for the refreshes in flight, at most `concurrency` of them, and loses their new tokens. To stop without a
 * loss, use `signal`. If the iterable of entries throws, the entries read before come first, and then the error.
 *
 * Throws `ERR_INVALID_OPTION` for entries that are not iterable, and for invalid options.
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
