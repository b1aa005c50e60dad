// A call to Transak with the token of a session, against the stand-in: node main.js
import { TokenSession } from 'transak-user-token'
import { createGateway } from 'transak-user-token/gateway'
import { createServer } from 'node:http'
import { authorizedFetch } from './authorized-fetch.js'

const gateway = createGateway()
const { url: baseUrl, close } = await gateway.listen()
const session = new TokenSession(await gateway.issue(), { baseUrl })

// This server stands for another call of Transak. It refuses the first token, as Transak may do after a logout elsewhere.
const refused = await session.accessToken()
const server = createServer((request, response) => {
  response.statusCode = request.headers.authorization === refused ? 401 : 200
  response.end()
})
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
const origin = `http://127.0.0.1:${server.address().port}`

const call = authorizedFetch(session, [origin])
console.log((await call(`${origin}/api/v2/user`)).status)   // 200, after one refresh
console.log(gateway.refreshes())   // 1
server.close()
await close()
