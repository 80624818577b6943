# imapwhy: `make demo` sets up and shows it, `make check` tests it. Each room's include path is its permission.
VERSION := 0.1.0
PREFIX ?= /usr/local
SYSCONFDIR ?= $(if $(filter /usr,$(PREFIX)),/etc,$(PREFIX)/etc)
USER_KEY := $(SYSCONFDIR)/imapwhy/user.key
CC ?= cc
CFLAGS ?= -O2 -g
# The program alone is optimised as a whole when it is linked; `make LTO=` links at once, for work on it.
LTO ?= -flto=auto
WARN := -Wall -Wextra -Werror
BUILD ?= build
CPPFLAGS += -std=c11 -D_GNU_SOURCE -DIMAPWHY_VERSION='"$(VERSION)"' -DIMAPWHY_RULES='"$(PREFIX)/share/imapwhy/rules"' -DIMAPWHY_USER_KEY='"$(USER_KEY)"' -I$(BUILD)
LIBS := -lpcap -larchive -lndpi -ljson-c -lyaml -lcrypto -lm -lpthread
# TLS certificates may come compressed (RFC 8879): unpacked by each of these libraries that is there.
PACKERS := $(shell for l in zlib libbrotlidec libzstd; do pkg-config --exists $$l 2>/dev/null && echo $$l; done)
CPPFLAGS += $(addprefix -DHAVE_,$(PACKERS))
LIBS += $(if $(PACKERS),$(shell pkg-config --libs $(PACKERS)))

# The rooms in their strict order: a room may include its own headers and those of the rooms before it.
base := analyzer/base
facts := $(base) analyzer/facts
dissectors := $(facts) dissectors dissectors/imap dissectors/tls dissectors/dns
capture := $(dissectors) analyzer/capture
decode := $(capture) analyzer/decode
flow := $(decode) analyzer/flow
session := $(flow) analyzer/session
context := $(session) analyzer/context
infer := $(context) analyzer/infer
classify := $(infer) analyzer/classify
report := $(classify) analyzer/report
sink := $(report) analyzer/sink
analyzer := $(sink) analyzer
ROOMS := base facts capture decode flow session context infer classify report sink

objects = $(patsubst %.c,$(BUILD)/%.o,$(wildcard $(1)/*.c))
OBJECTS := $(foreach r,$(ROOMS),$(call objects,analyzer/$(r))) $(call objects,dissectors) $(call objects,dissectors/imap) \
	$(call objects,dissectors/tls) $(call objects,dissectors/dns)
MAIN := $(call objects,analyzer)

all: imapwhy

# V=1 shows the commands.
Q := $(if $(V),,@)
LIBRARY := $(BUILD)/libimapwhy.a

$(LIBRARY): $(OBJECTS)
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

imapwhy: $(MAIN) $(LIBRARY)
	@echo "  LD $@"
	$(Q)$(CC) $(CFLAGS) $(LTO) $(LDFLAGS) -o $@ $^ $(LIBS)

define room_rule
$(BUILD)/$(2)/%.o: $(2)/%.c $(BUILD)/words_enum.h
	@mkdir -p $$(@D)
	@echo "  CC $$<"
	$$(Q)$$(CC) $$(CPPFLAGS) $$(CFLAGS) $$(if $$(LTO),$$(LTO) -ffat-lto-objects) $$(WARN) $$(addprefix -iquote ,$$($(1))) -MMD -MP -c -o $$@ $$<
endef
$(foreach r,$(ROOMS),$(eval $(call room_rule,$(r),analyzer/$(r))))
$(eval $(call room_rule,dissectors,dissectors))
$(eval $(call room_rule,dissectors,dissectors/imap))
$(eval $(call room_rule,dissectors,dissectors/tls))
$(eval $(call room_rule,dissectors,dissectors/dns))
$(eval $(call room_rule,analyzer,analyzer))

# Where it is to be installed is compiled into these two; another PREFIX than last time makes them anew.
$(BUILD)/paths: FORCE
	@mkdir -p $(@D)
	@echo '$(PREFIX) $(SYSCONFDIR)' | cmp -s - $@ || echo '$(PREFIX) $(SYSCONFDIR)' > $@
$(BUILD)/analyzer/keys.o $(BUILD)/analyzer/main.o: $(BUILD)/paths
FORCE:
.PHONY: FORCE

$(BUILD)/words_enum.h: analyzer/facts/words.def analyzer/facts/make-words.sh
	@mkdir -p $(@D)
	@sh analyzer/facts/make-words.sh $< > $@

-include $(OBJECTS:.o=.d) $(MAIN:.o=.d)

# --- tests ---
UNIT := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(wildcard tests/unit/*_test.c))
$(BUILD)/unit/%: tests/unit/%.c $(LIBRARY)
	@mkdir -p $(@D)
	@echo "  CC $<"
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -fno-lto $(addprefix -iquote ,$(analyzer)) -iquote tests/unit -o $@ $< $(LIBRARY) $(LIBS) -lcmocka -lssl

setup-build:
	@sh tests/setup.sh build
setup-check:
	@sh tests/setup.sh check

check: setup-check
	@$(MAKE) --no-print-directory all unit-tests
	@sh tests/run.sh
unit-tests: $(UNIT) $(BUILD)/decrypted $(BUILD)/packing

# Stands between the driver and the IMAP dissector, to see what is read inside TLS.
$(BUILD)/decrypted: tests/decrypted.c $(LIBRARY) $(MAIN)
	@echo "  CC $<"
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -fno-lto $(addprefix -iquote ,$(analyzer)) -Wl,--wrap=imap_dissector -o $@ $< \
		$(filter-out %/main.o,$(MAIN)) $(LIBRARY) $(LIBS)

# Packs every session after every packet, for the same documents.
$(BUILD)/packing: tests/packing.c $(LIBRARY) $(MAIN)
	@echo "  CC $<"
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -fno-lto $(addprefix -iquote ,$(analyzer)) -Wl,--wrap=tracked_wake -o $@ $< $(MAIN) $(LIBRARY) $(LIBS)

clean:
	rm -rf $(BUILD) imapwhy

# Where a package would put them.
ROOT = $(DESTDIR)$(PREFIX)
install: all
	install -d $(ROOT)/bin $(ROOT)/share/imapwhy/rules/verdicts $(ROOT)/share/man/man1
	install -m 755 imapwhy $(ROOT)/bin/
	install -m 644 rules/*.yaml $(ROOT)/share/imapwhy/rules/
	install -m 644 rules/verdicts/*.yaml $(ROOT)/share/imapwhy/rules/verdicts/
	install -m 644 docs/imapwhy.1 $(ROOT)/share/man/man1/
# The key belongs to the machine, never to a package that many install.
	[ -n "$(DESTDIR)" ] || [ -e $(USER_KEY) ] || { install -d -m 750 $(dir $(USER_KEY)) && umask 077 && od -An -tx1 -N32 /dev/urandom | tr -d ' \n' > $(USER_KEY); }
# The key stays: hashes of one machine should stay comparable.
uninstall:
	rm -f $(ROOT)/bin/imapwhy $(ROOT)/share/man/man1/imapwhy.1
	rm -rf $(ROOT)/share/imapwhy

.PHONY: all check clean install uninstall setup-build setup-check unit-tests

demo: setup-build
	@$(MAKE) --no-print-directory all
	@./imapwhy -o text --separate samples/*/capture.* 2>/dev/null || true
	@for k in samples/*/keys.log; do echo "The same with its key log:"; ./imapwhy -o text --keylog $$k $${k%/*}/capture.* 2>/dev/null; done
	@./imapwhy -o json --separate samples/*/capture.* > $(BUILD)/demo.ndjson 2>/dev/null || true
	@echo "The same as JSON, one document a line: $(BUILD)/demo.ndjson"

docs/facts.md: imapwhy
	./imapwhy facts > $@
.PHONY: demo

include tests/bench/bench.mk
include tests/fuzz/fuzz.mk
include tests/tests.mk
include tests/lab/lab.mk
