#!/usr/bin/env bash
# Hono's proxy() follows redirects itself, so that the cookie of a login is lost or the client gets a 500.
#
# Versions: hono 4.13.19, @hono/node-server 2.1.9; for comparison h3 2.0.8, http-proxy-middleware 4.2.2 and express-http-proxy 2.1.2
# with express 5.2.1.
# Guess: `proxy(url, c.req.raw)` passes a redirect on to the client with its headers, as a reverse proxy does.
# Seen: proxy() calls fetch with its default, which follows redirects.
# - If the server answers a GET with 302 and `Set-Cookie`, the client gets 200 and the page behind the redirect. The cookie and the
#   new address are lost. The proxy asks for that page without the cookie.
# - If the server answers a POST with 302 or 307, the server has done its work, but the client gets a 500: proxy() rejects with
#   "fetch failed", because fetch cannot send the body of the POST again. The same holds for a POST without a body.
# - A POST that is answered with 303 ends as the GET does.
# `redirect: 'manual'` passes each of them on. The other three proxies do so by default.
#
#> hono, GET and 302: 200 "home", no cookie; the server got GET /302, GET /home without a cookie
#> hono, POST and 302: 500 "fetch failed", no cookie; the server got POST /302
#> hono, POST without a body and 302: 500 "fetch failed", no cookie; the server got POST /302
#> hono, POST and 303: 200 "home", no cookie; the server got POST /303, GET /home without a cookie
#> hono, POST and 307: 500 "fetch failed", no cookie; the server got POST /307
#> hono with redirect: 'manual': passes all of them on
#> h3: passes all of them on
#> http-proxy-middleware: passes all of them on
#> express-http-proxy: passes all of them on
set -euo pipefail
script=$(realpath "$0")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund hono@4.13.19 @hono/node-server@2.1.9 h3@2.0.8 http-proxy-middleware@4.2.2 \
  express-http-proxy@2.1.2 express@5.2.1

cat > see.mjs <<'JS'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { serve } from '@hono/node-server'
import express from 'express'
import expressHttpProxy from 'express-http-proxy'
import { H3, proxyRequest, toNodeHandler } from 'h3'
import { Hono } from 'hono'
import { proxy } from 'hono/proxy'
import { createProxyMiddleware } from 'http-proxy-middleware'

async function listen(server) {
  if (!server.listening) await once(server, 'listening')
  return `http://127.0.0.1:${server.address().port}`
}

let requests
const upstream = await listen(createServer((request, response) => {
  const cookie = request.url === '/home' && !request.headers.cookie ? ' without a cookie' : ''
  requests.push(`${request.method} ${request.url}${cookie}`)
  request.resume().on('end', () => {
    if (request.url === '/home') return response.end('home')
    response.writeHead(Number(request.url.slice(1)), { location: '/home', 'set-cookie': 'session=1' }).end()
  })
}).listen(0, '127.0.0.1'))

function hono(makeInit) {
  const app = new Hono()
  app.onError((error, c) => c.text(error.message, 500))
  app.all('*', (c) => proxy(upstream + c.req.path, makeInit(c.req.raw)))
  return listen(serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }))
}
const h3 = new H3().all('/**', (event) => proxyRequest(event, upstream + event.url.pathname))
const proxies = {
  'hono': await hono((raw) => raw),
  "hono with redirect: 'manual'": await hono((raw) => ({ raw, redirect: 'manual' })),
  'h3': await listen(createServer(toNodeHandler(h3)).listen(0, '127.0.0.1')),
  'http-proxy-middleware': await listen(express().use(createProxyMiddleware({ target: upstream })).listen(0, '127.0.0.1')),
  'express-http-proxy': await listen(express().use(expressHttpProxy(upstream)).listen(0, '127.0.0.1')),
}

const cases = [['GET', 302], ['POST', 302, 'name'], ['POST', 302], ['POST', 303, 'name'], ['POST', 307, 'name']]
for (const [name, url] of Object.entries(proxies)) {
  const changed = []
  for (const [method, status, body] of cases) {
    requests = []
    const response = await fetch(`${url}/${status}`, { method, body, redirect: 'manual' })
    const cookie = response.headers.get('set-cookie')
    if (response.status === status && response.headers.get('location') === '/home' && cookie === 'session=1') continue
    changed.push(`${name}, ${method}${method === 'POST' && !body ? ' without a body' : ''} and ${status}: ${response.status} `
      + `"${await response.text()}", ${cookie ?? 'no cookie'}; the server got ${requests.join(', ')}`)
  }
  console.log(changed.join('\n') || `${name}: passes all of them on`)
}
process.exit(0)
JS

node see.mjs | tee seen
diff <(sed -n 's/^#> //p' "$script") seen || { echo 'changed: see the lines above'; exit 1; }
