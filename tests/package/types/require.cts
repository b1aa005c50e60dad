// The same package by `require`.
import api = require('transak-user-token')
import local = require('transak-user-token/gateway')
import server = require('transak-user-token/server')

const status: api.TokenStatus = api.tokenStatus('x.y.z')
if (status.state === 'expiring') void status.expiresAt
const gateway: local.Gateway = local.createGateway({ lifetimeMs: 60_000 })
const isOurs = (error: unknown): error is api.TransakTokenError => error instanceof api.TransakTokenError
// @ts-expect-error there is no default export
api.default

async function renewed(): Promise<string> {
  return (await api.refreshAccessToken(await gateway.issue(), { fetch: (url, init) => gateway.fetch(new Request(url, init)) })).accessToken
}

const handle: server.RefreshHandler = server.createRefreshHandler({ environment: 'staging', allowedOrigins: [], authorize: 'none' })

void [isOurs, renewed, handle]
