#!/usr/bin/env bash
# @sesamecare-oss/redlock locks in database 0 of Redis, whichever database its client uses.
#
# Versions: @sesamecare-oss/redlock 1.4.0, a fork of redlock 5; redlock 4.2.0 for comparison; ioredis 5.11.1. Any Redis.
# Guess: a lock is a key in the database of the client, as it is with redlock.
# Seen: the fork selects database 0 in its Lua scripts. Only its own option `db` changes that.
# - If two applications use the databases 1 and 2 of one Redis, their locks are the same: one waits for the other.
# - While processes with redlock 4 and with the fork run side by side, both can have the lock, and both refresh.
# - `flushdb` in the client's database does not end the locks.
#
#> redlock 4 with a client of database 1: the key is in database 1
#> the fork with a client of database 1: the key is in database 0
#> the fork, a client of database 1 has the lock: a client of database 2 is refused with ExecutionError
#> the fork has the lock, client of database 1: redlock 4 with the same client has it, too
#> the fork, after flushdb by its client: a second process is refused with ExecutionError
#> the fork with a client of database 1 and db: 1: the key is in database 1
set -euo pipefail
script=$(realpath "$0")
dir=$(mktemp -d)
trap 'kill "${redis:-}" 2>/dev/null || true; rm -rf "$dir"' EXIT
cd "$dir"
command -v redis-server >/dev/null || { apt-get update -qq && apt-get install -y -qq redis-server; } >/dev/null
npm init -y >/dev/null
npm install --silent --no-audit --no-fund @sesamecare-oss/redlock@1.4.0 redlock@4.2.0 ioredis@5.11.1
redis-server --bind 127.0.0.1 --port 0 --unixsocket "$dir/redis.sock" --save '' --dir "$dir" >redis.log &
redis=$!

cat > see.mjs <<'JS'
import { existsSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { Redlock } from '@sesamecare-oss/redlock'
import { Redis } from 'ioredis'
import Redlock4 from 'redlock'

const path = `${process.cwd()}/redis.sock`
for (let i = 0; i < 200 && !existsSync(path); i++) await wait(50)
const clients = [0, 1, 2].map((db) => new Redis({ path, db }))
const [, one, two] = clients

const LEASE_MS = 60_000
const fork = (client, options) => new Redlock([client], { retryCount: 0, ...options }).acquire(['refresh'], LEASE_MS)
const old = (client) => new Redlock4([client], { retryCount: 0 }).lock('refresh', LEASE_MS)
const outcome = (lock, got) => lock.then(() => got, (error) => `is refused with ${error.name}`)

async function whereIsTheKey() {
  const found = await Promise.all(clients.map((client) => client.exists('refresh')))
  return `the key is in database ${found.flatMap((there, db) => there ? [db] : [])}`
}

await old(one)
console.log(`redlock 4 with a client of database 1: ${await whereIsTheKey()}`)
await one.flushall()
await fork(one)
console.log(`the fork with a client of database 1: ${await whereIsTheKey()}`)
console.log(`the fork, a client of database 1 has the lock: a client of database 2 ${await outcome(fork(two), 'has it, too')}`)
console.log(`the fork has the lock, client of database 1: redlock 4 with the same client ${await outcome(old(one), 'has it, too')}`)
await one.flushdb()
console.log(`the fork, after flushdb by its client: a second process ${await outcome(fork(one), 'has it, too')}`)
await one.flushall()
await fork(one, { db: 1 })
console.log(`the fork with a client of database 1 and db: 1: ${await whereIsTheKey()}`)
process.exit(0)
JS

node see.mjs | tee seen
diff <(sed -n 's/^#> //p' "$script") seen || { echo 'changed: see the lines above'; exit 1; }
