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

WASM_PACK := 0.15.1
CARGO_MUTANTS := 27.1.0
CARGO_DENY := 0.20.2
WASM_BINDGEN := $(shell sed -n '/^name = "wasm-bindgen"$$/{n;s/version = "\(.*\)"/\1/p}' Cargo.lock)

# What cargo installs is kept between checkouts: compiling it takes minutes.
TOOLS := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/transak-user-token/wasm-pack-$(WASM_PACK)-wasm-bindgen-$(WASM_BINDGEN)
export PATH := $(TOOLS)/bin:$(CURDIR)/node_modules/.bin:$(PATH)
export CHROMIUM := $(or $(CHROMIUM),$(shell command -v chromium || command -v chromium-browser || echo /usr/bin/chromium))
CHROMEDRIVER := $(or $(CHROMEDRIVER),$(shell command -v chromedriver || echo /usr/bin/chromedriver))

HOST = $(shell rustc -vV | sed -n 's/^host: //p')

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

# Sessions in real time for ten minutes; `make test` has one minute of it.
# libfaketime makes 69 days of them with FASTER=10000, and with FASTER=260000 five years of tokens of up to 30 days.
soak: target/installed/package.json | $(if $(FASTER),faketime)
	@cd target/installed
	SOAK_MS=$(or $(SOAK_MS),600000) FASTER=$(or $(FASTER),1) $(if $(FASTER),faketime -m -f '+0 x$(FASTER)') node --test session-soak.test.mjs

# `make test` has three of them. DECADE_SEED=7 takes others, and DECADE_FLEET=7 repeats one user's sessions alone.
decade:
	@export DECADE_SESSIONS=$(or $(DECADE_SESSIONS),1000) CARGO_PROFILE_TEST_OPT_LEVEL=2
	cargo test --locked --lib --target-dir target/decade decade -- --nocapture

size: pkg/package.json
	@node tests/size.mjs

# libFuzzer on stable Rust: coverage takes none but codegen flags, and no sanitizer is of use without unsafe code.
# SECONDS=600 TARGET="token route" sets how long and which. What fails is below target/fuzz/failed/, and run again by
# TARGET=token FAILED=file. With cargo-fuzz the same is `cargo fuzz run --sanitizer none token`.
FUZZED := token answer session route
FUZZERS := target/fuzz/$(HOST)/release
COVERAGE := -Cpasses=sancov-module --cfg fuzzing $(addprefix -Cllvm-args=-sanitizer-coverage-,level=4 inline-8bit-counters pc-table trace-compares)

fuzz-built: | compiler
	@RUSTFLAGS="$(COVERAGE)" cargo build --locked --release --quiet --manifest-path fuzz/Cargo.toml --target $(HOST) --target-dir target/fuzz

fuzz: fuzz-built
	@mkdir -p target/fuzz/failed
	for target in $(or $(TARGET),$(FUZZED)); do
		mkdir -p target/fuzz/found/$$target
		echo "fuzzing $$target for $(or $(SECONDS),60) s"
		$(FUZZERS)/$$target -max_total_time=$(or $(SECONDS),60) $(if $(RUNS),-runs=$(RUNS)) -print_final_stats=1 -artifact_prefix=target/fuzz/failed/$$target- \
			$(or $(FAILED),target/fuzz/found/$$target fuzz/corpus/$$target) 2> target/fuzz/$$target.log || { cat target/fuzz/$$target.log; exit 1; }
		sed -n 's/^stat::number_of_executed_units: */  inputs: /p; s/^stat::average_exec_per_sec: */  a second: /p' target/fuzz/$$target.log
	done

# The corpora alone, which are the same on each run: what random input finds is looked into first.
test-fuzz:
	@$(MAKE) --no-print-directory fuzz RUNS=0

# Changes the rules one by one, and says which change no native test notices; .cargo/mutants.toml says what is left out.
# Hours for all of them: FILE=src/token.rs is one file, and what stands in ARGS goes to cargo-mutants.
mutants: $(TOOLS)/bin/cargo-mutants
	@cargo mutants --output target $(if $(FILE),--file $(FILE)) $(ARGS)

# Each runtime, bundler and browser installs the tarball; the tools' lock files are below tests/everywhere/tools/.
# ROWS="vite node" tries only what has one of these words in its name; WRITE=1 renews the table of docs/environments.md.
test-everywhere: pkg/package.json | browser browsers
	@node tests/everywhere/run.mjs $(if $(WRITE),--write) $(ROWS)

# RUNS=1 is a quick look, ONLY=list takes the cases whose name has that text; WRITE=1 renews docs/performance.md and its chart.
bench: pkg/package.json benches/node_modules/.package-lock.json | browser browsers load
	@node benches/run.mjs $(if $(WRITE),--write)

release-check: | setup
	@node scripts/notices.mjs --check
	node scripts/release-check.mjs

include scripts/tools.mk

clean:
	@rm -rf target pkg node_modules
