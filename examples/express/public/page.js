// With a bundler: import … from 'transak-user-token'
import { TokenSession, webStorage } from './transak-user-token/index.js'

const session = await TokenSession.open({
  baseUrl: '/transak', credentials: 'same-origin', storage: webStorage(() => localStorage), key: 'user',
})
session.start()

const show = () => { document.querySelector('#state').textContent = session.snapshot().state }
session.subscribe(show)
show()

/** Sends JSON to this origin, with the cookie. Resolves with the answer's data. */
async function post(path, body) {
  const response = await fetch(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
  if (!response.ok) throw new Error(`${path} answered ${response.status}`)
  return response.status === 204 ? undefined : (await response.json()).data
}

document.querySelector('#log-in').onclick = async () => {
  await post('/login')   // your own login, which sets the cookie
  const email = 'user@example.com'
  const { stateToken } = await post('/transak/api/v2/auth/login', { email })
  const otp = prompt('The one-time password')
  const { accessToken } = await post('/transak/api/v2/auth/verify', { email, otp, stateToken })
  await session.replace(accessToken)
}

document.querySelector('#refresh').onclick = () => session.refresh().then(show, (error) => alert(`${error.code}: ${error.action}`))
