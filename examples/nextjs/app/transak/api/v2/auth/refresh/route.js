// The route in Next.js: `baseUrl: '/transak'` in a page of this application.
import { createRefreshHandler } from 'transak-user-token/server'

/** The sessions of your own users. */
const sessions = new Set([process.env.SESSION])

const handle = createRefreshHandler({
  environment: 'production',
  baseUrl: process.env.TRANSAK_URL,   // if unset: Transak itself
  apiKey: process.env.TRANSAK_API_KEY,
  allowedOrigins: [],   // a page of this application needs no entry
  // Anyone who passes uses your key and your address. The cookie of your login says who the user is.
  authorize: (request) => {
    const session = /(?:^|; )session=([^;]*)/.exec(request.headers.get('cookie') ?? '')?.[1]
    return session ? sessions.has(session) : false   // an empty id belongs to nobody
  },
  // Next.js does not know the socket's address. The last address is the one that the proxy before Next.js wrote. Without such a
  // proxy, leave this out.
  userIp: (request) => request.headers.get('x-forwarded-for')?.split(',').at(-1)?.trim(),
})

export const GET = (request) => handle(request)
export const OPTIONS = GET
