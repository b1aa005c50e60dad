import { TokenSession, webStorage } from 'transak-user-token'

// In the page's bundle, in public/.
export const session = await TokenSession.open({
  baseUrl: '/transak', credentials: 'same-origin', storage: webStorage(() => localStorage), key: 'user',
})
session.start()
