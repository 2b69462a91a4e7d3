# stats-hero: request metrics from unmodified programs. `make help` lists the targets.
#
# Every .c file under lib/, shim/ and cmd/ is found by its folder; header dependencies are the
# compiler's (-MMD -MP). What lib/ holds goes into one archive, from which the shim and the command
# take what they use.

SHELL   := /bin/bash
PREFIX  ?= /usr/local
DESTDIR ?=
SAN     ?=
comma   := ,
BUILD   ?= build$(if $(SAN),-$(subst $(comma),-,$(SAN)))
VERSION := 0.1.0

PKG      := pkg-config
CXX      := $(if $(findstring clang,$(CC)),clang++,g++)
WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wmissing-prototypes -Wstrict-prototypes
CFLAGS   ?= -O2 -g
# x86-64 CPUs all take prefetchw, at least as a no-op, but compilers don't use it unasked.
ifneq ($(findstring x86_64,$(shell $(CC) -dumpmachine)),)
PREFETCH := -mprfchw
endif
# The shim's hot path runs through many small modules: one whole-program optimisation joins them.
# (gcc only: with clang it would ask for a linker of its own.)
ifeq ($(SAN)$(findstring clang,$(CC)),)
LTO := -flto=auto -ffat-lto-objects
AR  := gcc-ar
endif
override CFLAGS += -std=gnu11 $(WARNINGS) -fPIC -fvisibility=hidden -fno-plt -pthread \
    -ffunction-sections -fdata-sections -fno-strict-aliasing -fno-semantic-interposition $(PREFETCH) $(LTO) \
    $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=all)
override CPPFLAGS += -D_GNU_SOURCE -DSTATS_HERO_VERSION='"$(VERSION)"' -Ilib -MMD -MP
override LDFLAGS += -pthread -Wl,-z,now -Wl,-z,relro -Wl,-z,noexecstack -Wl,--gc-sections \
    $(if $(SAN),-fsanitize=$(SAN))

objects   = $(patsubst %.S,$(BUILD)/obj/%.o,$(patsubst %.c,$(BUILD)/obj/%.o,$(1)))
LIB_SRC  := $(wildcard lib/*/*.c lib/*/*.S)
SHIM_SRC := $(wildcard shim/*.c)
CMD_SRC  := $(wildcard cmd/*.c)
UNIT_SRC := $(wildcard tests/unit/*.c)
HOST_SRC := $(wildcard tests/host/*.c)
HOST_CXX := $(wildcard tests/host/*.cc)
STRESS_SRC := $(wildcard tests/stress/*.c)
HOOK_SRC := $(if $(findstring x86_64,$(shell $(CC) -dumpmachine)),$(wildcard tests/hook/*.c))
FUZZ_SRC := $(wildcard tests/fuzz/*.c)
BENCH_SRC := $(wildcard bench/*.c)
AIDE_SRC := $(wildcard tests/real/*.c)

LIB     := $(BUILD)/libcore.a
# What lib/hook needs, for those who use some of it.
HOOK_LIBS := -Wl,--push-state,--as-needed -lelf -lZydis -liberty -Wl,--pop-state
SHIM    := $(BUILD)/libstatshero.so
HOOKS   := $(BUILD)/libstatshero-hooks.so
CMD     := $(BUILD)/stats-hero
UNIT    := $(BUILD)/unit
HOSTS   := $(patsubst tests/host/%.c,$(BUILD)/host/%,$(HOST_SRC)) $(patsubst tests/host/%.cc,$(BUILD)/host/%,$(HOST_CXX)) \
    $(BUILD)/host/hooked_fixed $(BUILD)/host/plugin.so
STRESS  := $(patsubst tests/stress/%.c,$(BUILD)/stress/%,$(STRESS_SRC))
HOOK_TESTS := $(patsubst tests/hook/%.c,$(BUILD)/hook/%,$(HOOK_SRC))
FUZZERS := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(FUZZ_SRC))
AIDES   := $(patsubst tests/real/%.c,$(BUILD)/real/%.so,$(AIDE_SRC))
BENCHES := $(patsubst bench/%.c,$(BUILD)/bench/%,$(BENCH_SRC)) $(BUILD)/bench/empty.so
MANUALS := $(BUILD)/man/stats-hero.1 $(BUILD)/man/stats_hero.3

.PHONY: all clean test demo matrix bench bench-micro bench-picture benches no-difference soak install help unit hosts aides stress hooks fuzzers man
.DELETE_ON_ERROR:

all: $(SHIM) $(HOOKS) $(CMD) $(MANUALS)   ## build the shim, the command and the man pages

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

$(BUILD)/obj/%.o: %.S
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(filter-out -flto%,$(CFLAGS)) -c -o $@ $<

# What the sender's thread does for every line, and TLS for every piece.
$(patsubst %,$(BUILD)/obj/lib/%.o,request/drain send/batch flow/session): private override CFLAGS += -O3

# What runs once, or seldom: its pages are every host's, so they are to be few.
SELDOM := $(addprefix shim/,api built_in confine disposition functions gnutls life namespace process syscall user openssl_bio libc) \
    $(addprefix lib/base/,config cpu log seccomp sys bare_thread lock pool) lib/metric/route lib/metric/label \
    $(addprefix lib/send/,apart endpoint pool shift outbox sender place) $(addprefix lib/flow/,peer inherited call) \
    $(addprefix lib/request/,journal alog snapshot request monitor sweep scope thread upstream epoch notes timers)
$(patsubst %,$(BUILD)/obj/%.o,$(SELDOM)): private override CFLAGS += -Os

$(LIB): $(call objects,$(LIB_SRC))
	@rm -f $@
	$(AR) rcs $@ $^

$(SHIM): $(call objects,$(SHIM_SRC)) $(LIB) shim/exports.map
	$(CC) $(CFLAGS) -shared -o $@ $(filter %.o,$^) $(LIB) $(LDFLAGS) -Wl,-soname,libstatshero.so \
	    -Wl,--version-script=shim/exports.map -Wl,-Bsymbolic-functions -l:libck.a

# A timer's usual way saves no vector registers, so it must use none; nor may a sanitizer's calls.
$(BUILD)/obj/lib/hook/gate.o: private override CFLAGS := $(filter-out -fsanitize%,$(CFLAGS)) -mgeneral-regs-only
$(BUILD)/obj/lib/hook/%.o: private LTO :=

$(HOOKS): $(LIB) lib/hook/exports.map
	$(CC) $(CFLAGS) -shared -o $@ -Wl,-u,stats_hero_hooks_begin $(LIB) $(LDFLAGS) $(HOOK_LIBS) \
	    -Wl,-soname,libstatshero-hooks.so -Wl,--version-script=lib/hook/exports.map

$(CMD): $(call objects,$(CMD_SRC)) $(LIB)
	$(CC) $(CFLAGS) -o $@ $(filter %.o,$^) $(LIB) $(LDFLAGS) $(HOOK_LIBS) -l:libck.a -lz -lm

$(BUILD)/man/%.1: $(CMD)
	@mkdir -p $(@D)
	$(CMD) --man > $@

# The C interface's page is its header; the example is the tests'.
$(BUILD)/man/%.3: shim/%.h tests/host/hero.c scripts/man-api
	@mkdir -p $(@D)
	scripts/man-api $(VERSION) shim/$*.h tests/host/hero.c > $@

# Criterion finds its tests in a section that nothing refers to: neither the linker nor the optimiser
# may drop them.
$(BUILD)/obj/tests/%.o: private LTO :=
$(UNIT): private LTO :=
$(UNIT): $(call objects,$(UNIT_SRC)) $(LIB)
	$(CC) $(CFLAGS) -o $@ $(filter %.o,$^) $(LIB) $(LDFLAGS) -Wl,--no-gc-sections -lcriterion $(HOOK_LIBS) -l:libck.a -lz -lm

# The public header as those who install it see it: no folder, and C++ as well.
$(BUILD)/obj/tests/host/%.o: override CPPFLAGS += -Ishim
CXX_WARNINGS := $(filter-out -Wmissing-prototypes -Wstrict-prototypes,$(WARNINGS)) -Wpedantic

$(BUILD)/host/%: $(BUILD)/obj/tests/host/%.o
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -o $@ $< $(LDFLAGS) $(HOST_LIBS)

$(BUILD)/host/tls: private HOST_LIBS := -lssl -lcrypto
$(BUILD)/host/gnutls: private HOST_LIBS := -lgnutls

$(BUILD)/host/%: tests/host/%.cc
	@mkdir -p $(@D)
	$(CXX) -Ishim -MMD -MP -std=c++11 -O2 -g $(CXX_WARNINGS) -pthread -o $@ $<

# The same program where ld put it.
$(BUILD)/host/%_fixed: $(BUILD)/obj/tests/host/%.o
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -no-pie -o $@ $< $(LDFLAGS)

# Loaded by them.
$(BUILD)/host/%.so: tests/host/plugin/%.c
	@mkdir -p $(@D)
	$(CC) $(filter -D%,$(CPPFLAGS)) -O2 $(WARNINGS) -fPIC -shared -o $@ $<

# Preloaded into real servers beside the shim; their own, so never sanitized.
$(BUILD)/real/%.so: tests/real/%.c
	@mkdir -p $(@D)
	$(CC) $(filter -D%,$(CPPFLAGS)) -O2 $(WARNINGS) -fPIC -shared -o $@ $<

$(BUILD)/stress/%: $(BUILD)/obj/tests/stress/%.o $(LIB)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -o $@ $< $(LIB) $(LDFLAGS) -l:libck.a

$(BUILD)/hook/%: $(BUILD)/obj/tests/hook/%.o $(LIB)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -o $@ $< $(LIB) $(LDFLAGS) $(HOOK_LIBS)

# libFuzzer comes with clang: make fuzzers CC=clang SAN=fuzzer-no-link,address,undefined
$(BUILD)/fuzz/%: $(BUILD)/obj/tests/fuzz/%.o $(LIB)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -o $@ $< $(LIB) $(LDFLAGS) -fsanitize=fuzzer $(HOOK_LIBS) -l:libck.a -lz -lm

# An interposer that does nothing, to measure the shim against.
$(BUILD)/bench/%.so: bench/preload/%.c
	@mkdir -p $(@D)
	$(CC) $(filter -D%,$(CPPFLAGS)) -O2 $(WARNINGS) -fPIC -shared -o $@ $<

# The registry is measured beside liburcu's tables; uthash is a header alone.
$(BUILD)/bench/micro_registry: private BENCH_LIBS := -lurcu-cds -lurcu-qsbr -lurcu-memb -lurcu-common
$(BUILD)/bench/%: $(BUILD)/obj/bench/%.o $(LIB)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -o $@ $< $(LIB) $(LDFLAGS) $(BENCH_LIBS) $(HOOK_LIBS) -l:libck.a

unit: $(UNIT)        ## build the unit tests
hosts: $(HOSTS)      ## build the small programs that the tests run under the shim
aides: $(AIDES)      ## build what the tests preload into real servers beside the shim
stress: $(STRESS)    ## build the thread stress programs
hooks: $(HOOK_TESTS) ## build the programs that try function hooks on the distribution's libraries
benches: $(BENCHES)  ## build the programs that measure one module each
fuzzers: $(FUZZERS)  ## build the fuzzers (CC=clang SAN=fuzzer-no-link,address,undefined)

demo:                ## set everything up and watch a real nginx report its requests
	scripts/demo
test:                ## set everything up and run every test
	scripts/test
matrix: all          ## run servers of every shape, and write README.md's table of them anew
	scripts/bootstrap --matrix
	PYTHONDONTWRITEBYTECODE=1 python3 tests/matrix/matrix.py
BENCH ?=
PAIRS ?= 0
bench:               ## measure what the shim costs real servers; BENCH=nginx,redis PAIRS=20 some of it
	scripts/bootstrap --bench
	$(MAKE) all $(BUILD)/bench/pace $(BUILD)/bench/rested
	BUILD=$(BUILD) bench/overhead --cases "$(BENCH)" --pairs $(PAIRS)
bench-micro: all benches ## measure what each operation costs, beside its bound
	bench/micro
bench-picture:       ## put the picture that `make bench` drew where README.md shows it
	cp $(BUILD)/bench/overhead.svg bench/overhead.svg

no-difference:       ## run public test suites with the shim and without, and compare
	scripts/test no-difference
SECONDS ?= 1800
soak: all            ## nginx under load, reloaded every few seconds, for SECONDS
	/usr/bin/python3 tests/real/soak.py --seconds $(SECONDS)

install: all         ## install below $(DESTDIR)$(PREFIX)
	install -D -m 755 $(SHIM) $(DESTDIR)$(PREFIX)/lib/libstatshero.so
	install -D -m 755 $(HOOKS) $(DESTDIR)$(PREFIX)/lib/libstatshero-hooks.so
	install -D -m 755 $(CMD) $(DESTDIR)$(PREFIX)/bin/stats-hero
	install -D -m 644 shim/stats_hero.h $(DESTDIR)$(PREFIX)/include/stats_hero.h
	install -D -m 644 stats-hero.pc.in $(DESTDIR)$(PREFIX)/lib/pkgconfig/stats-hero.pc
	sed -i 's|@PREFIX@|$(PREFIX)|; s|@VERSION@|$(VERSION)|' $(DESTDIR)$(PREFIX)/lib/pkgconfig/stats-hero.pc
	install -D -m 644 $(BUILD)/man/stats-hero.1 $(DESTDIR)$(PREFIX)/share/man/man1/stats-hero.1
	install -D -m 644 $(BUILD)/man/stats_hero.3 $(DESTDIR)$(PREFIX)/share/man/man3/stats_hero.3

clean:               ## remove what was built
	rm -rf build build-*

help:                ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## *(.*)/  make \1\t\2/' | expand -t 22

-include $(patsubst %.o,%.d,$(call objects,$(LIB_SRC) $(SHIM_SRC) $(CMD_SRC) $(UNIT_SRC) $(HOST_SRC) $(STRESS_SRC) $(HOOK_SRC) $(FUZZ_SRC) $(BENCH_SRC)))
-include $(patsubst tests/host/%.cc,$(BUILD)/host/%.d,$(HOST_CXX))
