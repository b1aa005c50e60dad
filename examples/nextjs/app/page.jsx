'use client'
import { useState } from 'react'
import { ensureFreshToken } from 'transak-user-token'

export default function Page() {
  const [outcome, setOutcome] = useState('')
  const renew = async () => {
    const token = sessionStorage.getItem('token') ?? ''
    const { accessToken, refreshed } = await ensureFreshToken(token, { baseUrl: '/transak', credentials: 'same-origin' })
    sessionStorage.setItem('token', accessToken)
    setOutcome(refreshed ? 'a new token' : 'the same token')
  }
  return <><button onClick={() => renew().catch(({ code }) => setOutcome(code))}>Renew</button><p>{outcome}</p></>
}
