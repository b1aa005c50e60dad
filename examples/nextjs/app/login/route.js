import { cookies } from 'next/headers'

/** Your own login, in place of this one, finds out who it is. */
export async function POST() {
  const store = await cookies()
  store.set('session', process.env.SESSION ?? '', { httpOnly: true, sameSite: 'lax', secure: process.env.NODE_ENV === 'production' })
  return new Response(null, { status: 204 })
}
