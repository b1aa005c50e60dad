// From an e-mail address to a session, against the stand-in: node main.js
import { TokenSession } from 'transak-user-token'
import { createGateway } from 'transak-user-token/gateway'
import { requestPassword, verifyPassword } from './login.js'

const gateway = createGateway({ log: console.log })   // prints the one-time password
const { url: base, close } = await gateway.listen()
const apiKey = process.env.TRANSAK_API_KEY ?? 'any', email = 'user@example.com'
const store = new Map()

const stateToken = await requestPassword(base, apiKey, email)
const otp = '123456'   // the user types it
const token = await verifyPassword(base, apiKey, email, otp, stateToken)
const session = await TokenSession.login(token, { baseUrl: base, storage: store, key: 'user-1' })
console.log(session.snapshot().state, store.has('user-1'))   // fresh true
session.dispose()
await close()
