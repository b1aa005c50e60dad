// The route on Cloudflare Workers: `wrangler dev`, then `baseUrl: 'http://localhost:8787/transak'` in the page.
import { createRefreshHandler } from 'transak-user-token/server'

let handle
const open = (env) => createRefreshHandler({
  environment: 'production',
  baseUrl: env.TRANSAK_URL,   // if unset: Transak itself
  apiKey: env.TRANSAK_API_KEY,
  allowedOrigins: [],   // a page of this origin needs no entry
  // Anyone who passes uses your key and your address. The page says who its user is: headers: { 'x-session': … }.
  authorize: (request) => {
    const session = request.headers.get('x-session')
    return session ? session === env.SESSION : false   // an empty id belongs to nobody
  },
  // Cloudflare writes this header. A client cannot.
  userIp: (request) => request.headers.get('cf-connecting-ip') ?? undefined,
})

export default {
  fetch(request, env, context) {
    handle ??= open(env)
    const answer = handle(request)
    // A request to Transak goes on even if the client leaves.
    context.waitUntil(answer)
    return answer
  },
}
