# A thin front for Meson and Ninja. Each target says in one line what it did and is silent otherwise.
# BUILD: the folder of the plain build, beside which build-asan, build-tsan and build-fuzz lie.
BUILD  ?= build
WERROR ?= true
T      ?=

say   = @echo "  $(1)"
plain = -Dwerror=$(WERROR)
asan  = $(plain) -Db_sanitize=address,undefined
tsan  = $(plain) -Db_sanitize=thread

.PHONY: all asan tsan unit

all:
	@tools/build $(BUILD) $(plain)
	$(call say,built $(BUILD)/assay)

asan:
	@tools/build $(BUILD)-asan $(asan)
	$(call say,built $(BUILD)-asan with ASan and UBSan)

tsan:
	@tools/build $(BUILD)-tsan $(tsan)
	$(call say,built $(BUILD)-tsan with TSan)

unit: asan
	@tools/unit $(BUILD)-asan
	$(call say,unit and contract suites passed under ASan and UBSan)

unit-%: asan
	@tools/unit $(BUILD)-asan $* '$(T)'
