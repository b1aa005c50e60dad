#!/usr/bin/env bash
# wasm-bindgen reads "true" as false for a `bool`, and "false" as true for an `Option<bool>`.
#
# Version: wasm-bindgen 0.2.130, a release build.
# Guess: a value that is no boolean counts by truthiness in both, or throws.
# Seen: for a `bool` the JavaScript value goes into an i32 as it is, so it counts as a number: "true", "yes", {} and 0.5 are
# false, and "1" and [1] are true. For an `Option<bool>` the glue tests truthiness: "false", "0", {} and 0.5 are Some(true). So a
# parameter that becomes optional in a later version can turn its meaning round.
# A u8 and an Option<u8> take 300 as 44. Option<u8> takes 16777215 as None, because this number stands for None in the glue.
# None of these calls throws.
#
#> bool: "true" false, "false" false, "yes" false, "1" true, "0" false, {} false, [1] true, 0.5 false, undefined false
#> Option<bool>: "true" Some(true), "false" Some(true), "yes" Some(true), "1" Some(true), "0" Some(true), {} Some(true), [1] Some(true), 0.5 Some(true), undefined None
#> u8: 300 44, "7" 7, 16777215 255
#> Option<u8>: 300 Some(44), "7" Some(7), 16777215 None
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
wasm-bindgen = "=0.2.130"
[workspace]
TOML
cat > src/lib.rs <<'RUST'
use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen]
pub fn plain_bool(x: bool) -> String {
    format!("{x:?}")
}
#[wasm_bindgen]
pub fn option_bool(x: Option<bool>) -> String {
    format!("{x:?}")
}
#[wasm_bindgen]
pub fn plain_u8(x: u8) -> String {
    format!("{x:?}")
}
#[wasm_bindgen]
pub fn option_u8(x: Option<u8>) -> String {
    format!("{x:?}")
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
const seen = require('./out/seen.js')
const booleans = ['true', 'false', 'yes', '1', '0', {}, [1], 0.5, undefined]
const numbers = [300, '7', 16_777_215]
const show = (name, call, values) => console.log(`${name}: ${values.map((value) => `${JSON.stringify(value)} ${call(value)}`).join(', ')}`)
show('bool', seen.plain_bool, booleans)
show('Option<bool>', seen.option_bool, booleans)
show('u8', seen.plain_u8, numbers)
show('Option<u8>', seen.option_u8, numbers)
JS

node see.cjs | tee seen
diff <(sed -n 's/^#> //p' "$script") seen || { echo 'changed: see the lines above'; exit 1; }
