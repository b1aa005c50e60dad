#!/usr/bin/env bash
# An entry whose ttl is negative never expires in Keyv 6 and in Cacheable.
#
# Versions: keyv 6.1.0 and 5.6.0, cacheable 2.5.0, cache-manager 7.2.9, lru-cache 11.5.3, node-cache 5.1.2,
# quick-lru 7.3.0.
# Guess: `set(key, token, expiresAt - Date.now())` of a token that has just expired stores nothing, or stores what is gone at once.
# Seen: that holds for Keyv 5, CacheableMemory, cache-manager, lru-cache, node-cache and quick-lru. Keyv 6 and Cacheable take a
# negative ttl for none, and keep the entry for ever. Cacheable does so although it has a default ttl, and although
# CacheableMemory of the same package does not.
#
#> keyv 5: gone at once
#> keyv 6: there, and kept without an end
#> CacheableMemory: gone at once
#> Cacheable: there, and kept beyond its default ttl of 100 ms
#> cache-manager: gone at once
#> lru-cache: gone at once
#> node-cache: gone at once
#> quick-lru: gone at once
set -euo pipefail
script=$(realpath "$0")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund keyv5@npm:keyv@5.6.0 keyv6@npm:keyv@6.1.0 cacheable@2.5.0 cache-manager@7.2.9 \
  lru-cache@11.5.3 node-cache@5.1.2 quick-lru@7.3.0

cat > see.mjs <<'JS'
import { setTimeout as wait } from 'node:timers/promises'
import { createCache } from 'cache-manager'
import { Cacheable, CacheableMemory } from 'cacheable'
import { Keyv as Keyv5 } from 'keyv5'
import { Keyv as Keyv6 } from 'keyv6'
import { LRUCache } from 'lru-cache'
import NodeCache from 'node-cache'
import QuickLRU from 'quick-lru'

const past = -1_000

async function see(name, cache, options = past, how = 'without an end') {
  await cache.set('key', 'token', options)
  await wait(20)
  if (await cache.get('key') === undefined) return console.log(`${name}: gone at once`)
  await wait(300)
  if (await cache.get('key') === undefined) return console.log(`${name}: there, and gone later`)
  const { expires } = await cache.getRaw('key')
  console.log(`${name}: there, and kept ${expires === undefined ? how : 'for a time'}`)
}

await see('keyv 5', new Keyv5())
await see('keyv 6', new Keyv6())
await see('CacheableMemory', new CacheableMemory({ ttl: 60_000 }))
await see('Cacheable', new Cacheable({ ttl: 100 }), past, 'beyond its default ttl of 100 ms')
await see('cache-manager', createCache({ ttl: 60_000 }))
await see('lru-cache', new LRUCache({ max: 10 }), { ttl: past })
await see('node-cache', new NodeCache({ stdTTL: 100, checkperiod: 0 }), past / 1_000)
await see('quick-lru', new QuickLRU({ maxSize: 10 }), { maxAge: past })
process.exit(0)
JS

node see.mjs | tee seen
diff <(sed -n 's/^#> //p' "$script") seen || { echo 'changed: see the lines above'; exit 1; }
