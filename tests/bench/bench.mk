# `make bench` measures speed and memory against the bare libpcap loop and checks the targets. BENCH_DIR: where the captures are kept.
BENCH := $(BUILD)/bench
BENCH_SOURCES := $(addprefix tests/bench/,generate.c imap_talk.c tls_shapes.c script.c player.c)

$(BENCH)/generate: $(BENCH_SOURCES) $(wildcard tests/bench/*.h)
	@mkdir -p $(@D)
	$(CC) -std=c11 -D_GNU_SOURCE $(CFLAGS) $(WARN) -iquote tests/bench -o $@ $(BENCH_SOURCES) -lcrypto
$(BENCH)/loop: tests/bench/loop.c
	@mkdir -p $(@D)
	$(CC) -std=c11 -D_GNU_SOURCE $(CFLAGS) $(WARN) -o $@ $< -lpcap

$(BENCH)/sealed: tests/bench/sealed.c tests/unit/tls_talk.h
	@mkdir -p $(@D)
	$(CC) -std=c11 -D_GNU_SOURCE $(CFLAGS) $(WARN) -iquote tests/unit -iquote analyzer/base -o $@ $< -lssl -lcrypto

bench-tools: $(BENCH)/generate $(BENCH)/loop $(BENCH)/sealed
# A peer that can't be had is left out by name.
PEERS := tcpdump tshark libndpi-bin tcptrace
setup-bench: setup-build
	@for p in $(PEERS); do sh tests/setup.sh peer $$p || echo "$$p can't be installed: its comparison is skipped"; done
bench: setup-bench
	@$(MAKE) --no-print-directory imapwhy bench-tools
	@python3 tests/bench/bench.py --tools $(BENCH) --imapwhy ./imapwhy
.PHONY: bench bench-tools setup-bench
