// The route in Hono on Node: `node server.mjs`, then `baseUrl: 'http://localhost:8080/transak'` in the page.
import { serve } from '@hono/node-server'
import { getConnInfo } from '@hono/node-server/conninfo'
import { Hono } from 'hono'
import { createRefreshHandler } from 'transak-user-token/server'

/** The sessions of your own users. */
const sessions = new Set([process.env.SESSION])

const handle = createRefreshHandler({
  environment: 'production',
  baseUrl: process.env.TRANSAK_URL,   // if unset: Transak itself
  apiKey: process.env.TRANSAK_API_KEY,
  allowedOrigins: [],   // a page of this origin needs no entry
  // Anyone who passes uses your key and your address. The page says who its user is: headers: { 'x-session': … }.
  authorize: (request) => {
    const session = request.headers.get('x-session')
    return session ? sessions.has(session) : false   // an empty id belongs to nobody
  },
})

const app = new Hono()
app.all('/transak/*', (c) => handle(c.req.raw, { remoteAddress: getConnInfo(c).remote.address }))

serve({ fetch: app.fetch, port: Number(process.env.PORT ?? 8080), hostname: process.env.HOST }, () => console.log('listening'))
