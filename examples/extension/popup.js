// The popup shows the worker's session, and logs the user in. The browser closes the popup when the popup loses the focus.
import { requestPassword, verifyPassword } from './login.js'
import { openSession } from './session.js'

const part = (id) => document.getElementById(id)
const session = await openSession()
session.subscribe(show)
await show()

/** Shows what the session is now. */
async function show() {
  const { action, state, issuedAt, refreshAt, expiresAt } = session.snapshot(), isIn = action !== 'login'
  const { asked } = await chrome.storage.session.get('asked')
  part('ended').hidden = isIn || !!asked || expiresAt === null   // expired, or refused by the server
  part('address').hidden = isIn || !!asked
  part('code').hidden = isIn || !asked
  part('account').hidden = !isIn
  part('to').textContent = asked?.email ?? ''
  if (!isIn) return
  const share = (instant) => `${100 * Math.min(Math.max((instant - issuedAt) / (expiresAt - issuedAt), 0), 1)}%`
  part('state').textContent = state
  part('due').style.left = share(refreshAt)
  part('now').style.left = share(Date.now())
  part('bar').ariaLabel = `${state}, until ${new Date(expiresAt).toLocaleString()}`
  for (const [id, instant] of [['issued', issuedAt], ['refresh', refreshAt], ['expires', expiresAt]]) {
    part(id).textContent = new Date(instant).toLocaleDateString(undefined, { day: 'numeric', month: 'short', year: 'numeric' })
  }
}

/** Runs `work` when a button is used, and shows its error. */
function on(id, event, work) {
  part(id).addEventListener(event, async (given) => {
    given.preventDefault()
    part('problem').textContent = ''
    await work(new FormData(given.target.form ?? (event === 'submit' ? given.target : undefined)))
      .catch((error) => { part('problem').textContent = error.message })
    await show()
  })
}

// The browser closes the popup while the user reads the e-mail. So the popup stores the address and the state token for the code.
on('address', 'submit', async (form) => chrome.storage.session.set({ asked: await requestPassword(form.get('email')) }))
on('code', 'submit', async (form) => {
  const { asked } = await chrome.storage.session.get('asked')
  await session.replace(await verifyPassword(asked, form.get('otp')))   // resolves once the token is stored
  await chrome.storage.session.remove('asked')
})
on('again', 'click', () => chrome.storage.session.remove('asked'))
on('renew', 'click', () => session.refresh())
on('out', 'click', () => session.clear())
