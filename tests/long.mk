# The tests that take minutes or hours, and the benchmark.

# Sessions in real time for ten minutes; `make test` has one minute of it.
# libfaketime makes 69 days of them with FASTER=10000, and with FASTER=260000 five years of tokens of up to 30 days.
soak: target/installed/package.json | $(if $(FASTER),faketime)
	@cd target/installed
	SOAK_MS=$(or $(SOAK_MS),600000) FASTER=$(or $(FASTER),1) $(if $(FASTER),faketime -m -f '+0 x$(FASTER)') node --test session-soak.test.mjs

# `make test` has three of them. DECADE_SEED=7 takes others, and DECADE_FLEET=7 repeats one user's sessions alone.
decade:
	@export DECADE_SESSIONS=$(or $(DECADE_SESSIONS),1000) CARGO_PROFILE_TEST_OPT_LEVEL=2
	cargo test --locked --lib --target-dir target/decade decade -- --nocapture

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
