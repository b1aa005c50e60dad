/**
 * Returns a `fetch` that attaches the session's token for the given origins, and refreshes once if an answer is 401.
 * @param {import('transak-user-token').TokenSession} session
 * @param {string[]} origins the only ones that get the token, such as 'https://api-gateway.transak.com'
 * @returns {typeof fetch}
 */
export function authorizedFetch(session, origins) {
  return async (input, init) => {
    const request = new Request(input, init), { signal } = request
    // No other origin gets the token. `redirect: 'error'` below keeps a redirect from sending it there.
    if (!origins.includes(new URL(request.url).origin)) return fetch(request)
    const send = (accessToken) => {
      // A copy each time, because a body can be sent once.
      const attempt = new Request(request.clone(), { redirect: 'error' })
      attempt.headers.set('authorization', accessToken)   // the bare token, without "Bearer"
      return fetch(attempt)
    }
    const sent = await session.accessToken({ signal })
    const response = await send(sent)
    if (response.status !== 401) return response
    await response.body?.cancel()
    // Another call may have refreshed meanwhile. If the refresh is refused, this rejects with ERR_UNAUTHORIZED: log in again.
    const now = await session.accessToken({ signal })
    return send(now === sent ? (await session.refresh({ signal })).accessToken : now)
  }
}
