// Refreshes all tokens that are about to expire. Run it once a day, by cron or a timer of systemd.
import { keepFresh } from 'transak-user-token/server'
import { saveToken, users } from './users.js'

/** The address from which each user logged in: Transak wants the user's address, not the server's. */
const addresses = new Map()

/** Reads the table row by row, only as far as the job needs. */
async function* tokens() {
  for await (const { id, token, address } of users()) {
    addresses.set(id, address)
    yield [id, token]
  }
}

const counts = { fresh: 0, refreshed: 0, login: 0, failed: 0 }
for await (const { key, status, refreshed, error } of keepFresh(tokens(), {
  environment: 'production',
  baseUrl: process.env.TRANSAK_URL,   // if unset: Transak itself
  headers: (id) => ({ 'x-api-key': process.env.TRANSAK_API_KEY ?? '', 'x-user-ip': addresses.get(id) ?? '' }),
})) {
  // Store it at once: the old token may no longer work.
  if (refreshed) await saveToken(key, refreshed.accessToken)
  const outcome = refreshed ? 'refreshed' : status.action === 'login' || error?.action === 'login' ? 'login' : error ? 'failed' : 'fresh'
  counts[outcome]++
  if (error) console.error(`${key}: ${error.code}, ${error.action}`)   // it holds no token and no address
}
console.log(JSON.stringify(counts))
process.exitCode = counts.failed ? 1 : 0
