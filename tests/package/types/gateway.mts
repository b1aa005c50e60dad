// What a user writes against the local gateway, right and wrong. It is compiled, never run.
import {
  createGateway,
  type Fault,
  type Gateway,
  type GatewayOptions,
  type Listener,
  type RecordedRequest,
} from 'transak-user-token/gateway'

const options: GatewayOptions = {
  lifetimeMs: 60_000,
  now: Date.now,
  revoke: true,
  allowedOrigins: ['http://localhost:5173'],
  otp: '000000',
  log: (line) => console.log(line),
}
const gateway: Gateway = createGateway(options)
createGateway()
createGateway({ allowedOrigins: 'any' })

const faults: Fault[] = [
  { kind: 'latency', ms: 10 },
  { kind: 'drop', when: 'after', latencyMs: 5 },
  { kind: 'error', status: 400, errorCode: 1002, message: 'no', headers: { 'x-from': 'cdn' } },
  { kind: 'rate-limit', retryAfter: '1' },
  { kind: 'html' },
  { kind: 'truncated', how: 'json' },
  { kind: 'oversized', bytes: 70_000 },
  { kind: 'redirect', location: '/elsewhere', status: 307 },
  { kind: 'token', which: 'foreign' },
  { kind: 'hang' },
]
for (const fault of faults) gateway.fail(fault, { times: 2 })
gateway.heal()
gateway.lifetimeMs = 1000
gateway.now = () => 0

const { url, port, close }: Listener = await gateway.listen(0)
const { data } = await (await gateway.fetch(new Request(`${url}/api/v2/auth/refresh`))).json() as { data: unknown }
const claims: Record<string, unknown> | null = await gateway.verify(await gateway.issue({ sub: undefined }, 1000))
const first: RecordedRequest | undefined = gateway.requests[0]
const count: number = gateway.refreshes() + gateway.refreshes('x.y.z')
gateway.reset()
await close()

// @ts-expect-error 'any' stands alone
createGateway({ allowedOrigins: ['any', 7] })
// @ts-expect-error no such fault
gateway.fail({ kind: 'explode' })
// @ts-expect-error a drop is before or after the refresh
gateway.fail({ kind: 'drop' })
// @ts-expect-error an error has a status
gateway.fail({ kind: 'error' })
// @ts-expect-error the list is the gateway's own
gateway.requests = []
// @ts-expect-error it answers a Request, not a URL
gateway.fetch(url)

void [port, data, claims, first, count]
