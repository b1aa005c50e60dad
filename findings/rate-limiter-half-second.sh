#!/usr/bin/env bash
# Half a second means for ever to rate-limiter-flexible on Redis.
#
# Versions: rate-limiter-flexible 11.4.0, ioredis 5.11.1; its memory limiter for comparison. Any Redis.
# Guess: `duration: 0.5` is half a second in every store, or is refused, as a negative number is.
# Seen: the Redis limiter rounds seconds down, and 0 means "never reset".
# - A limit of one refresh in half a second, which works in memory, allows one refresh and no second one on Redis. `msBeforeNext` is
#   -1 then, and `Retry-After: msBeforeNext / 1000`, which is in the README, sends -0.001.
# - `duration: 1.5` means 1 s.
# - `blockDuration: 0.5` stores a block without an end. The next attempt sets the end to a whole `duration` later, which is 60 s here.
#
#> memory, duration 0.5: allowed, next in 500 ms; 1 s later allowed
#> Redis, duration 0.5: allowed, next in -1 ms; 1 s later refused, next in -1 ms; the key has no end: true
#> memory, duration 1.5: allowed, next in 1500 ms
#> Redis, duration 1.5: allowed, next in 1000 ms
#> memory, duration 60, blockDuration 0.5: blocked for 500 ms; 1 s later allowed
#> Redis, duration 60, blockDuration 0.5: blocked for 500 ms; 1 s later refused for about 60 s more: true
set -euo pipefail
script=$(realpath "$0")
dir=$(mktemp -d)
trap 'kill "${redis:-}" 2>/dev/null || true; rm -rf "$dir"' EXIT
cd "$dir"
command -v redis-server >/dev/null || { apt-get update -qq && apt-get install -y -qq redis-server; } >/dev/null
npm init -y >/dev/null
npm install --silent --no-audit --no-fund rate-limiter-flexible@11.4.0 ioredis@5.11.1
redis-server --bind 127.0.0.1 --port 0 --unixsocket "$dir/redis.sock" --save '' --dir "$dir" >redis.log &
redis=$!

cat > see.mjs <<'JS'
import { existsSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { Redis } from 'ioredis'
import limiters from 'rate-limiter-flexible'

const path = `${process.cwd()}/redis.sock`
for (let i = 0; i < 200 && !existsSync(path); i++) await wait(50)
const client = new Redis(path)

const makers = {
  memory: (options) => new limiters.RateLimiterMemory({ points: 1, ...options }),
  Redis: (options) => new limiters.RateLimiterRedis({ points: 1, storeClient: client, ...options }),
}

/** How many milliseconds the limiter says to wait after one attempt, to a tenth of a second. */
async function attempt(limiter) {
  const { msBeforeNext } = await limiter.consume('user').catch((refusal) => refusal)
  return msBeforeNext < 0 ? msBeforeNext : Math.ceil(msBeforeNext / 100) * 100
}
const isAllowed = (limiter) => limiter.consume('user').then(() => true, () => false)

for (const [store, make] of Object.entries(makers)) {
  const limiter = make({ duration: 0.5, keyPrefix: 'half' })
  const first = await attempt(limiter)
  await wait(1_000)
  const later = await isAllowed(limiter) ? 'allowed' : `refused, next in ${await attempt(limiter)} ms`
  const key = store === 'Redis' ? `; the key has no end: ${await client.pttl('half:user') === -1}` : ''
  console.log(`${store}, duration 0.5: allowed, next in ${first} ms; 1 s later ${later}${key}`)
}
for (const [store, make] of Object.entries(makers)) {
  console.log(`${store}, duration 1.5: allowed, next in ${await attempt(make({ duration: 1.5, keyPrefix: 'more' }))} ms`)
}
for (const [store, make] of Object.entries(makers)) {
  const limiter = make({ duration: 60, blockDuration: 0.5, keyPrefix: 'block' })
  await attempt(limiter)
  const blocked = await attempt(limiter)
  await wait(1_000)
  const later = await isAllowed(limiter) ? 'allowed' : `refused for about 60 s more: ${await attempt(limiter) > 50_000}`
  console.log(`${store}, duration 60, blockDuration 0.5: blocked for ${blocked} ms; 1 s later ${later}`)
}
process.exit(0)
JS

node see.mjs | tee seen
diff <(sed -n 's/^#> //p' "$script") seen || { echo 'changed: see the lines above'; exit 1; }
