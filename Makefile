# A thin front for Meson and Ninja. Each target says in one line what it did and is silent otherwise.
#
#   BUILD=build     folder of the plain build; build-asan, build-tsan, build-fuzz and build-release lie beside it
#   WERROR=true     warnings are errors
#   T=              seconds for fuzz and soak; a pattern of case names for unit-<folder>
#   ONLY=           rows of `make bench` to measure, or the kinds of `make test` to run, of:
#                   lint docs clang headers unit fuzz oracle hardening e2e crash upgrade hostile conformance
BUILD  ?= build
WERROR ?= true
PREFIX ?= /usr/local
T      ?=

say     = @echo "  $(1)"
plain   = -Dwerror=$(WERROR)
asan    = $(plain) -Db_sanitize=address,undefined
tsan    = $(plain) -Db_sanitize=thread
release = $(plain) -Dbuildtype=release -Db_lto=true -Dtests=false --prefix=$(PREFIX)

.PHONY: all asan tsan release install run test unit lint headers format analyze fuzz cover bench soak docs shape deps clean

all:
	@tools/need build test
	@tools/build $(BUILD) $(plain)
	$(call say,built $(BUILD)/assay)

asan:
	@tools/need build test
	@tools/build $(BUILD)-asan $(asan)
	$(call say,built $(BUILD)-asan with ASan and UBSan)

tsan:
	@tools/need build test
	@tools/build $(BUILD)-tsan $(tsan)
	@tools/unit $(BUILD)-tsan
	@tools/tsan $(BUILD)-tsan
	$(call say,units and races and the core of the end-to-end tests passed under TSan)

release:
	@tools/need build
	@tools/build $(BUILD)-release $(release)
	$(call say,built $(BUILD)-release/assay with link-time optimization)

install: release
	@DESTDIR="$(DESTDIR)" meson install --quiet --no-rebuild -C $(BUILD)-release
	$(call say,installed under $(DESTDIR)$(PREFIX))

run: all
	@tools/run $(BUILD)/assay

test:
	@tools/need build test tests/packages.txt
	@tools/build $(BUILD) $(plain)
	@tools/build $(BUILD)-asan $(asan)
	@tools/test $(BUILD)
	$(call say,all tests passed)

unit: asan
	@tools/unit $(BUILD)-asan
	$(call say,unit and contract suites passed under ASan and UBSan)

unit-%: asan
	@tools/unit $(BUILD)-asan $* '$(T)'

lint:
	@tools/need test
	@tools/lint
	$(call say,lint: nothing to say)

headers:
	@tools/need build
	@tools/headers
	$(call say,every header stands alone)

format:
	@tools/need test
	@tools/format
	$(call say,formatted src and tests)

analyze:
	@tools/need build test fuzz
	@CC=clang tools/build $(BUILD)-clang $(plain)
	@clang-tidy -p $(BUILD)-clang --quiet $$(find src -name '*.c') 2>/dev/null | grep -E 'warning:' || true

fuzz:
	@tools/need build test fuzz
	@CC=clang tools/build $(BUILD)-fuzz $(plain) -Dfuzz=true
	@tools/fuzz run $(BUILD)-fuzz $(or $(T),60)

cover:
	@tools/need build test cover
	@tools/build $(BUILD)-cover $(plain) -Db_coverage=true
	@tools/cover $(BUILD)-cover

bench: release
	@tools/need bench
	@/usr/bin/python3 bench/bench.py --assay $(BUILD)-release/assay --results $(BUILD)-release/bench.json \
		--only '$(ONLY)' $(if $(WRITE),--write docs/bench.md)

soak: all
	@tools/need tests/packages.txt
	@/usr/bin/python3 tests/soak/soak.py --assay $(BUILD)/assay --seconds $(or $(T),300)

docs:
	@tools/docs
	$(call say,docs: every link and file named is there)

shape:
	@tools/shape

deps:
	@tools/need build test fuzz bench tests/packages.txt
	$(call say,every package is there)

clean:
	@rm -rf $(BUILD) $(BUILD)-asan $(BUILD)-clang $(BUILD)-cover $(BUILD)-tsan $(BUILD)-fuzz $(BUILD)-release build-previous build-viewer
	$(call say,removed the builds)
