import { useEffect, useState, useSyncExternalStore } from 'react'
import { Text } from 'react-native'
import { openSession } from './session.js'

export default function App() {
  const [session, setSession] = useState()
  useEffect(() => { openSession().then(setSession) }, [])
  return session ? <Account session={session} /> : <Text>Loading</Text>
}

function Account({ session }) {
  const { action, state } = useSyncExternalStore(session.subscribe, session.snapshot, session.snapshot)
  return <Text>{action === 'login' ? 'Please log in' : state}</Text>
}
