/// <reference lib="esnext.disposable" />
/**
 * Tells whether a Transak user access token is fresh, about to expire or expired, and refreshes it while that is possible.
 *
 * It decodes a token and does **not** verify it: only Transak has the key. All instants are milliseconds since the epoch,
 * comparable with `Date.now()`; all durations are milliseconds and end in `Ms`.
 */

/**
 * The options of a check.
 *
 * @example
 * import { tokenStatus, type StatusOptions } from 'transak-user-token'
 *
 * const options: StatusOptions = { refreshWindowMs: 7 * 86_400_000, clockToleranceMs: 30_000 }
 * tokenStatus(token, options)
 */
export interface StatusOptions {
  /**
   * How long before its expiry the state of a token becomes `expiring`, in milliseconds; a finite number, 0 or more.
   * Default: 10 % of the lifetime, at most 7 days; 24 h without `iat`. That is 3 days of the usual 30: the API's reference
   * says "about to expire" and gives no number.
   */
  refreshWindowMs?: number
  /**
   * How long after its expiry a token still counts as unexpired, in milliseconds; a finite number, 0 or more: the leeway
   * for clock skew of RFC 7519, section 4.1.4. Default: 0.
   */
  clockToleranceMs?: number
}

/**
 * When a token was issued, becomes due for a refresh, and expires.
 *
 * @example
 * import { refreshAccessToken, type TokenTimes } from 'transak-user-token'
 *
 * const { refreshAt, expiresAt }: TokenTimes = await refreshAccessToken(token)
 * console.log(new Date(refreshAt), new Date(expiresAt))
 */
export interface TokenTimes {
  /** When the token was issued: its `iat`. `null` if it has no `iat`, or one that is not a valid time before `exp`. */
  issuedAt: number | null
  /** When it becomes due for a refresh: `expiresAt` minus the window. At this instant its state is `expiring` already. */
  refreshAt: number
  /** When it expires: its `exp`. At this instant it is expired already (RFC 7519, section 4.1.4: "on or after"). */
  expiresAt: number
}

/**
 * Why a value is no usable user access token. `bearer_prefix`, `partner_token` and `session_token` show a mistake in
 * the calling code (`action: 'fix'`). For any other reason a new login helps.
 *
 * - `not_a_string`: it is no string.
 * - `too_long`: it is longer than 16,384 UTF-16 code units.
 * - `bearer_prefix`: it begins with `Bearer `; the API takes the bare token.
 * - `not_a_jwt`: it is not three non-empty parts in the base64url alphabet (RFC 7519, section 3).
 * - `bad_base64`: its payload is padded or of an impossible length (RFC 7515, section 2).
 * - `bad_json`: its payload is not a JSON object in UTF-8 (RFC 7519, section 7.2).
 * - `partner_token`: it has `API_KEY` and no `sub`: a partner access token, which another call refreshes.
 * - `session_token`: it has `ott` and no `sub`: the `sessionId` of a widget URL or of a transaction's session. No call
 *   refreshes it.
 * - `no_expiry`: it has no `exp`.
 * - `bad_expiry`: its `exp` is not a number, or is so large that it must be milliseconds (RFC 7519, section 2, NumericDate).
 *
 * @example
 * import { tokenStatus, type InvalidReason } from 'transak-user-token'
 *
 * const status = tokenStatus('Bearer x.y.z')
 * const reason: InvalidReason | undefined = status.state === 'invalid' ? status.reason : undefined   // 'bearer_prefix'
 */
export type InvalidReason =
  | 'not_a_string'
  | 'too_long'
  | 'bearer_prefix'
  | 'not_a_jwt'
  | 'bad_base64'
  | 'bad_json'
  | 'partner_token'
  | 'session_token'
  | 'no_expiry'
  | 'bad_expiry'

/**
 * Where in its life a token is, and what to do. `state` tells the members apart. `expiresInMs` is `expiresAt` minus now:
 * zero or negative from the expiry on.
 *
 * - `fresh`: before `refreshAt`.
 * - `expiring`: from `refreshAt` on. It still works, and it can be refreshed.
 * - `expired`: from `expiresAt` plus the tolerance on. A refresh is impossible (the API's reference). Only a login with a
 *   one-time password helps.
 * - `invalid`: not a user access token.
 *
 * @example
 * import { tokenStatus, type TokenStatus } from 'transak-user-token'
 *
 * const status: TokenStatus = tokenStatus(token)
 * if (status.state === 'invalid') console.log(status.reason)
 * else console.log(`${status.state}, expires ${new Date(status.expiresAt).toISOString()}`)
 */
export type TokenStatus =
  | ({ state: 'fresh', action: 'use', expiresInMs: number } & TokenTimes)
  | ({ state: 'expiring', action: 'refresh', expiresInMs: number } & TokenTimes)
  | ({ state: 'expired', action: 'login', expiresInMs: number } & TokenTimes)
  | { state: 'invalid', action: 'login' | 'fix', reason: InvalidReason }

/**
 * Tells where in its life a token is. It is synchronous and sends nothing. It decodes and does not verify: a forged token
 * with a good `exp` is `fresh`.
 *
 * Tabs, line ends, form feeds and spaces around the token are ignored. `options.now` is the instant of the check. It defaults
 * to `Date.now()`.
 *
 * It takes a value of any type, and no value makes it throw. It throws `ERR_INVALID_OPTION` if an option is invalid, and
 * `ERR_WASM_UNAVAILABLE` if there is no WebAssembly.
 *
 * @example
 * import { tokenStatus } from 'transak-user-token'
 *
 * switch (tokenStatus(token).action) {
 *   case 'use': break       // as it is
 *   case 'refresh': break   // refreshAccessToken, while it is possible
 *   case 'login': break     // one-time password
 *   case 'fix': break       // the calling code passes the wrong thing
 * }
 */
export function tokenStatus(token: unknown, options?: StatusOptions & { now?: number }): TokenStatus

/**
 * Tells where in their life many tokens are, all at the same instant. The results are in the order of the tokens. It
 * decodes and does not verify, as {@link tokenStatus} does.
 *
 * Throws `ERR_INVALID_OPTION` if `tokens` is not iterable or is a string, since one token is not a list. Otherwise it throws as
 * `tokenStatus` does.
 *
 * @example
 * import { tokenStatuses } from 'transak-user-token'
 *
 * const due = tokenStatuses([token, null]).filter(({ action }) => action === 'refresh')
 */
export function tokenStatuses(tokens: Iterable<unknown>, options?: StatusOptions & { now?: number }): TokenStatus[]

/**
 * The options of a refresh. An unknown option name is refused, and so is `baseUrl: undefined` without an `environment`. Fields
 * that the object inherits from a class count. Those of `Object.prototype` do not.
 *
 * @example
 * import { refreshAccessToken, type RefreshOptions } from 'transak-user-token'
 *
 * const options: RefreshOptions = { baseUrl: 'https://api.example.com/transak', timeoutMs: 5_000, retries: 1 }
 * await refreshAccessToken(token, options)
 */
export interface RefreshOptions extends StatusOptions {
  /**
   * Which of Transak's gateways gets the request: `https://api-gateway-stg.transak.com` or `https://api-gateway.transak.com`.
   * Nothing in a token shows which gateway issued it. Default: `'staging'`, the only server that the API's reference names.
   */
  environment?: 'staging' | 'production'
  /**
   * A server that answers `GET {baseUrl}/api/v2/auth/refresh` as Transak's does: your own backend. It overrides
   * `environment`. It is `https:`, or `http:` to this machine (`localhost`, `*.localhost`, 127.0.0.0/8, `[::1]`). It may
   * not have user info, a query or a fragment. A relative URL is resolved against `location`. Default: none.
   */
  baseUrl?: string | URL | undefined
  /** Whether `baseUrl` may be `http:` to another machine. The token is then sent without encryption. Default: `false`. */
  allowHttp?: boolean
  /**
   * Further request headers, such as `x-api-key` and `x-user-ip`, which Transak requires of a backend. `authorization` is
   * refused. From a page, the server's CORS has to allow each of them. Default: none.
   */
  headers?: NonNullable<RequestInit['headers']>
  /**
   * Whether the user's cookies are sent, as in `fetch`. It is for your own backend, if that knows the user by a cookie. It is
   * refused without a `baseUrl`. Default: `'omit'`.
   */
  credentials?: 'omit' | 'same-origin' | 'include'
  /** How long one attempt may take, in milliseconds; a positive, finite number. Default: 10_000. */
  timeoutMs?: number
  /** How long all attempts and their waits may take, in milliseconds; a positive, finite number. Default: 30_000. */
  totalTimeoutMs?: number
  /** How many attempts may follow the first one; a whole number, 0 or more. Default: 2. */
  retries?: number
  /**
   * Ends the caller's wait: the promise rejects with the signal's own reason, as the promise of `fetch` does. The request is aborted
   * if no other call waits for it. Default: none.
   */
  signal?: AbortSignal
  /** Sends the request. Default: `globalThis.fetch`, looked up at each call. */
  fetch?: (url: string, init: RequestInit) => Promise<Response>
}

/**
 * A token that can be used, and its times. It holds the token: do not log it.
 *
 * @example
 * import { refreshAccessToken, type RefreshedToken } from 'transak-user-token'
 *
 * const { accessToken, expiresAt }: RefreshedToken = await refreshAccessToken(token)
 */
export interface RefreshedToken extends TokenTimes {
  /** The bare JWT, without `Bearer `. */
  accessToken: string
}

/**
 * Exchanges a token that has not expired for a new one: `GET {base}/api/v2/auth/refresh`, with the bare token as
 * `authorization` (the API's reference). **In production the vendor accepts this call from your backend only; a page uses
 * `baseUrl`.**
 *
 * Calls at the same time for the same token, server, headers, credentials, `fetch` and time-outs share one request. Network
 * failures, time-outs and 408, 429, 500, 502, 503 and 504 are tried again, with exponential back-off and jitter. `Retry-After`
 * (RFC 9110, section 10.2.3) is honoured up to 60 s and within `totalTimeoutMs`. Redirects are not followed. The new token
 * is decoded, not verified. It must have the same `sub` and expire no earlier than the old one.
 *
 * Rejects with a {@link TransakTokenError}, or with the signal's own reason. Options are checked first, then the signal, then
 * the token. `ERR_INVALID_OPTION`, `ERR_INVALID_TOKEN` and `ERR_TOKEN_EXPIRED` come before any request.
 *
 * Transak does not document whether the old token still works afterwards. Store the new one at once.
 *
 * @example
 * import { refreshAccessToken } from 'transak-user-token'
 *
 * const { accessToken, expiresAt } = await refreshAccessToken(token, {
 *   environment: 'production',
 *   headers: { 'x-api-key': 'your API key', 'x-user-ip': '203.0.113.7' },
 * })
 */
export function refreshAccessToken(token: string, options?: RefreshOptions): Promise<RefreshedToken>

/**
 * Resolves with a token that can be used: the same one if it is fresh, a new one if it is about to expire. **In production
 * the vendor accepts the refresh from your backend only; a page uses `baseUrl`.** The token is decoded, not verified.
 *
 * `refreshed` says whether the token is a new one. If the refresh fails and the old token is still good, the promise resolves
 * with the old token and the `error`.
 *
 * Rejects as {@link refreshAccessToken} does if the token is expired or invalid, if the server refuses it, if an option is
 * invalid, or if the signal aborts.
 *
 * @example
 * import { ensureFreshToken } from 'transak-user-token'
 *
 * const { accessToken, refreshed, error } = await ensureFreshToken(token, { baseUrl: 'https://api.example.com/transak' })
 * if (refreshed) token = accessToken
 * if (error) console.warn(error.code)   // the old token still works; try again later
 */
export function ensureFreshToken(
  token: string,
  options?: RefreshOptions,
): Promise<RefreshedToken & { refreshed: boolean, error?: TransakTokenError }>

/**
 * Where a session keeps its token between visits. The tabs share the store. A call may be synchronous or return a promise, and
 * may take 2 s. A call has failed if it takes longer, if it throws, if `set` returns `false`, or if the store emits `error`
 * meanwhile. A Keyv instance fits as it is. {@link webStorage} makes a store of a page's own storage, and
 * `transak-user-token/storage` has others.
 *
 * @example
 * import { type TokenStorage } from 'transak-user-token'
 *
 * const tokens = new Map<string, string>()
 * const storage: TokenStorage = {
 *   get: (key) => tokens.get(key),
 *   set: (key, token, ttlMs) => void tokens.set(key, token),
 *   delete: (key) => void tokens.delete(key),
 * }
 */
export interface TokenStorage {
  /**
   * Returns what is stored. `undefined`, `null` or an empty string means that the store is empty. If a session has read its
   * token there before, an empty store means a logout elsewhere. There are two exceptions: `storageMayForget`, and a store with
   * `throwOnErrors: false`, as a Keyv has by default. Such a store also looks empty if its backend fails.
   */
  get(key: string): unknown
  /** Stores the bare token. The store may delete it after `ttlMs` milliseconds, a number that is whole and at most 30 days. */
  set(key: string, token: string, ttlMs: number): unknown
  /** Deletes it. */
  delete(key: string): unknown
}

/**
 * Makes a session's store of `localStorage` or `sessionStorage`. A function that returns one is called at the first use, so
 * that a server can render the page. If the area throws or is missing, the session has no storage and emits one `storageerror`.
 * The area holds the bare token until that is replaced or deleted. Any script of the page can read it there.
 *
 * Throws `ERR_INVALID_OPTION` for any other argument.
 *
 * @example
 * import { TokenSession, webStorage } from 'transak-user-token'
 *
 * declare const localStorage: Parameters<typeof webStorage>[0]   // every page has it
 * const session = new TokenSession(token, { baseUrl: '/transak', storage: webStorage(localStorage), key: 'user-1' })
 */
export function webStorage(area: WebStorageArea | (() => WebStorageArea | null | undefined)): TokenStorage

/**
 * A page's storage area, such as `localStorage`.
 *
 * @example
 * import { webStorage, type WebStorageArea } from 'transak-user-token'
 *
 * const entries = new Map<string, string>()
 * const area: WebStorageArea = {
 *   getItem: (key) => entries.get(key) ?? null,
 *   setItem: (key, value) => { entries.set(key, value) },
 *   removeItem: (key) => { entries.delete(key) },
 * }
 * const storage = webStorage(() => area)
 */
export interface WebStorageArea {
  getItem(key: string): string | null
  setItem(key: string, value: string): void
  removeItem(key: string): void
}

/**
 * Waits for the lock of this name, calls `fn`, and holds the lock until `fn` ends. So only one of the sessions that share a
 * store refreshes at a time.
 *
 * It rejects if it does not get the lock within `timeoutMs` milliseconds, or if `signal` aborts. Such a rejection comes after
 * that time, or is an `AbortError` or a `TimeoutError`. Any other rejection before `fn` is called means that the lock does not
 * work. `fn` ends by itself, at the latest two minutes after its request was sent. It never rejects because of a failed refresh.
 *
 * @example
 * import { type TokenLock } from 'transak-user-token'
 *
 * let last: Promise<void> = Promise.resolve()
 * const lock: TokenLock = (name, options, fn) => (last = last.then(fn))   // within this process; each call waits for the last
 */
export type TokenLock = (
  name: string,
  options: { timeoutMs: number, signal: AbortSignal },
  fn: () => Promise<void>,
) => Promise<unknown>

/**
 * How a session refreshes and where it keeps its token. `environment` or `baseUrl` is required. `retries` defaults to 0,
 * because a session tries again by itself.
 *
 * @example
 * import { TokenSession, type SessionOptions } from 'transak-user-token'
 *
 * const options: SessionOptions = { environment: 'production', headers: { 'x-api-key': 'your API key' }, maxWaitMs: 2_000 }
 * const session = new TokenSession(token, options)
 */
export interface SessionOptions extends Omit<RefreshOptions, 'signal'> {
  /** Where the token is kept. Of all sessions with the same `key` only one refreshes at a time. Default: none, in memory only. */
  storage?: TokenStorage
  /**
   * Whether entries of `storage` can vanish by themselves, as in memcached and in a Redis without persistence. Then an empty store
   * does not mean a logout: the session writes the token again. Instead, `clear()` leaves the text `cleared` in the store for the
   * rest of the token's life, or for 30 days if the session holds no token. Other sessions take that text for a logout. A store with
   * `throwOnErrors: false`, as a Keyv has by default, counts as such a store. Default: `false`.
   */
  storageMayForget?: boolean
  /**
   * The name of the entry in the store: one key for each user. It names the lock and the sessions' messages, too. So sessions of one
   * key belong together, even if their stores differ: a logout of one ends them all. Required with `storage`. Default: none.
   */
  key?: string
  /**
   * Allows one refresh at a time among all sessions that share the store. A session waits for it up to 10 s. Default: Web Locks
   * if they exist, else a lock within the process.
   */
  lock?: TokenLock
  /**
   * How long `accessToken()` waits for a refresh while the old token is valid, in milliseconds; a finite number, 0 or more.
   * Default: 5_000.
   */
  maxWaitMs?: number
}

/**
 * Where in its life a session's token is, by the server's clock as far as it is known. A cleared session is `invalid`. If
 * the server has refused the token (`refused`), `action` is `'login'` in every state.
 *
 * @example
 * import { TokenSession, type SessionStatus } from 'transak-user-token'
 *
 * const session = new TokenSession(token, { environment: 'staging' })
 * const { state, clockSkewMs, refused }: SessionStatus = session.status()
 */
export type SessionStatus = TokenStatus & SessionState

/**
 * What a session knows beside its token.
 *
 * @example
 * import { TokenSession, type SessionState } from 'transak-user-token'
 *
 * const { refused }: SessionState = new TokenSession(token, { environment: 'staging' }).status()
 */
export interface SessionState {
  /**
   * How far the local clock is behind the server's, in milliseconds; negative if it is ahead. 0 if that is less than
   * 7 s. `null` until it is measured, by the `iat` of a token that was issued just now.
   */
  clockSkewMs: number | null
  /** Whether the server has refused the token (`ERR_UNAUTHORIZED`): `action` is `'login'` until `replace()`. */
  refused: boolean
}

/**
 * What a session is at an instant, as {@link TokenSession.snapshot} returns it. The object is frozen. Without a token its
 * instants are `null`, and `stored` is false.
 *
 * @example
 * import { TokenSession, type SessionSnapshot } from 'transak-user-token'
 *
 * const { state, expiresAt, stored }: SessionSnapshot = new TokenSession(null, { environment: 'staging' }).snapshot()
 * console.log(state, expiresAt, stored)   // invalid null false
 */
export interface SessionSnapshot {
  /** As {@link tokenStatus} returns it; `'invalid'` without a token. */
  readonly state: TokenStatus['state']
  /** As {@link tokenStatus} returns it; `'login'` if the server has refused the token. */
  readonly action: TokenStatus['action']
  /** Why the state is `'invalid'`. */
  readonly reason?: InvalidReason
  readonly issuedAt: number | null
  readonly refreshAt: number | null
  readonly expiresAt: number | null
  /** Whether the server has refused the token. */
  readonly refused: boolean
  /** Whether the token is known to be in the store. */
  readonly stored: boolean
}

/**
 * A session's events, and their `detail`. No detail holds a token.
 *
 * - `refreshed`: there is a new token of the same user, by a refresh here or in another tab.
 * - `refreshfailed`: a refresh failed. The token is kept, and there is another attempt later.
 * - `expired`: the token has expired or was refused, and only a new login helps. Once for each token.
 * - `replaced`: there is another login's token, by `replace()` here or in another tab.
 * - `cleared`: there is no token any more, by `clear()` here or in another tab, or because the store was emptied.
 * - `storageerror`: the store fails, and the session goes on in memory. Once for each outage.
 *
 * @example
 * import { TokenSession, type SessionEventMap } from 'transak-user-token'
 *
 * const show = ({ detail }: SessionEventMap['refreshfailed']) => console.warn(detail.error.code)
 * new TokenSession(token, { environment: 'staging' }).addEventListener('refreshfailed', show)
 */
export interface SessionEventMap {
  refreshed: SessionEvent<TokenTimes>
  refreshfailed: SessionEvent<{ error: TransakTokenError }>
  expired: SessionEvent<null>
  replaced: SessionEvent<null>
  cleared: SessionEvent<null>
  storageerror: SessionEvent<{ error: TransakTokenError }>
}

/**
 * An event of a session: an `Event`, if the runtime has that class.
 *
 * @example
 * import { TokenSession, type SessionEvent, type TokenTimes } from 'transak-user-token'
 *
 * const show = ({ detail }: SessionEvent<TokenTimes>) => console.log(new Date(detail.expiresAt))
 * new TokenSession(token, { environment: 'staging' }).addEventListener('refreshed', show)
 */
export interface SessionEvent<Detail> {
  readonly type: keyof SessionEventMap
  readonly target: TokenSession
  readonly detail: Detail
}

/**
 * Keeps a token valid: it returns the token, refreshes it in time, and shares it with the page's other tabs. **In production the
 * vendor accepts the refresh from your backend only; a page uses `baseUrl`.** Tokens are decoded, not verified.
 *
 * A new session sends nothing. It refreshes when asked, and by itself between `start()` and `stop()`. A request that was
 * sent is never aborted, because it may already have ended the old token. Only `replace()`, `clear()` and a logout elsewhere
 * drop its answer. Two sessions on the same token share one request.
 *
 * With `storage` and `key`, only one session of all tabs and workers refreshes at a time. The sessions tell each other that
 * something happened, and never send the token: each reads it from the store. If there are two tokens of one user, the one
 * issued later wins. If the store fails, there is one `storageerror`, and the session goes on in memory. Dispose of such a
 * session when it is not needed any more.
 *
 * The constructor throws `ERR_INVALID_OPTION`, then `ERR_INVALID_TOKEN`. It accepts an expired token.
 *
 * @example
 * import { TokenSession } from 'transak-user-token'
 *
 * const session = new TokenSession(token, { baseUrl: 'https://api.example.com/transak' })
 * session.addEventListener('expired', () => console.log('log in again'))
 * session.start()
 * const accessToken = await session.accessToken()
 */
export class TokenSession {
  /**
   * Begins a session with the token of a login, and begins to store it. Without a token the session is empty until
   * another tab or `replace()` brings one. Await `accessToken()` before the page navigates: then the token is stored.
   */
  constructor(token: string | null | undefined, options: SessionOptions)
  /**
   * Opens a session with the token that is stored under `key`. That token may be expired. The session is empty if nothing usable
   * is stored.
   *
   * Rejects with `ERR_INVALID_OPTION`, with `ERR_STORAGE` if the store fails or does not answer, and with the reason of a
   * signal that aborts.
   */
  static open(options: SessionOptions & { signal?: AbortSignal }): Promise<TokenSession>
  /**
   * Begins a session with the token of a login. Resolves once the token is stored, or its store has failed: then a page may
   * navigate. If the store has failed, the session emits `storageerror` a task later.
   *
   * Rejects with `ERR_INVALID_OPTION` and with `ERR_INVALID_TOKEN`.
   */
  static login(token: string, options: SessionOptions): Promise<TokenSession>
  /**
   * Resolves with a token that is valid now. If the token is fresh, the call resolves at once. If it is about to expire, the call waits up to
   * `maxWaitMs` for the refresh that all calls share. If the refresh takes longer, fails, or has failed just now, the call resolves
   * with the old, still valid token. With a `storage`, a call resolves once the token is stored or the store has failed, at most
   * `maxWaitMs` later.
   *
   * Rejects with `ERR_TOKEN_EXPIRED` if the token has expired, with `ERR_UNAUTHORIZED` if the server has refused it, and with
   * `ERR_INVALID_TOKEN` if the session is empty. With a `storage`, it looks there before it rejects. A signal that aborts ends
   * the wait, not the refresh.
   */
  accessToken(options?: { signal?: AbortSignal }): Promise<string>
  /** Returns the status of the token at this instant. It sends nothing, and is cheap enough to be called for every frame. */
  status(): SessionStatus
  /**
   * Refreshes the token even if it is fresh, joins a refresh under way, or adopts a newer stored token. After a failure it
   * rejects for a while with that error, without a request: 1 s to 10 min, or as long as the server asks. With a `storage` it
   * resolves once the new token is stored or the store has failed, at most `maxWaitMs` later.
   */
  refresh(options?: { signal?: AbortSignal }): Promise<RefreshedToken>
  /**
   * Goes on with the token of a new login: here at once, and in the other tabs once it is stored. This token always wins. Resolves once
   * the token is stored or the store has failed: `await session.replace(token)` before the page navigates. If another tab
   * refreshes at that moment, `replace()` waits for it, up to 10 s. Rejects with `ERR_INVALID_TOKEN`.
   */
  replace(token: string): Promise<void>
  /**
   * Logs out on this side. The session forgets the token at once. Then the token is deleted from the store and in the other tabs.
   * Nothing is sent to Transak. Resolves once the token is deleted from the store. Rejects with `ERR_STORAGE` if that fails. The
   * session then tries again, until the token is deleted or there is another login.
   */
  clear(): Promise<void>
  /**
   * Begins to renew the token by itself, soon after `refreshAt`. A random delay keeps many clients from refreshing at once. The
   * session looks at the clock at least every hour, and when the machine wakes up. A session alone does not keep Node running.
   */
  start(): void
  /** Ends the renewal. A refresh in flight is finished and stored, without events. */
  stop(): void
  /** Ends the renewal, and releases what the session holds: its channel, its timers, its subscribers. */
  dispose(): void
  /**
   * Calls `listener` after {@link TokenSession.snapshot} has changed, once for a refresh, until the returned function is called
   * or the session is disposed of. If a listener throws, the other listeners are still called. `subscribe` is bound to its session, so
   * it can be passed on alone. Throws `ERR_INVALID_OPTION` if `listener` is no function.
   *
   * @example
   * import { TokenSession } from 'transak-user-token'
   *
   * const session = new TokenSession(null, { baseUrl: 'https://api.example.com/transak' })
   * const unsubscribe = session.subscribe(() => console.log(session.snapshot().state))
   * unsubscribe()
   */
  subscribe: (listener: () => void) => () => void
  /** Returns what the session is now: the same frozen object until one of its fields changes. `snapshot` is bound, too. */
  snapshot: () => SessionSnapshot
  addEventListener<Type extends keyof SessionEventMap>(
    type: Type,
    listener: ((event: SessionEventMap[Type]) => unknown) | { handleEvent(event: SessionEventMap[Type]): unknown } | null,
    options?: boolean | { once?: boolean, capture?: boolean, passive?: boolean, signal?: AbortSignal },
  ): void
  removeEventListener<Type extends keyof SessionEventMap>(
    type: Type,
    listener: ((event: SessionEventMap[Type]) => unknown) | { handleEvent(event: SessionEventMap[Type]): unknown } | null,
    options?: boolean | { capture?: boolean },
  ): void
  /** The same as `dispose()`, if the runtime has `Symbol.dispose`. */
  [Symbol.dispose](): void
}

/**
 * What kind of failure a {@link TransakTokenError} reports. Codes are stable; messages are not.
 *
 * - `ERR_INVALID_OPTION` (fix): an option has the wrong type or range, or there is no `fetch`.
 * - `ERR_INVALID_TOKEN` (login, or fix by reason): not a usable token; `reason` says why.
 * - `ERR_TOKEN_EXPIRED` (login): expired by its own `exp`, before or during the call.
 * - `ERR_UNAUTHORIZED` (login): the server refused the token: 401, an errorCode of a token, or 400 "Session Expired".
 * - `ERR_FORBIDDEN` (fix): 403, because the address or the key is not allowed, or because your route's `authorize` refuses; or a
 *   challenge of the CDN with any status.
 * - `ERR_REJECTED` (fix): any other 4xx.
 * - `ERR_RATE_LIMITED` (retry): 429.
 * - `ERR_SERVER` (retry): 5xx.
 * - `ERR_NETWORK` (retry): no answer came, or the body of an answer broke off, or a redirect or a 304 came.
 * - `ERR_TIMEOUT` (retry): no answer came in time, or 408.
 * - `ERR_BAD_RESPONSE` (retry): an answer that cannot be used.
 * - `ERR_STORAGE` (retry): a session's store failed or did not answer.
 * - `ERR_WASM_UNAVAILABLE` (fix): no WebAssembly here, or the page's policy forbids it.
 * - `ERR_INTERNAL` (fix): a fault of this package; the next call starts afresh.
 *
 * @example
 * import { refreshAccessToken, TransakTokenError, type TransakTokenErrorCode } from 'transak-user-token'
 *
 * const passing: TransakTokenErrorCode[] = ['ERR_NETWORK', 'ERR_TIMEOUT']
 * await refreshAccessToken(token).catch((error) => {
 *   if (!(error instanceof TransakTokenError) || !passing.includes(error.code)) throw error
 * })
 */
export type TransakTokenErrorCode =
  | 'ERR_INVALID_OPTION'
  | 'ERR_INVALID_TOKEN'
  | 'ERR_TOKEN_EXPIRED'
  | 'ERR_UNAUTHORIZED'
  | 'ERR_FORBIDDEN'
  | 'ERR_REJECTED'
  | 'ERR_RATE_LIMITED'
  | 'ERR_SERVER'
  | 'ERR_NETWORK'
  | 'ERR_TIMEOUT'
  | 'ERR_BAD_RESPONSE'
  | 'ERR_STORAGE'
  | 'ERR_WASM_UNAVAILABLE'
  | 'ERR_INTERNAL'

/**
 * The one error of this package: a stable `code`, and the `action` that helps. After a request its message names the origin
 * that was asked and the HTTP status. It holds no token, no part of one, no claim and no header's value, so it may be logged
 * as it is.
 *
 * `instanceof TransakTokenError` holds for the errors of every entry and every copy of this package, if an app has several.
 *
 * @example
 * import { refreshAccessToken, TransakTokenError } from 'transak-user-token'
 *
 * try {
 *   await refreshAccessToken(token)
 * } catch (error) {
 *   if (!(error instanceof TransakTokenError)) throw error   // the signal's own reason
 *   if (error.action === 'login') console.log('log in again')
 *   else console.error(error.code, error.traceId)
 * }
 */
export class TransakTokenError extends Error {
  /** Made by this package; tests of calling code may make one, too. */
  constructor(
    message: string,
    fields: Pick<
      TransakTokenError,
      'code' | 'action' | 'reason' | 'status' | 'errorCode' | 'traceId' | 'retryAfterMs' | 'attempts' | 'outcomeUnknown'
    >,
  )
  readonly name: 'TransakTokenError'
  readonly code: TransakTokenErrorCode
  /** Whether to try again later, log in again with a one-time password, or fix the calling code or its configuration. */
  readonly action: 'retry' | 'login' | 'fix'
  /** Why the token is invalid, with `ERR_INVALID_TOKEN`. */
  readonly reason?: InvalidReason
  /** The HTTP status, if an answer came. */
  readonly status?: number
  /** Transak's own `errorCode`, as text: at most 16 characters of `[A-Za-z0-9_]`. */
  readonly errorCode?: string
  /** The answer's `trace-id`, else its `cf-ray`, for Transak's support: at most 64 characters of `[A-Za-z0-9-]`. */
  readonly traceId?: string
  /** How long the server asks to wait, in milliseconds: its `Retry-After`. */
  readonly retryAfterMs?: number
  /** How many requests were sent. */
  readonly attempts: number
  /**
   * Whether a request was sent and no usable answer came. Then the old token may no longer work. False if the cause of each failed
   * attempt shows that nothing was sent: a refused connection, an unknown host, a bad certificate.
   */
  readonly outcomeUnknown: boolean
  /** The name and the code of the underlying error, such as `TypeError` and `ECONNREFUSED`, and nothing else of that error. */
  readonly cause?: Error & { code?: string }
  /** Returns each field that is set, as plain data without the stack, for a log or another worker. */
  toJSON(): Omit<TransakTokenError, 'stack' | 'cause' | 'toJSON'> & { cause?: { name?: string, code?: string } }
}
