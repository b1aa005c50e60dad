import { AppState } from 'react-native'
import * as SecureStore from 'expo-secure-store'
import { TokenSession } from 'transak-user-token'
import { secureStorage } from 'transak-user-token/storage'

/** Opens the session of this phone. It is empty if nobody has logged in. */
export async function openSession() {
  const session = await TokenSession.open({
    baseUrl: 'https://api.example.com/transak',   // your own backend: an app holds no API key
    storage: secureStorage(SecureStore),
    key: 'user',
  })
  // Timers stop in the background. When the app is in front again, the session looks at the clock.
  AppState.addEventListener('change', (state) => state === 'active' ? session.start() : session.stop())
  session.start()
  return session
}
