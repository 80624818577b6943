# `make fuzz` fuzzes every target (FUZZ_TARGETS="imap tls", FUZZ_SECONDS=600 each) under ASan and UBSan: libFuzzer where clang is there, else a small
# driver of our own. Everything is built a second time under build/sanitized; tests use build/sanitized/imapwhy, too.
FUZZ_TARGETS ?= $(patsubst tests/fuzz/%_fuzz.c,%,$(wildcard tests/fuzz/*_fuzz.c))
FUZZ_SECONDS ?= 60
SANITIZED := build/sanitized
HAVE_CLANG := $(shell clang --version >/dev/null 2>&1 && echo 'int main(void){}' | clang -fsanitize=fuzzer-no-link,address -xc -o /dev/null - 2>/dev/null && echo yes)
SANITIZERS := address,undefined
ifeq ($(HAVE_CLANG),yes)
FUZZ_CC := clang
FUZZ_ENGINE := -fsanitize=fuzzer
FUZZ_CFLAGS := -fsanitize=fuzzer-no-link,$(SANITIZERS)
else
FUZZ_CC := $(CC)
FUZZ_ENGINE := tests/fuzz/driver.c
FUZZ_CFLAGS := -fsanitize=$(SANITIZERS)
endif
FUZZ_CFLAGS += -O1 -g -fno-omit-frame-pointer -fno-sanitize-recover=all

# Made within $(SANITIZED) by the recursive call below.
$(BUILD)/imapwhy: $(MAIN) $(LIBRARY)
	@echo "  LD $@"
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)
# Whoever gets hold of a session finds it packed and unpacked.
$(BUILD)/fuzz/pipeline: FUZZ_BESIDE := tests/packing.c -Wl,--wrap=tracked_wake
WALK := $(filter-out %/main.o,$(MAIN))
$(BUILD)/fuzz/%: tests/fuzz/%_fuzz.c $(wildcard tests/fuzz/*.h) tests/fuzz/driver.c $(WALK) $(LIBRARY)
	@mkdir -p $(@D)
	@echo "  CC $<"
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(WARN) $(addprefix -iquote ,$(analyzer)) -iquote tests/fuzz $(FUZZ_ENGINE) $(FUZZ_BESIDE) -o $@ $< $(WALK) $(LIBRARY) $(LIBS)

sanitized:
	@$(MAKE) --no-print-directory BUILD=$(SANITIZED) CC=$(FUZZ_CC) CFLAGS="$(FUZZ_CFLAGS)" LTO= $(SANITIZED)/imapwhy $(addprefix $(SANITIZED)/fuzz/,$(FUZZ_TARGETS))
setup-fuzz:
	@sh tests/setup.sh fuzz
fuzz: setup-fuzz
	@$(MAKE) --no-print-directory sanitized
	@sh tests/fuzz/fuzz.sh $(SANITIZED) $(FUZZ_SECONDS) $(FUZZ_TARGETS)
.PHONY: sanitized setup-fuzz fuzz
