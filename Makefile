# make demo    builds the package, tries it in Node against a local gateway, and serves the demo page
# make test    runs every check there is
# make pkg     builds pkg/ alone, ready for `npm pack`
# make soak    keeps sessions in real time for ten minutes
# make test-everywhere    tries the package in every runtime, bundler and browser; minutes, and some 2 GB of tools once
# make bench   measures the package beside its peers, in Node and in browsers; some ten minutes
#
# All of them install what they miss, and say so. Needed beforehand: Rust by rustup, Node with npm, make.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.ONESHELL:
.DELETE_ON_ERROR:

WASM_PACK := 0.15.1
WASM_BINDGEN := $(shell sed -n '/^name = "wasm-bindgen"$$/{n;s/version = "\(.*\)"/\1/p}' Cargo.lock)

# What cargo installs is kept between checkouts: compiling it takes minutes.
TOOLS := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/transak-user-token/wasm-pack-$(WASM_PACK)-wasm-bindgen-$(WASM_BINDGEN)
export PATH := $(TOOLS)/bin:$(CURDIR)/node_modules/.bin:$(PATH)
export CHROMIUM := $(or $(CHROMIUM),$(shell command -v chromium || command -v chromium-browser || echo /usr/bin/chromium))
CHROMEDRIVER := $(or $(CHROMEDRIVER),$(shell command -v chromedriver || echo /usr/bin/chromedriver))

SOURCES := Cargo.toml Cargo.lock rust-toolchain.toml $(shell find src -type f)
TEMPLATE := $(shell find pkg-template -type f) README.md CHANGELOG.md LICENSE-MIT LICENSE-APACHE

.PHONY: demo test test-everywhere pkg setup browser browsers clean test-rust test-wasm test-types test-gateway test-package size soak bench

pkg: pkg/package.json

# The release build has the standard library rebuilt without panic messages and for size, and uses no feature of
# WebAssembly that Chrome 75, Firefox 79 and Safari 15.1 lack. Stable Rust takes these flags with RUSTC_BOOTSTRAP; the toolchain is pinned.
# A plain `wasm-pack build --target web` works as well, and is larger. No page loads the route's: it is for speed.
WASM := target/wasm-pack/core_bg.wasm target/wasm-pack-small/core_bg.wasm target/wasm-pack-status/core_bg.wasm target/wasm-pack-server/core_bg.wasm
FEATURES = --no-default-features $(if $(findstring server,$@),--features route,$(if $(findstring status,$@),,--features package $(if $(findstring small,$@),--features small)))
INLINING = $(if $(findstring server,$@),-Cllvm-args=-inline-threshold=75,-Cllvm-args=-inline-threshold=10 -Cllvm-args=-inlinehint-threshold=20)
LLVM = unroll-runtime=false unroll-max-count=1 $(if $(findstring server,$@),,$(LEAN))
LEAN = unroll-threshold=0 disable-lsr enable-load-pre=false bonus-inst-threshold=0 phi-node-folding-threshold=0
STACK = $(if $(findstring server,$@),,-Clink-arg=-zstack-size=65536)
FOR_SIZE = $(if $(findstring server,$@),,-Zbuild-std-features=optimize_for_size)

$(WASM): $(SOURCES) | setup
	@echo "compiling the crate to wasm$(if $(findstring status,$@), without the refresh)$(if $(findstring small,$@), for Workers)$(if $(findstring server,$@), for a server's route)"
	export RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR=$(CURDIR)/target/release-build
	export RUSTFLAGS="-Zunstable-options -Zlocation-detail=none -Cpanic=immediate-abort $(INLINING) $(STACK) $(addprefix -Cllvm-args=-,$(LLVM)) -Ctarget-feature=-reference-types,-multivalue"
	wasm-pack --quiet build . --release --target web --no-pack --no-typescript --out-dir $(CURDIR)/$(@D) --out-name core \
		-- --locked -Zbuild-std=std,panic_abort $(FOR_SIZE) $(FEATURES)
	touch $@

pkg/package.json: $(WASM) $(TEMPLATE)
	@node pkg-template/build.mjs

target/installed/package.json: pkg/package.json $(shell find tests/package -type f) tests/vectors.json tests/js/vectors.mjs
	@node tests/package/install.mjs

demo: target/installed/package.json
	@node www/demo.mjs $(if $(ONCE),--once)

test: test-rust test-wasm size test-types test-gateway test-package
	@echo "all checks passed"

test-rust: | setup
	@cargo fmt --check
	cargo clippy --locked --all-targets -- --deny warnings
	cargo clippy --locked --target wasm32-unknown-unknown --all-targets -- --deny warnings
	cargo clippy --locked --target wasm32-unknown-unknown --no-default-features -- --deny warnings
	cargo clippy --locked --target wasm32-unknown-unknown --no-default-features --features package -- --deny warnings
	cargo clippy --locked --target wasm32-unknown-unknown --no-default-features --features package --features small -- --deny warnings
	cargo clippy --locked --target wasm32-unknown-unknown --no-default-features --features route -- --deny warnings
	cargo test --locked
	cargo test --locked --features small
	RUSTDOCFLAGS="--deny warnings" cargo doc --locked --no-deps --quiet

test-wasm: | setup browser
	@wasm-pack test --node --locked
	WASM_BINDGEN_USE_BROWSER=1 wasm-pack test --headless --chrome --chromedriver $(CHROMEDRIVER) --locked

test-types: pkg/package.json
	@tsc --project pkg-template

test-gateway: | setup
	@node --test tests/js/

test-package: target/installed/package.json target/plain/plain_bg.wasm | browser
	@cd target/installed
	PLAIN=$(CURDIR)/target/plain node --test --test-concurrency=2

# What whoever builds the crate by hand gets.
target/plain/plain_bg.wasm: $(SOURCES) | setup
	@wasm-pack --quiet build . --dev --target web --no-pack --no-typescript --out-dir $(CURDIR)/$(@D) --out-name plain -- --locked
	touch $@

# Sessions in real time for ten minutes; `make test` has one minute of it.
soak: target/installed/package.json
	@cd target/installed
	SOAK_MS=600000 node --test session-soak.test.mjs

size: pkg/package.json
	@node tests/size.mjs

# Each runtime, bundler and browser installs the tarball; the tools' lock files are below tests/everywhere/tools/.
# ROWS="vite node" tries only what has one of these words in its name; WRITE=1 renews the README's table.
test-everywhere: pkg/package.json | browsers
	@node tests/everywhere/run.mjs $(if $(WRITE),--write) $(ROWS)

# RUNS=1 is a quick look, ONLY=list takes the cases whose name has that text; WRITE=1 renews the README's table and chart.
bench: pkg/package.json benches/node_modules/.package-lock.json | browsers
	@node benches/run.mjs $(if $(WRITE),--write)

benches/node_modules/.package-lock.json: benches/package.json benches/package-lock.json
	@echo "installing what the benches compare with"
	cd benches
	npm install --no-save --silent --no-audit --no-fund --ignore-scripts
	touch node_modules/.package-lock.json

# What the tools are, once per machine or change of version.
setup: node_modules/.package-lock.json $(TOOLS)/bin/wasm-pack $(TOOLS)/bin/wasm-bindgen
	@rustup target list --installed | grep -qx wasm32-unknown-unknown || { echo "installing the Rust target wasm32-unknown-unknown"; rustup target add wasm32-unknown-unknown; }
	for component in rust-src clippy rustfmt; do
		rustup component list --installed | grep -q "^$$component" || { echo "installing the Rust component $$component"; rustup component add $$component; }
	done

node_modules/.package-lock.json: package-lock.json
	@echo "installing the npm tools of package-lock.json"
	npm ci --silent --no-audit --no-fund --ignore-scripts
	touch $@

$(TOOLS)/bin/wasm-pack:
	@echo "installing wasm-pack $(WASM_PACK)"
	cargo install --quiet --locked --root $(TOOLS) wasm-pack@$(WASM_PACK)

$(TOOLS)/bin/wasm-bindgen:
	@echo "installing wasm-bindgen-cli $(WASM_BINDGEN)"
	cargo install --quiet --root $(TOOLS) wasm-bindgen-cli@$(WASM_BINDGEN)

browser:
	@if type $(CHROMIUM) $(CHROMEDRIVER) > /dev/null 2>&1; then exit 0; fi
	if [ "$$(id -u)" != 0 ] || ! command -v apt-get > /dev/null; then
		echo "Chromium and its driver are missing: install them, or set CHROMIUM and CHROMEDRIVER to where they are" >&2
		exit 1
	fi
	echo "installing Chromium and its driver from the system's packages"
	apt-get -qq update
	DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends chromium chromium-driver > /dev/null

browsers: browser
	@if type firefox-esr WebKitWebDriver Xvfb redis-server > /dev/null 2>&1; then exit 0; fi
	if [ "$$(id -u)" != 0 ] || ! command -v apt-get > /dev/null; then
		echo "Firefox, WebKit's driver, Xvfb or Redis is missing: install firefox-esr, webkit2gtk-driver, xvfb and redis-server" >&2
		exit 1
	fi
	echo "installing Firefox, WebKit with a screen for it, and Redis from the system's packages"
	apt-get -qq update
	DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends firefox-esr webkit2gtk-driver xvfb redis-server > /dev/null

clean:
	@rm -rf target pkg node_modules
