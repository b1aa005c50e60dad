// Tests against the stand-in, without a socket: node --test
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TokenSession } from 'transak-user-token'
import { createGateway } from 'transak-user-token/gateway'
import { greeting } from './profile.js'

const DAY_S = 86_400, now = Math.floor(Date.now() / 1000)

/** Returns a session with a token of this age in days, and its gateway. */
async function world(ageDays) {
  const gateway = createGateway()
  const token = await gateway.issue({ iat: now - ageDays * DAY_S, exp: now + (30 - ageDays) * DAY_S })
  const fetch = (url, init) => gateway.fetch(new Request(url, init))
  return { gateway, session: new TokenSession(token, { baseUrl: 'https://gateway.test', fetch }) }
}

test('a fresh token costs no request', async () => {
  const { gateway, session } = await world(1)
  assert.equal(await greeting(session), 'Welcome back')
  assert.equal(gateway.refreshes(), 0)
})

test('a token about to expire is refreshed', async () => {
  const { gateway, session } = await world(29)
  assert.equal(await greeting(session), 'Welcome back')
  assert.equal(gateway.refreshes(), 1)
})

test('an outage is no logout', async () => {
  const { gateway, session } = await world(29)
  gateway.fail({ kind: 'error', status: 503 })
  assert.equal(await greeting(session), 'Welcome back')
})

test('a refused token asks for a login', async () => {
  const { gateway, session } = await world(29)
  gateway.fail({ kind: 'error', status: 401, errorCode: 1002 })
  assert.equal(await greeting(session), 'Please log in')
})

test('an expired token asks for a login, without a request', async () => {
  const { gateway, session } = await world(31)
  assert.equal(await greeting(session), 'Please log in')
  assert.equal(gateway.requests.length, 0)
})
