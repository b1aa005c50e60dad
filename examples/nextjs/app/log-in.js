/** Logs in with a one-time password. Here the password is the stand-in's. */
export async function logIn(session) {
  await post('/login')   // your own login, which sets the cookie
  const email = 'user@example.com', otp = '123456'   // the user types both
  const { stateToken } = await post('/transak/api/v2/auth/login', { email })
  const { accessToken } = await post('/transak/api/v2/auth/verify', { email, otp, stateToken })
  await session.replace(accessToken)   // the other tabs have it, too
}

async function post(path, body) {
  const response = await fetch(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
  if (!response.ok) throw new Error(`${path} answered ${response.status}`)
  return response.status === 204 ? undefined : (await response.json()).data
}
