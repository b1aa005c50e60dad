#!/usr/bin/env bash
# unstorage drops what follows a question mark in a key, so that two keys can be one entry.
#
# Version: unstorage 1.17.6, with its memory driver; the keys are cut before any driver sees them.
# Guess: `session?user=1` and `session?user=2` are two keys, or are refused, as a key with `..` is.
# Seen: both are the key `session`. What was set last is what both read, and a removal of one removes the other. No call rejects.
# `?` alone acts like this: `#`, `&`, `=` and `%` are kept. `/` and `\` turn into `:`, and runs of `:` into one, so that
# `https://idp.example/a` and `https:idp.example:a` are one key, too.
#
#> user 1 set "one" and user 2 set "two"; user 1 reads "two"
#> keys in the store: ["session"]
#> after user 2 removed its entry user 1 reads null
#> "https://idp.example/a" and "https:idp.example:a" are one key: true
#> kept as they are: ["a#1","a%3F1","a&1","a=1"]
#> a key with ".." rejects: true
set -euo pipefail
script=$(realpath "$0")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund unstorage@1.17.6

cat > see.mjs <<'JS'
import { createStorage } from 'unstorage'

const storage = createStorage()
await storage.setItem('session?user=1', 'one')
await storage.setItem('session?user=2', 'two')
console.log(`user 1 set "one" and user 2 set "two"; user 1 reads "${await storage.getItem('session?user=1')}"`)
console.log(`keys in the store: ${JSON.stringify(await storage.getKeys())}`)
await storage.removeItem('session?user=2')
console.log(`after user 2 removed its entry user 1 reads ${await storage.getItem('session?user=1')}`)

await storage.setItem('https://idp.example/a', 'url')
console.log(`"https://idp.example/a" and "https:idp.example:a" are one key: ${await storage.getItem('https:idp.example:a') === 'url'}`)
await storage.clear()

for (const key of ['a#1', 'a%3F1', 'a&1', 'a=1']) await storage.setItem(key, key)
console.log(`kept as they are: ${JSON.stringify((await storage.getKeys()).sort())}`)
const refused = await (async () => storage.setItem('../a', 'x'))().then(() => false, () => true)
console.log(`a key with ".." rejects: ${refused}`)
JS

node see.mjs | tee seen
diff <(sed -n 's/^#> //p' "$script") seen || { echo 'changed: see the lines above'; exit 1; }
