#!/usr/bin/env bash
# One #[serde(flatten)] or #[serde(tag)] changes which JavaScript objects serde-wasm-bindgen reads.
#
# Versions: serde-wasm-bindgen 0.6.5, serde 1.0.229, serde_json 1.0.154, wasm-bindgen 0.2.130.
# Guess: both attributes change the layout of the data and nothing else. serde_json writes the same text with a flattened field.
# Seen: serde treats a struct with a flattened field as a map.
# - from_value reads each field of a plain struct as `object.token` does, so getters of a class and inherited properties count. With
#   a flattened field or a tagged enum it reads the entries of the object, so only own enumerable properties count. An instance of a
#   class with getters, which was read before, ends in "missing field".
# - to_value writes a plain struct as an object, and a struct with a flattened field as a Map. `.token` of it is undefined, and
#   JSON.stringify says {}. The README tells this of HashMap only.
# - The plain struct does not read a Map. The struct with the flattened field does, so a test that writes and reads it passes.
# `Serializer::json_compatible()` writes an object. from_value has no such setting.
#
#> an object: plain: reads t 7; flattened: reads t 7; tagged: reads t 7
#> a class with getters: plain: reads t 7; flattened: Error: missing field `token`; tagged: Error: missing field `kind`
#> an object that inherits its fields: plain: reads t 7; flattened: Error: missing field `token`; tagged: Error: missing field `kind`
#> a Map: plain: Error: missing field `token`; flattened: reads t 7; tagged: reads t 7
#> serde_json writes plain and flattened: {"token":"t","expires":7} {"token":"t","expires":7}
#> to_value of plain: Object, token: t, JSON.stringify: {"token":"t","expires":7}; plain: reads t 7; flattened: reads t 7
#> to_value of flattened: Map, token: undefined, JSON.stringify: {}; plain: Error: missing field `token`; flattened: reads t 7
#> to_value of flattened, json_compatible: Object, token: t, JSON.stringify: {"token":"t","expires":7}; plain: reads t 7; flattened: reads t 7
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
serde = { version = "=1.0.229", features = ["derive"] }
serde-wasm-bindgen = "=0.6.5"
serde_json = "=1.0.154"
wasm-bindgen = "=0.2.130"
[workspace]
TOML
cat > src/lib.rs <<'RUST'
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_wasm_bindgen::{from_value, to_value, Serializer};
use wasm_bindgen::prelude::{wasm_bindgen, JsValue};

#[derive(Serialize, Deserialize)]
struct Plain {
    token: String,
    expires: u64,
}
#[derive(Serialize, Deserialize)]
struct Flattened {
    token: String,
    #[serde(flatten)]
    times: Times,
}
#[derive(Serialize, Deserialize)]
struct Times {
    expires: u64,
}
#[derive(Deserialize)]
#[serde(tag = "kind")]
enum Tagged {
    Login(Plain),
}

fn read<T: DeserializeOwned>(value: JsValue, token: impl Fn(T) -> String) -> String {
    from_value(value).map_or_else(|error| error.to_string(), |read| format!("reads {}", token(read)))
}
#[wasm_bindgen]
pub fn plain(value: JsValue) -> String {
    read(value, |Plain { token, expires }| format!("{token} {expires}"))
}
#[wasm_bindgen]
pub fn flattened(value: JsValue) -> String {
    read(value, |Flattened { token, times }| format!("{token} {}", times.expires))
}
#[wasm_bindgen]
pub fn tagged(value: JsValue) -> String {
    read(value, |Tagged::Login(Plain { token, expires })| format!("{token} {expires}"))
}

fn a_plain() -> Plain {
    Plain { token: "t".into(), expires: 7 }
}
fn a_flattened() -> Flattened {
    Flattened { token: "t".into(), times: Times { expires: 7 } }
}
#[wasm_bindgen]
pub fn json() -> String {
    let both = [serde_json::to_string(&a_plain()), serde_json::to_string(&a_flattened())];
    both.map(|text| text.unwrap_or_default()).join(" ")
}
#[wasm_bindgen]
pub fn write_plain() -> JsValue {
    to_value(&a_plain()).unwrap_or_default()
}
#[wasm_bindgen]
pub fn write_flattened() -> JsValue {
    to_value(&a_flattened()).unwrap_or_default()
}
#[wasm_bindgen]
pub fn write_compatible() -> JsValue {
    a_flattened().serialize(&Serializer::json_compatible()).unwrap_or_default()
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

class Login {
  #token = 't'
  get token() { return this.#token }
  get expires() { return 7 }
  get kind() { return 'Login' }
}
const fields = { kind: 'Login', token: 't', expires: 7 }
const values = {
  'an object': fields,
  'a class with getters': new Login(),
  'an object that inherits its fields': Object.create(fields),
  'a Map': new Map(Object.entries(fields)),
}
for (const [name, value] of Object.entries(values)) {
  console.log(`${name}: plain: ${seen.plain(value)}; flattened: ${seen.flattened(value)}; tagged: ${seen.tagged(value)}`)
}

console.log(`serde_json writes plain and flattened: ${seen.json()}`)
const written = {
  'plain': seen.write_plain(),
  'flattened': seen.write_flattened(),
  'flattened, json_compatible': seen.write_compatible(),
}
for (const [name, value] of Object.entries(written)) {
  console.log(`to_value of ${name}: ${value.constructor.name}, token: ${value.token}, JSON.stringify: ${JSON.stringify(value)}; `
    + `plain: ${seen.plain(value)}; flattened: ${seen.flattened(value)}`)
}
JS

node see.cjs | tee seen
diff <(sed -n 's/^#> //p' "$script") seen || { echo 'changed: see the lines above'; exit 1; }
