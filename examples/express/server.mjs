// The route in Express with a cookie session, behind nginx: `node server.mjs`, and nginx with the nginx.conf beside it.
import { randomUUID } from 'node:crypto'
import express from 'express'
import { createRefreshHandler, toNodeListener } from 'transak-user-token/server'

/** The users by session id. Keep yours in a database. @type {Map<string, string>} */
const sessions = new Map()

/** Returns the user of a `cookie` header; `undefined` for an empty or an unknown id. */
const userOf = (cookie) => sessions.get(/(?:^|; )session=([^;]+)/.exec(cookie ?? '')?.[1])

const app = express()

// Replace this by your own login, which finds out who the user is.
app.post('/login', (req, res) => {
  const id = randomUUID()
  sessions.set(id, 'user-1')
  res.cookie('session', id, { httpOnly: true, sameSite: 'lax', secure: process.env.NODE_ENV === 'production' }).sendStatus(204)
})

// The two calls that give a token. Transak gets your API key, and not the page's cookie. These lines must stand before the route,
// because the route answers 404 to any other path.
app.post('/transak/api/v2/auth/:step', express.json(), async (req, res) => {
  if (!['login', 'verify'].includes(req.params.step)) return res.sendStatus(404)
  if (!userOf(req.headers.cookie)) return res.sendStatus(403)
  const apiKey = process.env.TRANSAK_API_KEY ?? ''
  const answer = await fetch(`${process.env.TRANSAK_URL ?? 'https://api-gateway.transak.com'}/api/v2/auth/${req.params.step}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': apiKey },
    body: JSON.stringify({ ...req.body, apiKey }),
    redirect: 'error',
  })
  res.status(answer.status).type('json').send(await answer.text())
})

app.use('/transak', toNodeListener(createRefreshHandler({
  environment: 'production',
  baseUrl: process.env.TRANSAK_URL,   // if unset: Transak itself
  apiKey: process.env.TRANSAK_API_KEY,
  // A page of this origin needs no entry. A page of another origin needs an entry and allowCredentials: true, and has to send
  // credentials: 'include'.
  allowedOrigins: [],
  authorize: (request) => userOf(request.headers.get('cookie')) !== undefined,
  // Without this, every user has nginx's address, and one forger locks out all users.
  trustedProxies: ['127.0.0.1'],
  onEvent: ({ outcome, reason, status }) => console.log(outcome, status, reason ?? ''),
})))

app.use(express.static('public'))
// For a page without a bundler. With one, leave this out.
app.use('/transak-user-token', express.static('node_modules/transak-user-token'))

app.listen(Number(process.env.PORT ?? 8080), '127.0.0.1', () => console.log('listening'))
