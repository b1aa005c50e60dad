// The worker keeps the session: the token is renewed while no page of the extension is open.
import { openSession } from './session.js'

const opened = openSession()
opened.then((session) => session.start())

// The browser ends a worker that is idle, and its timers with it. An alarm starts it again.
const setAlarm = () => chrome.alarms.create('renew', { periodInMinutes: 30 })
chrome.runtime.onInstalled.addListener(setAlarm)
chrome.runtime.onStartup.addListener(setAlarm)
chrome.alarms.onAlarm.addListener(async () => {
  const session = await opened
  await session.accessToken().catch(() => {})   // without a login there is no token
})

// By default a content script can read this storage area. This call forbids it. Firefox has no such setting.
chrome.storage.local.setAccessLevel?.({ accessLevel: 'TRUSTED_CONTEXTS' })
