// The route on Cloudflare Workers: `wrangler dev`, then `baseUrl: 'http://localhost:8787/transak'` in the page.
import { createRefreshHandler } from 'transak-user-token/server'

let handle
const open = (env) => createRefreshHandler({
  environment: 'production',
  baseUrl: env.TRANSAK_URL,   // unset: Transak itself
  apiKey: env.TRANSAK_API_KEY,
  allowedOrigins: [],   // a page of this origin needs no entry
  // Anyone who passes spends your key and your address. The page says who it is: headers: { 'x-session': … }.
  authorize: (request) => {
    const session = request.headers.get('x-session')
    return session ? session === env.SESSION : false   // an empty id is nobody's
  },
  // Cloudflare writes it; a client cannot.
  userIp: (request) => request.headers.get('cf-connecting-ip') ?? undefined,
})

export default {
  fetch(request, env, context) {
    handle ??= open(env)
    const answer = handle(request)
    // A client that leaves does not end what was sent.
    context.waitUntil(answer)
    return answer
  },
}
