import { useEffect, useState, useSyncExternalStore } from 'react'
import type { TokenSession } from 'transak-user-token'
import { logIn } from './login.ts'

export function App({ session }: { session: TokenSession }) {
  // The snapshot is the same object until something changes, so React renders only then.
  const { state, action, expiresAt } = useSyncExternalStore(session.subscribe, session.snapshot, session.snapshot)
  if (action === 'login' || expiresAt === null) return <button onClick={() => logIn(session)}>Log in</button>
  return <>
    <p id="state">{state}, expires {new Date(expiresAt).toLocaleString()}</p>
    <Account session={session} />
    <button onClick={() => session.clear()}>Log out</button>
  </>
}

function Account({ session }: { session: TokenSession }) {
  const [text, setText] = useState('loading')
  useEffect(() => {
    // StrictMode mounts twice. The abort ends the first wait; the refresh, if there is one, goes on and serves the second.
    const controller = new AbortController(), { signal } = controller
    session.accessToken({ signal })
      .then((token) => setText(`a token of ${token.split('.').length} parts`))   // call Transak with it here
      .catch((error) => { if (!signal.aborted) setText(error.code) })
    return () => controller.abort()
  }, [session])
  return <p id="account">{text}</p>
}
