// The route in as many processes as you like: REDIS_URL=redis://127.0.0.1:6379 PORT=8080 node server.mjs
import { createServer } from 'node:http'
import { createRefreshHandler, toNodeListener } from 'transak-user-token/server'
import { share } from './shared.mjs'

/** The sessions of your own users. */
const sessions = new Set([process.env.SESSION])

const listener = toNodeListener(createRefreshHandler({
  environment: 'production',
  baseUrl: process.env.TRANSAK_URL,   // if unset: Transak itself
  apiKey: process.env.TRANSAK_API_KEY,
  allowedOrigins: [],   // a page of this origin needs no entry
  // Anyone who passes uses your key and your address. The page says who its user is: headers: { 'x-session': … }.
  authorize: (request) => {
    const session = request.headers.get('x-session')
    return session ? sessions.has(session) : false   // an empty id belongs to nobody
  },
  trustedProxies: ['127.0.0.1'],   // the load balancer before the processes
  ...share(process.env.REDIS_URL ?? 'redis://127.0.0.1:6379'),
  onEvent: ({ outcome, reason, status }) => console.log(outcome, status, reason ?? ''),
}))

createServer(listener).listen(Number(process.env.PORT ?? 8080), process.env.HOST, () => console.log('listening'))
