#!/usr/bin/env bash
# The timeout of ofetch ends the first attempt only, and an attempt that timed out is not repeated.
#
# Version: ofetch 1.5.1. Nuxt and Nitro have ofetch as `$fetch`.
# Guess: `timeout` is a limit for each attempt, or for all of them, and `retry` repeats an attempt that took too long.
# Seen: all attempts share the signal of the first one.
# - If the first answer is a 503, the timer is cleared, and the next attempt has no limit. ofetch repeats a GET once by default, so
#   this needs no option but `timeout`.
# - If the first attempt times out, the signal stays aborted. No further attempt reaches the server, whatever `retry` says. The
#   hook `onRequest` runs for each of them nevertheless.
# - If a `signal` is given, `timeout` is ignored.
#
#> slow answer, timeout: rejects with TimeoutError in time, 1 request
#> 503 and then a slow answer, timeout: resolves after the timeout, 2 requests
#> one slow answer and then a fast one, timeout, retry: 3: rejects with TimeoutError in time, 1 request, onRequest 4 times
#> slow answer, timeout and a signal: resolves after the timeout, 1 request
set -euo pipefail
script=$(realpath "$0")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund ofetch@1.5.1

cat > see.mjs <<'JS'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { ofetch } from 'ofetch'

const TIMEOUT_MS = 1_000, SLOW_MS = 4_000
let answers, requests
const server = createServer((request, response) => {
  const answer = answers[requests++] ?? answers.at(-1)
  if (answer === '503') response.writeHead(503).end('busy')
  else setTimeout(() => response.end('a token'), answer === 'slow' ? SLOW_MS : 0)
}).listen(0, '127.0.0.1')
await once(server, 'listening')

async function see(name, list, options, withHooks = false) {
  answers = list
  requests = 0
  let hooks = 0
  const start = performance.now()
  const settled = ofetch(`http://127.0.0.1:${server.address().port}/`, { timeout: TIMEOUT_MS, onRequest() { hooks++ }, ...options })
  const outcome = await settled.then(() => 'resolves', (error) => `rejects with ${error.cause.name}`)
  const when = performance.now() - start < SLOW_MS - 500 ? 'in time' : 'after the timeout'
  const plural = `${requests} request${requests === 1 ? '' : 's'}`
  console.log(`${name}: ${outcome} ${when}, ${plural}${withHooks ? `, onRequest ${hooks} times` : ''}`)
}

await see('slow answer, timeout', ['slow'], { retry: 0 })
await see('503 and then a slow answer, timeout', ['503', 'slow'], {})
await see('one slow answer and then a fast one, timeout, retry: 3', ['slow', 'fast'], { retry: 3 }, true)
await see('slow answer, timeout and a signal', ['slow'], { signal: new AbortController().signal })
process.exit(0)
JS

node see.mjs | tee seen
diff <(sed -n 's/^#> //p' "$script") seen || { echo 'changed: see the lines above'; exit 1; }
