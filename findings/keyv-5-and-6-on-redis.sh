#!/usr/bin/env bash
# Keyv 5 and Keyv 6 do not find each other's entries in Redis, nor do two spellings of Keyv 5.
#
# Versions: keyv 5.6.0 and 6.1.0, each with @keyv/redis 5.1.6. Any Redis.
# Guess: `createKeyv(url)` is short for `new Keyv({ store: new KeyvRedis(url) })`, and both versions use one name for one key.
# Seen: for the key `a` `new Keyv` of version 5 writes `keyv::keyv:a`, `createKeyv` writes `a`, and version 6 writes `a` both
# ways. With `namespace: 'u'` version 5 writes `u::u:a` and version 6 `u::a`. The values have the same format. `get` of the
# other's entry is `undefined` without an error. So an update of Keyv hides what `new Keyv` has stored. While old and new
# processes run side by side, neither sees what the other stores.
#
#> 5 new Keyv writes keyv::keyv:a
#> 5 createKeyv writes a
#> 5 new Keyv, namespace u writes u::u:a
#> 6 new Keyv writes a
#> 6 createKeyv writes a
#> 6 new Keyv, namespace u writes u::a
#> after 5 new Keyv: 5 createKeyv reads undefined, 6 new Keyv reads undefined, 6 createKeyv reads undefined
#> after 5 createKeyv: 5 new Keyv reads undefined, 6 new Keyv reads token, 6 createKeyv reads token
#> after 5 new Keyv, namespace u: 6 new Keyv, namespace u reads undefined
set -euo pipefail
script=$(realpath "$0")
dir=$(mktemp -d)
trap 'kill "${redis:-}" 2>/dev/null || true; rm -rf "$dir"' EXIT
cd "$dir"
command -v redis-server >/dev/null || { apt-get update -qq && apt-get install -y -qq redis-server; } >/dev/null
mkdir 5 6
(cd 5 && npm init -y >/dev/null && npm install --silent --no-audit --no-fund keyv@5.6.0 @keyv/redis@5.1.6)
# The adapter has no release for Keyv 6 yet: its peer range says ^5.6.0, and 6.0.0-rc.1 writes the same names.
(cd 6 && npm init -y >/dev/null && npm install --silent --no-audit --no-fund --legacy-peer-deps keyv@6.1.0 @keyv/redis@5.1.6)
redis-server --bind 127.0.0.1 --port 0 --unixsocket "$dir/redis.sock" --save '' --dir "$dir" >redis.log &
redis=$!

cat > see.mjs <<'JS'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { setTimeout as wait } from 'node:timers/promises'

const socket = { socket: { path: `${process.cwd()}/redis.sock` } }
for (let i = 0; i < 200 && !existsSync(socket.socket.path); i++) await wait(50)

const makers = {}
let client
for (const version of ['5', '6']) {
  const require = createRequire(`${process.cwd()}/${version}/from.js`)
  const { Keyv } = require('keyv')
  const { default: KeyvRedis, createKeyv, createClient } = require('@keyv/redis')
  makers[`${version} new Keyv`] = () => new Keyv({ store: new KeyvRedis(socket) })
  makers[`${version} createKeyv`] = () => createKeyv(socket)
  makers[`${version} new Keyv, namespace u`] = () => new Keyv({ store: new KeyvRedis(socket), namespace: 'u' })
  client ??= await createClient(socket).connect()
}

const all = Object.entries(makers).map(([name, make]) => [name, make()])
const reads = []
for (const [name, keyv] of all) {
  await client.flushAll()
  await keyv.set('a', 'token', 600_000)
  console.log(`${name} writes ${await client.keys('*')}`)
  const others = all.filter(([other]) => other !== name && other.includes(',') === name.includes(',') && name[0] === '5')
  const found = await Promise.all(others.map(async ([other, reader]) => `${other} reads ${await reader.get('a')}`))
  if (found.length) reads.push(`after ${name}: ${found.join(', ')}`)
}
console.log(reads.join('\n'))
process.exit(0)
JS

node see.mjs | tee seen
diff <(sed -n 's/^#> //p' "$script") seen || { echo 'changed: see the lines above'; exit 1; }
