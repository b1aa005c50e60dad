// The route in Express with a cookie session, behind nginx: `node server.mjs`, and nginx with the nginx.conf beside it. In the page:
// refreshAccessToken(token, { baseUrl: '/transak', credentials: 'same-origin' })
import { randomUUID } from 'node:crypto'
import express from 'express'
import { createRefreshHandler, toNodeListener } from 'transak-user-token/server'

/** The users by the ids of their sessions. Yours are in a database. @type {Map<string, string>} */
const sessions = new Map()

/** Returns the user of a `cookie` header. An id that nobody was given, an empty one among them, is nobody's. */
const userOf = (cookie) => sessions.get(/(?:^|; )session=([^;]+)/.exec(cookie ?? '')?.[1])

const app = express()

app.post('/login', (req, res) => {
  // Here you find out who it is.
  const id = randomUUID()
  sessions.set(id, 'user-1')
  res.cookie('session', id, { httpOnly: true, sameSite: 'lax', secure: process.env.NODE_ENV === 'production' }).sendStatus(204)
})

app.use('/transak', toNodeListener(createRefreshHandler({
  environment: 'production',
  baseUrl: process.env.TRANSAK_URL,   // unset: Transak itself
  apiKey: process.env.TRANSAK_API_KEY,
  // A page of this origin needs no entry. One of another origin needs allowCredentials: true beside its entry, and sends
  // credentials: 'include'.
  allowedOrigins: [],
  authorize: (request) => userOf(request.headers.get('cookie')) !== undefined,
  // Without this everyone would have nginx's address, and one forger would lock out all.
  trustedProxies: ['127.0.0.1'],
  onEvent: ({ outcome, reason, status }) => console.log(outcome, status, reason ?? ''),
})))

app.use(express.static('public'))

app.listen(Number(process.env.PORT ?? 8080), '127.0.0.1', () => console.log('listening'))
