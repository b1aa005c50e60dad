#!/usr/bin/env bash
# @fastify/http-proxy takes the seconds of Retry-After for milliseconds.
#
# Versions: fastify 5.12.8, @fastify/http-proxy 11.6.3, @fastify/reply-from 12.6.5 (which has the code).
# Guess: the proxy passes a 503 on to its client, or waits as long as Retry-After says.
# Seen: the proxy repeats a GET ten times before it passes the 503 on. `Retry-After: 1` means 1 ms to it, so a server that asks
# for rest gets eleven requests at once. `Retry-After: 200` means 200 ms. A POST is not repeated.
# `replyOptions: { maxRetriesOn503: 0 }` means the default of ten. `retryMethods: []` beside `upstream` ends it.
# If the client of the proxy retries twice, the server gets 33 requests.
#
#> GET, Retry-After: 1, 11 requests in less than 10 s: true
#> GET, Retry-After: 200, 11 requests in less than 60 s, each at least 200 ms after the last: true
#> POST, Retry-After: 1, 1 request
#> GET, Retry-After: 1, maxRetriesOn503: 0, 11 requests
#> GET, Retry-After: 1, maxRetriesOn503: 1, 2 requests
#> GET, Retry-After: 1, retryMethods: [], 1 request
set -euo pipefail
script=$(realpath "$0")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund fastify@5.12.8 @fastify/http-proxy@11.6.3 @fastify/reply-from@12.6.5

cat > see.mjs <<'JS'
import { once } from 'node:events'
import { createServer } from 'node:http'
import proxy from '@fastify/http-proxy'
import fastify from 'fastify'

let retryAfter, times = []
const upstream = createServer((request, response) => {
  times.push(performance.now())
  response.writeHead(503, { 'retry-after': retryAfter }).end()
}).listen(0, '127.0.0.1')
await once(upstream, 'listening')

const servers = []
async function proxyWith(options) {
  const server = fastify()
  await server.register(proxy, { upstream: `http://127.0.0.1:${upstream.address().port}`, ...options })
  servers.push(server)
  return server.listen({ port: 0, host: '127.0.0.1' })
}

/** The gaps between the requests that the upstream got, in ms. */
async function gaps(url, method, seconds) {
  retryAfter = seconds
  times = []
  await fetch(url, { method, signal: AbortSignal.timeout(60_000) })
  return times.slice(1).map((time, i) => time - times[i])
}

const url = await proxyWith({})
const short = await gaps(url, 'GET', '1')
const sum = (list) => list.reduce((total, ms) => total + ms, 0)
console.log(`GET, Retry-After: 1, ${short.length + 1} requests in less than 10 s: ${sum(short) < 9_900}`)
const long = await gaps(url, 'GET', '200')
const isSpaced = sum(long) < 60_000 && long.every((ms) => ms > 190)
console.log(`GET, Retry-After: 200, ${long.length + 1} requests in less than 60 s, each at least 200 ms after the last: ${isSpaced}`)
console.log(`POST, Retry-After: 1, ${(await gaps(url, 'POST', '1')).length + 1} request`)
for (const maxRetriesOn503 of [0, 1]) {
  const some = await gaps(await proxyWith({ replyOptions: { maxRetriesOn503 } }), 'GET', '1')
  console.log(`GET, Retry-After: 1, maxRetriesOn503: ${maxRetriesOn503}, ${some.length + 1} requests`)
}
const none = await gaps(await proxyWith({ retryMethods: [] }), 'GET', '1')
console.log(`GET, Retry-After: 1, retryMethods: [], ${none.length + 1} request`)
await Promise.all(servers.map((server) => server.close()))
upstream.close()
upstream.closeAllConnections()
JS

node see.mjs | tee seen
diff <(sed -n 's/^#> //p' "$script") seen || { echo 'changed: see the lines above'; exit 1; }
