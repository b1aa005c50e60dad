// The two calls that give a token. In production your backend makes them, as it makes the refresh.

/** Sends the user a one-time password by e-mail. Resolves with the state token, which the second call needs. */
export async function requestPassword(base, apiKey, email) {
  const { stateToken } = await post(base, '/api/v2/auth/login', { apiKey, email })
  return stateToken
}

/** Resolves with the access token. */
export async function verifyPassword(base, apiKey, email, otp, stateToken) {
  const { accessToken } = await post(base, '/api/v2/auth/verify', { apiKey, email, otp, stateToken })
  return accessToken
}

async function post(base, path, body) {
  const response = await fetch(base + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': body.apiKey },
    body: JSON.stringify(body),
    redirect: 'error',
  })
  const { data, error } = await response.json()
  if (!response.ok) throw new Error(`${response.status}: ${error?.message}`)
  return data
}
