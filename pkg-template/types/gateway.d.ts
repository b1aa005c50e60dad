/**
 * A local stand-in for Transak's API gateway: login, OTP, refresh and the ways in which they fail, for development, demos
 * and tests. It signs its tokens with a random key of its own. So Transak refuses its tokens, and it refuses Transak's.
 *
 * It answers three calls, which are those of Transak's documentation: `POST /api/v2/auth/login`, `POST /api/v2/auth/verify` and
 * `GET /api/v2/auth/refresh`. Any other path gets 404 and the list of these calls. If the documentation names no code or text for an
 * error, the stand-in uses its own. Do not depend on those.
 */

/**
 * Options of {@link createGateway}.
 *
 * @example
 * import type { GatewayOptions } from 'transak-user-token/gateway'
 *
 * const options: GatewayOptions = { allowedOrigins: ['http://localhost:5173'], log: console.log }
 */
export interface GatewayOptions {
  /** Lifetime of the tokens it issues. Default: 2_592_000_000 (30 days). If it is a minute or more, `iat` is in whole seconds. */
  lifetimeMs?: number
  /** The gateway's clock, in milliseconds since the epoch. Default: `Date.now`. */
  now?: () => number
  /** Whether a refresh revokes the token it replaces. Default: `false`. */
  revoke?: boolean
  /**
   * Origins whose pages may read the answers, spelled as browsers send them: `'http://localhost:5173'`. Default: `[]`, no
   * CORS headers at all. `'any'` echoes every origin.
   */
  allowedOrigins?: string[] | 'any'
  /** The one-time password that every login accepts. Default: `'123456'`. */
  otp?: string
  /** Receives the one-time password of each login; never a token, never an e-mail. Default: none. */
  log?: (line: string) => void
}

/**
 * What goes wrong with a refresh. Any fault may have `latencyMs`: the gateway first waits that many real milliseconds.
 *
 * With these faults the gateway does the refresh first: `drop` with `when: 'after'`, `truncated`, `oversized`, `bom` and `token`. So
 * it checks the token: an invalid one gets 401, or no answer with `drop`. With `revoke` it also revokes the old token, except with
 * `which: 'same'`. The other faults, except `latency`, do not check the token.
 *
 * @example
 * import type { Fault } from 'transak-user-token/gateway'
 *
 * const outage: Fault = { kind: 'error', status: 503, latencyMs: 50 }
 */
export type Fault = { latencyMs?: number } & (
  /** Answers normally after `ms` real milliseconds, at most 2^31-1. If the client leaves earlier, there is no refresh. */
  | { kind: 'latency', ms: number }
  /** Closes the connection without an answer, before or after the refresh was done. */
  | { kind: 'drop', when: 'before' | 'after' }
  /** Answers `{ error: { statusCode, message, errorCode? } }`. `status` is 200 to 599. */
  | { kind: 'error', status: number, errorCode?: number | string, message?: string, headers?: Record<string, string> }
  /** Answers 429. `retryAfter` (seconds or an HTTP date) sets the header `Retry-After`. Without it there is no such header. */
  | { kind: 'rate-limit', retryAfter?: string | number }
  /** Answers a CDN's HTML page. `status` defaults to 200. */
  | { kind: 'html', status?: number }
  /** Answers a CDN's challenge: an HTML page with `cf-mitigated: challenge`. `status` defaults to 403. CDNs also use 429 and 503. */
  | { kind: 'challenge', status?: number }
  /** Answers 403 with an errorCode, as for an address or a key that is not allowed. Default: 1001. */
  | { kind: 'ban', errorCode?: number | string }
  /** A valid answer with a byte order mark before it. */
  | { kind: 'bom' }
  /** `'connection'` (default): the connection ends in the middle of the body. `'json'`: the answer is complete, but its JSON is cut off. */
  | { kind: 'truncated', how?: 'json' | 'connection' }
  /** A valid answer, padded to `bytes`. Default: 200_000. */
  | { kind: 'oversized', bytes?: number }
  /** Answers a redirect. Default: 302 to `/elsewhere` on the gateway itself, which answers with a usable token. */
  | { kind: 'redirect', location?: string, status?: number }
  /**
   * Answers 200 with a wrong token. `older`: one of the same user, issued earlier and expiring earlier, but not expired. `same`: the
   * token that was sent. `foreign`: one of another `sub`. `expired`: an expired one. `garbage`: a text that is no JWT.
   */
  | { kind: 'token', which: 'older' | 'same' | 'foreign' | 'expired' | 'garbage' }
  /** Never answers. */
  | { kind: 'hang' }
)

/**
 * A request as it came in, with any path and method. Its headers hold the token, so do not log it.
 *
 * @example
 * import { createGateway, type RecordedRequest } from 'transak-user-token/gateway'
 *
 * const gateway = createGateway()
 * const [first]: RecordedRequest[] = gateway.requests
 */
export interface RecordedRequest {
  method: string
  /** The path with its query, as sent. */
  path: string
  /** Names in lower case. */
  headers: Record<string, string>
  /** When it came, by the gateway's clock, in milliseconds since the epoch. */
  at: number
}

/**
 * A gateway that listens.
 *
 * @example
 * import { createGateway, type Listener } from 'transak-user-token/gateway'
 *
 * const { url, close }: Listener = await createGateway().listen()
 */
export interface Listener {
  /** Without a slash at the end: `'http://127.0.0.1:4000'`. */
  url: string
  port: number
  /** Stops listening and ends every open connection, even if its answer has not been sent. May be called twice. */
  close(): Promise<void>
}

/**
 * The gateway. Its functions need no `this`, so `Deno.serve(gateway.fetch)` works.
 *
 * @example
 * import { createGateway, type Gateway } from 'transak-user-token/gateway'
 *
 * const gateway: Gateway = createGateway({ lifetimeMs: 60_000 })
 * gateway.revoke = true   // from now on
 */
export interface Gateway {
  /** As in {@link GatewayOptions}; may be set at any time. */
  lifetimeMs: number
  /** As in {@link GatewayOptions}; may be set at any time. */
  now: () => number
  /** As in {@link GatewayOptions}; may be set at any time. */
  revoke: boolean
  /** What came in, oldest first, until {@link Gateway.reset}. */
  readonly requests: RecordedRequest[]
  /**
   * Answers one request without a socket. Rejects with a `TypeError` if a server would drop the connection, and with the
   * signal's reason if `request.signal` aborts.
   */
  fetch(request: Request): Promise<Response>
  /**
   * Serves on 127.0.0.1. `port` defaults to 0, any free one. Needs `node:http` (Node, Bun, Deno). A request with an `Origin`
   * header gets a connection of its own: browsers silently repeat a GET if a reused connection drops. Bun's `fetch` does so,
   * too, unless `keepalive` is false.
   */
  listen(port?: number): Promise<Listener>
  /**
   * Makes the next `times` refreshes (GET, not the preflight) meet `fault`. Faults of earlier calls come first. `times`
   * defaults to 1; `Infinity` lasts until {@link Gateway.heal}. Throws a `TypeError` for an invalid fault, and for a name that the
   * fault or the options do not have.
   */
  fail(fault: Fault, options?: { times?: number }): void
  /** Forgets the remaining faults. */
  heal(): void
  /**
   * Issues a token at once. `claims` override the usual ones (`undefined` leaves a claim out); `lifetimeMs` defaults to the
   * gateway's.
   */
  issue(claims?: Record<string, unknown>, lifetimeMs?: number): Promise<string>
  /** Returns the claims of a token that this gateway signed, even if it is expired or revoked; `null` for anything else. */
  verify(token: string): Promise<Record<string, unknown> | null>
  /**
   * Returns the number of refresh requests, including those that met a fault: of all, or of those whose `authorization` was
   * exactly `token`.
   */
  refreshes(token?: string): number
  /** Forgets requests, counts, faults and revocations. Tokens and logins stay valid. */
  reset(): void
}

/**
 * Creates a gateway. Throws a `TypeError` for an `allowedOrigins` entry that is no exact origin, and for a name that no option of this
 * package has.
 *
 * @example
 * import { createGateway } from 'transak-user-token/gateway'
 *
 * const gateway = createGateway({ lifetimeMs: 60_000 })
 * const { url, close } = await gateway.listen()
 * const authorization = await gateway.issue({ sub: 'user@example.com' })
 *
 * gateway.fail({ kind: 'error', status: 503 })
 * await fetch(`${url}/api/v2/auth/refresh`, { headers: { authorization } })   // 503
 * await fetch(`${url}/api/v2/auth/refresh`, { headers: { authorization } })   // 200
 * gateway.refreshes(authorization)   // 2
 * await close()
 */
export function createGateway(options?: GatewayOptions): Gateway
