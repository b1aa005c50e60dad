import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { TokenSession, webStorage } from 'transak-user-token'
import { App } from './App.tsx'

// One session for the whole page, outside of any component. It is empty if nobody has logged in.
const options = { baseUrl: '/transak', storage: webStorage(() => localStorage), key: 'user' }
const session = await TokenSession.open(options)
session.start()

createRoot(document.getElementById('root')!).render(<StrictMode><App session={session} /></StrictMode>)
