import { cookies } from 'next/headers'

/** Replace this by your own login, which finds out who the user is. */
export async function POST() {
  const store = await cookies()
  store.set('session', process.env.SESSION ?? '', { httpOnly: true, sameSite: 'lax', secure: process.env.NODE_ENV === 'production' })
  return new Response(null, { status: 204 })
}
