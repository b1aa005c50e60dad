import { TokenSession } from 'transak-user-token'
import { extensionStorage } from 'transak-user-token/storage'

/** Opens the one session that the worker and the popup share. It is empty if nobody has logged in. */
export function openSession() {
  return TokenSession.open({
    baseUrl: BASE_URL,   // your own backend: an extension holds no API key
    storage: extensionStorage(chrome.storage.local),
    key: 'user',
  })
}
