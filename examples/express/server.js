// Express behind nginx: the user is known by a session cookie, and the page calls /transak of its own origin.
import express from 'express'
import session from 'express-session'
import { createRefreshHandler, toNodeListener } from 'transak-user-token/server'

const app = express()
app.set('trust proxy', 'loopback')   // nginx runs on this machine
app.use(session({
  secret: process.env.SESSION_SECRET,   // required; in production also a store, since the default one is in memory
  resave: false,
  saveUninitialized: false,
  cookie: { httpOnly: true, secure: true, sameSite: 'lax' },
}))

// Your own login. What counts here is the cookie that it sets.
app.post('/session', express.json(), (request, response) => {
  request.session.regenerate(() => {
    request.session.user = request.body.user
    response.sendStatus(204)
  })
})

const refresh = toNodeListener(createRefreshHandler({
  environment: 'production',
  baseUrl: process.env.TRANSAK_URL,   // unset: Transak itself
  apiKey: process.env.TRANSAK_API_KEY,
  allowedOrigins: [],   // pages of this origin need no entry
  trustedProxies: ['127.0.0.1'],   // nginx: the user's address is in X-Forwarded-For
  authorize: 'none',   // decided by the line below
}))
app.use('/transak', (request, response, next) => request.session.user ? next() : response.sendStatus(403), refresh)

app.use(express.static('public'))
app.listen(Number(process.env.PORT ?? 8080), '127.0.0.1', () => console.log('listening'))
