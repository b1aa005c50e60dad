# make demo    builds the package, tries it in Node against a local gateway, and serves the demo page
# make test    runs every check there is
# make pkg     builds pkg/ alone, ready for `npm pack`
# make soak    keeps sessions in real time for ten minutes, or by a clock that runs faster: FASTER=10000
# make decade  takes 1,000 sessions through ten simulated years; some minutes
# make test-everywhere    tries the package in every runtime, bundler and browser; minutes, and some 2 GB of tools once
# make fuzz    tries random input on the crate, a minute for each target
# make release-check    says what keeps this checkout from being published
# make bench   measures the package beside its peers, in Node and in browsers; some twelve minutes
#
# All of them install what they miss, and say so. Needed beforehand: Rust by rustup, Node with npm, make.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.ONESHELL:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := pkg

include scripts/tools.mk
include tests/long.mk

SOURCES := Cargo.toml Cargo.lock rust-toolchain.toml $(shell find src -type f)
TEMPLATE := $(shell find pkg-template docs -type f) README.md CHANGELOG.md LICENSE-MIT LICENSE-APACHE THIRD-PARTY-NOTICES.md

.PHONY: demo first-run test test-everywhere pkg setup browser browsers clean test-rust test-wasm test-types test-gateway test-plain test-package size soak decade bench release-check fuzz fuzz-built test-fuzz test-licences mutants

pkg: pkg/package.json target/transak-user-token.tgz

# What the examples install.
target/transak-user-token.tgz: pkg/package.json
	@npm pack --silent --pack-destination target ./pkg > target/packed
	mv target/$$(cat target/packed) $@

# The standard library is rebuilt without panic messages and for size, and no feature of WebAssembly is used that Chrome 75,
# Firefox 79 and Safari 15.1 lack. Stable Rust takes these flags with RUSTC_BOOTSTRAP; the toolchain is pinned.
# A plain `wasm-pack build --target web` works as well, and is larger.
BUILDS := core status server
WASM := $(BUILDS:%=target/wasm/%/core_bg.wasm)
target/wasm/core/%: FEATURES :=
target/wasm/status/%: FEATURES := --no-default-features
target/wasm/server/%: FEATURES := --no-default-features --features route
LLVM := inline-threshold=10 inlinehint-threshold=20 unroll-runtime=false unroll-max-count=1 disable-lsr

$(WASM): $(SOURCES) | setup
	@echo "compiling the crate to wasm, $(@D): up to a minute"
	export RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR=$(CURDIR)/target/release-build
	export RUSTFLAGS="-Zunstable-options -Zlocation-detail=none -Cpanic=immediate-abort $(addprefix -Cllvm-args=-,$(LLVM)) -Ctarget-feature=-reference-types,-multivalue"
	wasm-pack --quiet build . --release --target web --no-pack --no-typescript --out-dir $(CURDIR)/$(@D) --out-name core \
		-- --locked -Zbuild-std=std,panic_abort -Zbuild-std-features=optimize_for_size $(FEATURES)
	touch $@

pkg/package.json: $(WASM) $(TEMPLATE) $(wildcard scripts/*.mjs)
	@node scripts/build.mjs

target/installed/package.json: pkg/package.json $(shell find tests/package -type f) tests/vectors.json tests/js/vectors.mjs
	@node tests/package/install.mjs

first-run:
	@if [ ! -e $(TOOLS)/bin/wasm-bindgen ]; then echo "The first run takes some ten minutes: it compiles two tools, once for each user, and the package. Later ones take seconds."
	elif [ ! -e pkg/package.json ]; then echo "The first run compiles the package, which takes a minute or two. Later ones take seconds."; fi

demo: first-run target/installed/package.json
	@node www/demo.mjs $(if $(ONCE),--once)

test: test-rust test-licences test-wasm size test-types test-gateway test-plain test-package test-fuzz
	@echo "all checks passed"

test-rust: | setup
	@cargo fmt --check
	cargo clippy --locked --all-targets -- --deny warnings
	cargo clippy --locked --target wasm32-unknown-unknown --all-targets -- --deny warnings
	cargo clippy --locked --target wasm32-unknown-unknown --no-default-features -- --deny warnings
	cargo clippy --locked --target wasm32-unknown-unknown --no-default-features --features route -- --deny warnings
	cargo test --locked
	RUSTDOCFLAGS="--deny warnings" cargo doc --locked --no-deps --quiet

# The advisories are left out: their database takes the network.
test-licences: $(TOOLS)/bin/cargo-deny
	@cargo deny --locked --log-level error check licenses bans sources
	cargo deny --locked --log-level error --manifest-path fuzz/Cargo.toml --config deny.toml check licenses bans sources

test-wasm: | setup browser
	@wasm-pack test --node --locked
	# Without the modules of src/js: the runner's server hangs now and then if a page loads more than six.
	WASM_BINDGEN_USE_BROWSER=1 wasm-pack test --headless --chrome --chromedriver $(CHROMEDRIVER) --locked --no-default-features

test-types: | setup
	@tsc --project pkg-template

test-gateway: | setup
	@node --test tests/js/

test-package: target/installed/package.json | browser
	@cd target/installed
	node --test --test-concurrency=2

# What a user gets who builds the crate by hand: the package's tests of the check and the refresh, from each target's own exports.
PLAIN := web nodejs bundler
test-plain: $(PLAIN:%=target/plain/%/package.json)
	@for target in $(PLAIN); do
		echo "testing wasm-pack build --target $$target"
		cd $(CURDIR)/target/plain/$$target
		PLAIN=$$target NODE_OPTIONS=$$([ $$target != bundler ] || echo --experimental-wasm-modules) node --test --test-concurrency=2
	done

target/plain/%/package.json: $(SOURCES) tests/plain.mjs $(wildcard tests/package/*) tests/vectors.json tests/js/vectors.mjs $(wildcard pkg-template/gateway.js pkg-template/gateway/*) | setup
	@wasm-pack --quiet build . --dev --target $* --no-pack --no-typescript --out-dir $(CURDIR)/$(@D)/node_modules/transak-user-token --out-name plain -- --locked
	node tests/plain.mjs $*

size: pkg/package.json
	@node tests/size.mjs

release-check: | setup
	@node scripts/notices.mjs --check
	node scripts/release-check.mjs

clean:
	@rm -rf target pkg node_modules
