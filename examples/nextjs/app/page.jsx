'use client'
import { useEffect, useState, useSyncExternalStore } from 'react'
import { TokenSession, webStorage } from 'transak-user-token'

// A client component is rendered on the server, too: localStorage is read at first use, in the page.
const session = new TokenSession(null, {
  baseUrl: '/transak', credentials: 'same-origin', storage: webStorage(() => localStorage), key: 'user',
})

// What the server renders, and the page at first: React compares the two before it shows the real state.
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
  const renew = () => session.refresh().then(() => setOutcome('a new token'), ({ code }) => setOutcome(code))
  return <>
    <p id="state">{state}, {action}</p>
    <button onClick={renew} disabled={action === 'login'}>Renew</button>
    <p id="outcome">{outcome}</p>
  </>
}
