// What a user writes against the main entry, right and wrong. It is compiled, never run.
import {
  ensureFreshToken,
  refreshAccessToken,
  tokenStatus,
  tokenStatuses,
  TransakTokenError,
  type InvalidReason,
  type RefreshedToken,
  type RefreshOptions,
  type StatusOptions,
  type TokenStatus,
  type TokenTimes,
  type TransakTokenErrorCode,
} from 'transak-user-token'

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false
const holds = <T extends true>(_: T): void => {}

// Any value may be checked.
for (const token of ['x.y.z', undefined, null, 7, {}, []]) tokenStatus(token)
tokenStatus('x.y.z', { now: Date.now(), refreshWindowMs: 1000, clockToleranceMs: 1 })
const statuses: TokenStatus[] = tokenStatuses(new Set<unknown>(['x.y.z', 7]), { now: 0 })

// The state and the action each tell the members apart.
const status = tokenStatus('x.y.z')
if (status.state === 'invalid') {
  const reason: InvalidReason = status.reason
  const action: 'login' | 'fix' = status.action
  // @ts-expect-error an invalid token has no times
  status.expiresAt
  void [reason, action]
} else {
  const times: TokenTimes & { expiresInMs: number } = status
  const issuedAt: number | null = status.issuedAt
  // @ts-expect-error a missing iat is null
  const issued: number = status.issuedAt
  // @ts-expect-error only an invalid token has a reason
  status.reason
  void [times, issuedAt, issued]
}
if (status.state === 'fresh') holds<Same<typeof status.action, 'use'>>(true)
if (status.state === 'expiring') holds<Same<typeof status.action, 'refresh'>>(true)
if (status.state === 'expired') holds<Same<typeof status.action, 'login'>>(true)
if (status.action === 'refresh') holds<Same<typeof status.expiresAt, number>>(true)
if (status.action === 'fix') holds<Same<typeof status.reason, InvalidReason>>(true)
// @ts-expect-error there is no such state
status.state === 'revoked'

const described = (status: TokenStatus): string => {
  switch (status.state) {
    case 'fresh': return `until ${status.refreshAt}`
    case 'expiring': return `until ${status.expiresAt}`
    case 'expired': return `for ${-status.expiresInMs} ms`
    case 'invalid': return status.reason
  }
}

// Options, right and wrong.
const every: RefreshOptions = {
  refreshWindowMs: 0,
  clockToleranceMs: 0,
  environment: 'production',
  baseUrl: new URL('https://api.example.com/transak'),
  allowHttp: false,
  headers: { 'x-api-key': 'k', 'x-user-ip': '203.0.113.7' },
  timeoutMs: 1,
  totalTimeoutMs: 1,
  retries: 0,
  signal: new AbortController().signal,
  fetch,
}
const others: RefreshOptions[] = [
  { headers: new Headers({ 'x-api-key': 'k' }) },
  { headers: [['x-api-key', 'k']] },
  { baseUrl: '/transak', environment: 'staging' },
  { fetch: async (url: string, init: RequestInit) => new Response(`${init.method} ${url}`) },
  { signal: AbortSignal.timeout(1000) },
]
const judging: StatusOptions = every
// @ts-expect-error no such environment
const environment: RefreshOptions = { environment: 'sandbox' }
// @ts-expect-error a duration is a number of milliseconds
const duration: RefreshOptions = { timeoutMs: '10s' }
// @ts-expect-error an option by the wrong name
const misspelled: RefreshOptions = { timeout: 10_000 }
// @ts-expect-error a fetch that gives no Response
const notFetch: RefreshOptions = { fetch: async () => 'token' }
// @ts-expect-error a refresh has no other now than now
const dated: RefreshOptions = { now: 0 }
// @ts-expect-error the header is the package's own business, and no string
const header: RefreshOptions = { headers: 'authorization: x.y.z' }
// @ts-expect-error a check sends nothing
tokenStatus('x.y.z', { baseUrl: 'https://api.example.com' })
// @ts-expect-error an instant is a number
tokenStatus('x.y.z', { now: new Date() })
// @ts-expect-error one number is no list
tokenStatuses(7)

// Refreshing takes a string, and resolves with a token.
const refreshed: Promise<RefreshedToken> = refreshAccessToken('x.y.z', every)
const ensured = await ensureFreshToken('x.y.z')
const token: RefreshedToken = ensured
const flag: boolean = ensured.refreshed
holds<Same<typeof ensured.error, TransakTokenError | undefined>>(true)
// @ts-expect-error what may be missing has to be looked at
ensured.error.code
// @ts-expect-error what storage gives may be null
refreshAccessToken(null as string | null)
// @ts-expect-error a promise is no token
refreshAccessToken('x.y.z').accessToken
// @ts-expect-error refreshAccessToken refreshes or rejects
;(await refreshAccessToken('x.y.z')).refreshed

// Errors.
try {
  await refreshed
} catch (error) {
  if (!(error instanceof TransakTokenError)) throw error
  const plain: Error = error
  const { code, action, attempts, outcomeUnknown } = error
  holds<Same<typeof code, TransakTokenErrorCode>>(true)
  holds<Same<typeof action, 'retry' | 'login' | 'fix'>>(true)
  holds<Same<typeof attempts, number>>(true)
  holds<Same<typeof outcomeUnknown, boolean>>(true)
  const cause: Error | undefined = error.cause
  const beneath: string | undefined = error.cause?.code
  const texts: (string | undefined)[] = [error.reason, error.errorCode, error.traceId]
  const numbers: (number | undefined)[] = [error.status, error.retryAfterMs]
  // @ts-expect-error there is no such code
  error.code === 'ERR_EXPIRED'
  // @ts-expect-error what happened is not to be changed
  error.code = 'ERR_SERVER'
  // @ts-expect-error not every error has a status
  error.status.toFixed()
  void [plain, cause, beneath, texts, numbers]
}
const made: Error = new TransakTokenError('made up', { code: 'ERR_SERVER', action: 'retry', attempts: 1, outcomeUnknown: true })
// @ts-expect-error an error has a code
new TransakTokenError('made up')

void [statuses, described, others, judging, environment, duration, misspelled, notFetch, dated, header, token, flag, made]

// A session.
import { TokenSession, webStorage, type SessionOptions, type SessionState, type TokenLock, type TokenStorage } from 'transak-user-token'

const tokens = new Map<string, string>()
const lock: TokenLock = async (_name, { timeoutMs, signal }, fn) => void [timeoutMs satisfies number, signal satisfies AbortSignal, await fn()]
const sessionOptions: SessionOptions[] = [
  { environment: 'staging' },
  { baseUrl: '/transak', storage: tokens, key: 'a', lock, maxWaitMs: 0, refreshWindowMs: 1, retries: 0, headers: { 'x-api-key': 'k' } },
]
const area = { getItem: (_key: string) => null, setItem: (_key: string, _value: string) => {}, removeItem: (_key: string) => {} }
const stored: TokenStorage = webStorage(area)
// A server has no area.
webStorage(() => (globalThis as { localStorage?: typeof area }).localStorage)
const session = new TokenSession('x.y.z', { environment: 'staging', storage: stored, key: 'a' })
const opened: TokenSession = await TokenSession.open({ environment: 'staging', storage: stored, key: 'a', signal: new AbortController().signal })
const loggedIn: TokenSession = await TokenSession.login('x.y.z', { environment: 'staging', storage: webStorage(() => area), key: 'a' })
const empty: TokenSession = new TokenSession(null, { environment: 'staging' })
const unsubscribe: () => void = empty.subscribe(() => { const { stored }: { readonly stored: boolean } = empty.snapshot() })
empty.dispose()
const handed: string = await session.accessToken({ signal: new AbortController().signal })
const renewed: RefreshedToken = await session.refresh()
const itsStatus: TokenStatus & { clockSkewMs: number | null, refused: boolean } = session.status()
const state: SessionState = session.status()
const done: void[] = [await session.replace('x.y.z'), await session.clear(), session.start(), session.stop(), session[Symbol.dispose]()]
session.addEventListener('refreshed', ({ type, target, detail }) => void [type, target satisfies TokenSession, detail.expiresAt satisfies number])
session.addEventListener('refreshfailed', ({ detail: { error } }) => void (error satisfies TransakTokenError), { once: true })
session.addEventListener('expired', { handleEvent: ({ detail }) => void (detail satisfies null) })
session.removeEventListener('cleared', null)
// @ts-expect-error no such event
session.addEventListener('renewed', () => {})
// @ts-expect-error a session has options
new TokenSession('x.y.z')
// @ts-expect-error a session is given no signal
new TokenSession('x.y.z', { environment: 'staging', signal: new AbortController().signal })
opened.status()
// @ts-expect-error the details are those of the event
session.addEventListener('expired', ({ detail }) => detail.error)
void [sessionOptions, handed, renewed, itsStatus, state, done]
