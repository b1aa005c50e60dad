'use client'
import { useEffect, useState, useSyncExternalStore } from 'react'
import { TokenSession, webStorage } from 'transak-user-token'
import { logIn } from './log-in.js'

// The server renders a client component, too. So localStorage is read at first use, in the page.
const session = new TokenSession(null, {
  baseUrl: '/transak', credentials: 'same-origin', storage: webStorage(() => localStorage), key: 'user',
})

// The server renders this snapshot, and the page first renders the same. React requires that both are equal.
const initial = session.snapshot()

export default function Page() {
  const { state, action } = useSyncExternalStore(session.subscribe, session.snapshot, () => initial)
  const [outcome, setOutcome] = useState('')
  useEffect(() => {
    session.start()
    // The first call looks at the store, and finds the login of an earlier visit.
    session.accessToken().catch(() => {})
    return () => session.stop()
  }, [])
  const show = (promise, done) => promise.then(() => setOutcome(done), (error) => setOutcome(error.code ?? error.message))
  return <>
    <p id="state">{state}, {action}</p>
    {action === 'login'
      ? <button onClick={() => show(logIn(session), 'logged in')}>Log in</button>
      : <>
        <button onClick={() => show(session.refresh(), 'a new token')}>Renew</button>{' '}
        <button onClick={() => show(session.clear(), 'logged out')}>Log out</button>
      </>}
    <p id="outcome">{outcome}</p>
  </>
}
