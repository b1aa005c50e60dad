// The code under test: it shows a user's state, and never throws.
import { TransakTokenError } from 'transak-user-token'

/** @param {import('transak-user-token').TokenSession} session */
export async function greeting(session) {
  try {
    await session.accessToken()
    return 'Welcome back'
  } catch (error) {
    if (!(error instanceof TransakTokenError)) throw error
    return error.action === 'login' ? 'Please log in' : 'Please try again later'
  }
}
