# The tools: installed once for each machine and version, and said so.

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

setup: node_modules/.package-lock.json $(TOOLS)/bin/wasm-pack $(TOOLS)/bin/wasm-bindgen
	@rustup target list --installed | grep -qx wasm32-unknown-unknown || { echo "installing the Rust target wasm32-unknown-unknown"; rustup target add wasm32-unknown-unknown; }
	for component in rust-src clippy rustfmt; do
		rustup component list --installed | grep -q "^$$component" || { echo "installing the Rust component $$component"; rustup component add $$component; }
	done

node_modules/.package-lock.json: package-lock.json
benches/node_modules/.package-lock.json: benches/package-lock.json
# Not `npm ci` for the benches: it refuses a lock file that does without other platforms' optional packages.
node_modules/.package-lock.json benches/node_modules/.package-lock.json:
	@echo "installing the npm tools of $<"
	cd $(<D)
	npm $(if $(filter benches/%,$@),install --no-save,ci) --silent --no-audit --no-fund --ignore-scripts
	touch node_modules/.package-lock.json

$(TOOLS)/bin/wasm-pack: CRATE := wasm-pack@$(WASM_PACK)
$(TOOLS)/bin/cargo-mutants: CRATE := cargo-mutants@$(CARGO_MUTANTS)
$(TOOLS)/bin/cargo-deny: CRATE := cargo-deny@$(CARGO_DENY)
# By a lock file of this repository: its own names versions that not every mirror has.
$(TOOLS)/bin/wasm-bindgen: CRATE := --path scripts/wasm-bindgen --target-dir target/wasm-bindgen
$(TOOLS)/bin/%:
	@echo "compiling $(@F): some five minutes, once"
	cargo install --locked --root $(TOOLS) $(CRATE)

browser: PROGRAMS := $(CHROMIUM) $(CHROMEDRIVER)
browser: PACKAGES := chromium chromium-driver
browser: HINT := , or set CHROMIUM and CHROMEDRIVER
# PostgreSQL's programs are in a folder of their version.
browsers: PROGRAMS := firefox-esr WebKitWebDriver Xvfb redis-server nginx memcached faketime /usr/lib/postgresql/*/bin/postgres
browsers: PACKAGES := firefox-esr webkit2gtk-driver xvfb redis-server nginx-light memcached faketime postgresql
load: PROGRAMS := wrk
load: PACKAGES := wrk
compiler: PROGRAMS := c++
compiler: PACKAGES := g++
faketime: PROGRAMS := faketime
faketime: PACKAGES := faketime
browser browsers load compiler faketime:
	@if type $(PROGRAMS) > /dev/null 2>&1; then exit 0; fi
	if [ "$$(id -u)" != 0 ] || ! command -v apt-get > /dev/null; then
		echo "missing: one of $(PROGRAMS); install $(PACKAGES)$(HINT)" >&2
		exit 1
	fi
	echo "installing $(PACKAGES) from the system's packages"
	apt-get -qq update
	DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends $(PACKAGES) > /dev/null
