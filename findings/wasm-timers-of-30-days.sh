#!/usr/bin/env bash
# A Rust timer of 30 days ends at once in WebAssembly.
#
# Versions: gloo-timers 0.4.0, futures-timer 3.0.4 with its feature wasm-bindgen; wasm-bindgen 0.2.130.
# Guess: the timer waits 30 days, as tokio does. The documentation of gloo-timers names one limit, a u32 of milliseconds, which is
# 49.7 days.
# Seen: setTimeout takes at most 24.8 days. Each crate handles more in its own way, and no call panics or returns an error:
# - gloo-timers passes a negative number, so the future is ready at once.
# - futures-timer does the same. Beyond 49.7 days it counts from 0 again: 60 days mean 10.3 days.
# A task that sleeps until a token of 30 days expires meets this.
#
#> gloo-timers, 20 days: waits; setTimeout got 20.0 days
#> gloo-timers, 30 days: ready at once; setTimeout got -19.7 days
#> futures-timer, 20 days: waits; setTimeout got 20.0 days
#> futures-timer, 30 days: ready at once; setTimeout got -19.7 days
#> futures-timer, 60 days: waits; setTimeout got 10.3 days
set -euo pipefail
script=$(realpath "$0")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
mkdir src
cat > Cargo.toml <<'TOML'
[package]
name = "seen"
version = "0.0.0"
edition = "2021"
[lib]
crate-type = ["cdylib"]
[dependencies]
futures-timer = { version = "=3.0.4", features = ["wasm-bindgen"] }
gloo-timers = { version = "=0.4.0", features = ["futures"] }
wasm-bindgen = "=0.2.130"
wasm-bindgen-futures = "=0.4.80"
[workspace]
TOML
cat > src/lib.rs <<'RUST'
use std::time::Duration;
use wasm_bindgen::prelude::wasm_bindgen;

const DAY: u64 = 24 * 60 * 60;

#[wasm_bindgen]
pub async fn gloo_timers(days: u32) {
    gloo_timers::future::sleep(Duration::from_secs(u64::from(days) * DAY)).await;
}
#[wasm_bindgen]
pub async fn futures_timer(days: u32) {
    futures_timer::Delay::new(Duration::from_secs(u64::from(days) * DAY)).await;
}
RUST
export CARGO_TARGET_DIR=$dir/target
rustup target add wasm32-unknown-unknown >/dev/null 2>&1
cargo build --quiet --release --target wasm32-unknown-unknown

# `make pkg` keeps the command here. Without it, compile what it runs, which takes minutes.
PATH=$(printf '%s:' "${XDG_CACHE_HOME:-$HOME/.cache}"/transak-user-token/wasm-pack-*/bin)$PATH
if wasm-bindgen --version 2>/dev/null | grep -q ' 0\.2\.130$'; then
  wasm-bindgen --target nodejs --out-dir out target/wasm32-unknown-unknown/release/seen.wasm
else
  mkdir -p generate/src
  cat > generate/Cargo.toml <<'TOML'
[package]
name = "generate"
version = "0.0.0"
edition = "2021"
[dependencies]
wasm-bindgen-cli-support = "=0.2.130"
[profile.dev]
debug = false
[workspace]
TOML
  cat > generate/src/main.rs <<'RUST'
fn main() {
    let mut bindgen = wasm_bindgen_cli_support::Bindgen::new();
    bindgen.input_path("target/wasm32-unknown-unknown/release/seen.wasm").nodejs(true).unwrap();
    bindgen.generate("out").unwrap();
}
RUST
  cargo run --quiet --manifest-path generate/Cargo.toml
fi

cat > see.cjs <<'JS'
const { setTimeout } = globalThis
const delays = []
globalThis.setTimeout = (callback, ms) => {
  delays.push(ms)
  return setTimeout(callback, ms)
}
const seen = require('./out/seen.js')

const [, , name, days] = process.argv
const second = new Promise((resolve) => setTimeout(resolve, 1_000, 'waits'))
Promise.race([seen[name.replace('-', '_')](Number(days)).then(() => 'ready at once'), second]).then((what) => {
  console.log(`${name}, ${days} days: ${what}; setTimeout got ${(delays.at(-1) / 86_400_000).toFixed(1)} days`)
  process.exit(0)
})
JS

# Node's warning goes to standard error.
while read -r timer days; do node see.cjs "$timer" "$days" 2>>warnings </dev/null; done <<'TIMERS' | tee seen
gloo-timers 20
gloo-timers 30
futures-timer 20
futures-timer 30
futures-timer 60
TIMERS
diff <(sed -n 's/^#> //p' "$script") seen || { echo 'changed: see the lines above'; exit 1; }
