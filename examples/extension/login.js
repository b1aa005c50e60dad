// The two calls that give a token. In production your backend makes them, as it makes the refresh.

/** Sends the user a one-time password by e-mail. Resolves with the address and the state token, which the second call needs. */
export async function requestPassword(email) {
  const { stateToken } = await post('/api/v2/auth/login', { apiKey: 'any', email })
  return { email, stateToken }
}

/** Resolves with the access token. */
export async function verifyPassword({ email, stateToken }, otp) {
  const { accessToken } = await post('/api/v2/auth/verify', { apiKey: 'any', email, otp, stateToken })
  return accessToken
}

async function post(path, body) {
  const response = await fetch(BASE_URL + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': body.apiKey },
    body: JSON.stringify(body),
    redirect: 'error',
  })
  const { data, error } = await response.json()
  if (!response.ok) throw new Error(`${response.status}: ${error?.message}`)
  return data
}
