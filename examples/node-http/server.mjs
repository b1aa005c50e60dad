// The route on node:http: `node server.mjs`, then `baseUrl: 'http://localhost:8080/transak'` in the page.
import { createServer } from 'node:http'
import { createRefreshHandler, toNodeListener } from 'transak-user-token/server'

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
  onEvent: ({ outcome, status, code, durationMs }) => console.log(outcome, status, code ?? '', `${durationMs} ms`),
}))

const server = createServer((req, res) => {
  if (req.url?.startsWith('/transak/')) listener(req, res)
  else res.writeHead(404).end()
})
server.listen(Number(process.env.PORT ?? 8080), process.env.HOST, () => console.log('listening'))

// Express: app.use('/transak', listener)
// Fastify: app.all('/transak/*', (request, reply) => { reply.hijack(); listener(request.raw, reply.raw) })
