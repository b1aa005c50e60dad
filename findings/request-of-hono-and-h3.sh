#!/usr/bin/env bash
# fetch refuses the request that Hono and h3 hand to their routes on Node, although it is an instance of Request.
#
# Versions: @hono/node-server 2.1.9, hono 4.13.19, h3 2.0.8 with srvx 1.0.8; @remix-run/node-fetch-server 0.14.2 for comparison.
# By hand on Node 20, 24 and 26, the same.
# Guess: `fetch(c.req.raw)` in Hono or `fetch(event.req)` in h3 sends the request on, because `instanceof Request` is true and
# every reading of method, url, headers and body works.
# Seen: both objects inherit from Request.prototype, but Node did not construct them. Where Node needs the request itself, it
# throws a TypeError about a private member or about 'window'.
# - `fetch(request)` rejects with both. `fetch(request.clone())` works with both, because clone() returns a real Request. So does
#   `fetch(url, request)`, because this reads the properties only.
# - `new Request(request)` works with Hono, which replaces the global Request for this, and throws with h3.
# - A library that has kept the global Request from before throws with Hono, too.
# node-fetch-server hands out a real Request.
#
#> node-fetch-server: instanceof Request: true, method POST
#>   fetch(request): sent; fetch(request.clone()): sent; fetch(url, request): sent
#>   fetch(new Request(request)): sent; the same with Node's own Request: sent
#> hono: instanceof Request: true, method POST
#>   fetch(request): TypeError; fetch(request.clone()): sent; fetch(url, request): sent
#>   fetch(new Request(request)): sent; the same with Node's own Request: TypeError
#> h3: instanceof Request: true, method POST
#>   fetch(request): TypeError; fetch(request.clone()): sent; fetch(url, request): sent
#>   fetch(new Request(request)): TypeError; the same with Node's own Request: TypeError
set -euo pipefail
script=$(realpath "$0")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund hono@4.13.19 @hono/node-server@2.1.9 h3@2.0.8 srvx@1.0.8 @remix-run/node-fetch-server@0.14.2

cat > see.mjs <<'JS'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { serve } from '@hono/node-server'
import { createRequestListener } from '@remix-run/node-fetch-server'
import { H3, toNodeHandler } from 'h3'
import { Hono } from 'hono'

const NodeRequest = Request   // before Hono replaces it

async function listen(server) {
  if (!server.listening) await once(server, 'listening')
  return `http://127.0.0.1:${server.address().port}/`
}

let send
/** The route of each server. What it sends comes back to it, with the header that ends the loop. */
async function route(request) {
  if (request.headers.has('x-sent')) return new Response(await request.text() === 'a body' ? 'sent' : 'the body is lost')
  request.headers.set('x-sent', '1')
  try {
    const seen = await send(request)
    return new Response(typeof seen === 'string' ? seen : await seen.text())
  } catch (error) {
    return new Response(error.name)
  }
}

const servers = {
  'node-fetch-server': await listen(createServer(createRequestListener(route)).listen(0, '127.0.0.1')),
  'hono': await listen(serve({ fetch: new Hono().all('*', (c) => route(c.req.raw)).fetch, port: 0, hostname: '127.0.0.1' })),
  'h3': await listen(createServer(toNodeHandler(new H3().all('/**', (event) => route(event.req)))).listen(0, '127.0.0.1')),
}

for (const [name, url] of Object.entries(servers)) {
  async function see(how) {
    send = how
    return (await fetch(url, { method: 'POST', body: 'a body' })).text()
  }
  console.log(`${name}: ${await see((request) => `instanceof Request: ${request instanceof NodeRequest}, method ${request.method}`)}`)
  console.log(`  fetch(request): ${await see((request) => fetch(request))}; `
    + `fetch(request.clone()): ${await see((request) => fetch(request.clone()))}; `
    + `fetch(url, request): ${await see((request) => fetch(url, request))}`)
  console.log(`  fetch(new Request(request)): ${await see((request) => fetch(new Request(request)))}; `
    + `the same with Node's own Request: ${await see((request) => fetch(new NodeRequest(request)))}`)
}
process.exit(0)
JS

node see.mjs | tee seen
diff <(sed -n 's/^#> //p' "$script") seen || { echo 'changed: see the lines above'; exit 1; }
