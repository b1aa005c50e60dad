// What a user writes against the route, right and wrong. It is compiled, never run.
import {
  createRefreshHandler,
  keepFresh,
  toNodeListener,
  type KeepFreshOptions,
  type KeptEntry,
  type Limit,
  type NodeRequest,
  type NodeResponse,
  type RefreshEvent,
  type RefreshHandler,
  type RefreshHandlerOptions,
  type RequestInfo,
} from 'transak-user-token/server'
import { TransakTokenError, type RefreshedToken } from 'transak-user-token'

const total: Limit = { max: 1, windowMs: 1000 }
const every: RefreshHandlerOptions = {
  environment: 'production',
  baseUrl: new URL('https://gateway.example.com'),
  allowHttp: false,
  fetch,
  timeoutMs: 1,
  apiKey: 'k',
  allowedOrigins: ['https://app.example.com'],
  allowServerCalls: true,
  authorize: async (request: Request, info?: RequestInfo) => request.method === 'GET' && info?.remoteAddress !== undefined,
  userIp: (request) => request.headers.get('cf-connecting-ip') ?? undefined,
  trustedProxies: ['10.0.0.0/8'],
  limit: { perAddress: total, perToken: total, total },
  onEvent: ({ outcome, status, durationMs, code, traceId }: RefreshEvent) => console.log(outcome, status, durationMs, code, traceId),
}
const handle: RefreshHandler = createRefreshHandler(every)
createRefreshHandler({ ...every, userIp: async (request) => request.headers.get('x-real-ip') ?? undefined, onEvent: async () => {} })
createRefreshHandler({ environment: 'staging', allowedOrigins: [], authorize: 'none', limit: false })
const response: Response = await handle(new Request('https://api.example.com'), { remoteAddress: undefined })
const listener: (req: NodeRequest, res: NodeResponse) => void = toNodeListener(handle)

// @ts-expect-error authorize has to be decided
createRefreshHandler({ environment: 'staging', allowedOrigins: [] })
// @ts-expect-error origins have to be given
createRefreshHandler({ environment: 'staging', authorize: 'none' })
// @ts-expect-error only 'none' lets everyone pass
createRefreshHandler({ environment: 'staging', allowedOrigins: [], authorize: true })
// @ts-expect-error a limit has a window
createRefreshHandler({ environment: 'staging', allowedOrigins: [], authorize: 'none', limit: { total: { max: 5 } } })
// @ts-expect-error a handler takes a Request
handle('https://api.example.com')

const options: KeepFreshOptions = { environment: 'staging', concurrency: 4, signal: AbortSignal.timeout(1000) }
for await (const entry of keepFresh(new Map([[7, 'x.y.z']]), options)) {
  const { key, status, refreshed, error }: KeptEntry<number> = entry
  const found: [number, string, RefreshedToken | undefined, TransakTokenError | undefined] = [key, status.state, refreshed, error]
  void found
}
async function* rows(): AsyncGenerator<[string, string]> {
  yield ['user-1', 'x.y.z']
}
for await (const { key } of keepFresh(rows(), options)) key.toUpperCase()
// @ts-expect-error a list of tokens has no keys
keepFresh(['x.y.z'], options)
// @ts-expect-error whom to ask has to be said
keepFresh([])

void [response, listener]
