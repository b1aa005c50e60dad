import type { TokenSession } from 'transak-user-token'

/** Logs in with a one-time password. Here the password is the stand-in's; a page asks the user for it. */
export async function logIn(session: TokenSession) {
  const user = { apiKey: 'any', email: 'user@example.com' }
  const { stateToken } = await post('/api/v2/auth/login', user)
  const { accessToken } = await post('/api/v2/auth/verify', { ...user, stateToken, otp: '123456' })
  await session.replace(accessToken)   // the other tabs have it, too
}

async function post(path: string, body: object) {
  const response = await fetch(`/transak${path}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
  if (!response.ok) throw new Error(`${path} answered ${response.status}`)
  return (await response.json()).data
}
