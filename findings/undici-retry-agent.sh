#!/usr/bin/env bash
# Under undici's RetryAgent a 503 is no answer any more, and a repeated answer is thrown away.
#
# Versions: undici 7.30.2; by hand also 8.13.1, the same. `interceptors.retry()` behaves like RetryAgent.
# Guess: fetch retries, and in the end resolves with the last 503; a body that breaks off is asked for again and then read.
# Seen:
# - If the server answers 503 each time, fetch rejects with "fetch failed" after six requests. The caller sees a failure of the
#   network. The status is at `error.cause.statusCode`, and the body of the 503 is lost.
# - If the body of a 200 breaks off, RetryAgent asks for the rest by `Range`. A server that ignores `Range` answers 200 with a
#   whole new body. RetryAgent drops that answer, and reading the body rejects. If the GET changes something, as a token refresh
#   does, the change is made twice and both answers are lost. Without RetryAgent fetch sends one request and rejects as well.
#
#> 503 each time, fetch: resolves with 503 after 1 request
#> 503 each time, fetch with RetryAgent: rejects with "fetch failed", cause UND_ERR_REQ_RETRY, statusCode 503, after 6 requests
#> body cut once, fetch: the body rejects, cause UND_ERR_SOCKET, after 1 request
#> body cut once, fetch with RetryAgent: the body rejects, cause UND_ERR_REQ_RETRY, after 2 requests, the second with range: bytes=1000-1999
set -euo pipefail
script=$(realpath "$0")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund undici@7.30.2

cat > see.mjs <<'JS'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { Agent, RetryAgent, fetch } from 'undici'

const body = 'x'.repeat(2_000)
let cuts, ranges, cutOff
const server = createServer((request, response) => {
  ranges.push(request.headers.range)
  if (!cuts) return response.writeHead(503).end('busy')
  response.writeHead(200, { 'content-length': body.length })
  if (ranges.length > 1) return response.end(body)
  response.write(body.slice(0, 1_000))
  cutOff = () => response.destroy()   // called once the client has read so much
}).listen(0, '127.0.0.1')
await once(server, 'listening')
const url = `http://127.0.0.1:${server.address().port}/`

const plural = (n) => `${n} request${n === 1 ? '' : 's'}`

async function ask(dispatcher) {
  ranges = []
  try {
    const response = await fetch(url, { dispatcher })
    if (!cuts) return `resolves with ${response.status} after ${plural(ranges.length)}`
    const reader = response.body.getReader()
    await reader.read()
    cutOff()
    while (!(await reader.read()).done);
    return `the body is read after ${plural(ranges.length)}`
  } catch (error) {
    const { code, statusCode } = error.cause ?? {}
    const range = ranges.length > 1 && cuts ? `, the second with range: ${ranges[1]}` : ''
    return cuts
      ? `the body rejects, cause ${code}, after ${plural(ranges.length)}${range}`
      : `rejects with "${error.message}", cause ${code}, statusCode ${statusCode}, after ${plural(ranges.length)}`
  }
}

const retrying = () => new RetryAgent(new Agent(), { minTimeout: 10, timeoutFactor: 1 })
for (cuts of [false, true]) {
  const what = cuts ? 'body cut once' : '503 each time'
  console.log(`${what}, fetch: ${await ask(new Agent())}`)
  console.log(`${what}, fetch with RetryAgent: ${await ask(retrying())}`)
}
process.exit(0)
JS

node see.mjs | tee seen
diff <(sed -n 's/^#> //p' "$script") seen || { echo 'changed: see the lines above'; exit 1; }
