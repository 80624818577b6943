/* The capture room: both file formats in all byte orders, compression, streams split anywhere, cut and damaged files, recordings of several files. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "source.h"

/* --- capture files made in memory --- */

struct made {
	uint8_t b[8192];
	size_t n;
	bool big;
};

static void put(struct made *m, uint64_t v, int bytes)
{
	assert_true(m->n + (size_t)bytes <= sizeof m->b);
	for (int i = 0; i < bytes; i++) {
		int place = m->big ? bytes - 1 - i : i;

		m->b[m->n++] = place < 8 ? (uint8_t)(v >> 8 * place) : 0;
	}
}

static void put_data(struct made *m, uint8_t first, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		put(m, (uint8_t)(first + i), 1);
}

static void pcap_head(struct made *m, uint32_t magic, uint32_t link)
{
	put(m, magic, 4), put(m, 2, 2), put(m, 4, 2), put(m, 0, 8), put(m, 65535, 4), put(m, link, 4);
}

static void pcap_packet(struct made *m, uint32_t seconds, uint32_t fraction, uint8_t first, uint32_t len)
{
	put(m, seconds, 4), put(m, fraction, 4), put(m, len, 4), put(m, len + 10, 4), put_data(m, first, len);
}

static void block(struct made *m, uint32_t type, const struct made *body)
{
	uint32_t length = (uint32_t)(body->n + 3) / 4 * 4 + 12;

	put(m, type, 4), put(m, length, 4);
	for (size_t i = 0; i < body->n; i++)
		put(m, body->b[i], 1);
	while (m->n % 4)
		put(m, 0, 1);
	put(m, length, 4);
}

static void section(struct made *m)
{
	struct made body = { .big = m->big };

	put(&body, 0x1a2b3c4d, 4), put(&body, 1, 2), put(&body, 0, 2), put(&body, UINT64_MAX, 8);
	block(m, 0x0a0d0d0a, &body);
}

static void interface(struct made *m, uint16_t link, int resolution, int64_t offset)
{
	struct made body = { .big = m->big };

	put(&body, link, 2), put(&body, 0, 2), put(&body, 0, 4);
	if (resolution >= 0)
		put(&body, 9, 2), put(&body, 1, 2), put(&body, (uint64_t)resolution, 1), put(&body, 0, 3);
	if (offset)
		put(&body, 14, 2), put(&body, 8, 2), put(&body, (uint64_t)offset, 8);
	put(&body, 0, 4);
	block(m, 1, &body);
}

static void enhanced(struct made *m, uint32_t id, uint64_t units, uint8_t first, uint32_t len)
{
	struct made body = { .big = m->big };

	put(&body, id, 4), put(&body, units >> 32, 4), put(&body, units & UINT32_MAX, 4), put(&body, len, 4), put(&body, len, 4);
	put_data(&body, first, len);
	block(m, 6, &body);
}

static void simple(struct made *m, uint8_t first, uint32_t len)
{
	struct made body = { .big = m->big };

	put(&body, len, 4), put_data(&body, first, len);
	block(m, 3, &body);
}

static void old_packet(struct made *m, uint16_t id, uint64_t units, uint8_t first, uint32_t len)
{
	struct made body = { .big = m->big };

	put(&body, id, 2), put(&body, 0, 2), put(&body, units >> 32, 4), put(&body, units & UINT32_MAX, 4), put(&body, len, 4), put(&body, len, 4);
	put_data(&body, first, len);
	block(m, 2, &body);
}

static void secrets(struct made *m, const char *text)
{
	struct made body = { .big = m->big };

	put(&body, 0x544c534b, 4), put(&body, strlen(text), 4);
	for (; *text; text++)
		put(&body, (uint8_t)*text, 1);
	block(m, 10, &body);
}

/* --- files of them --- */

static char folder[] = "/tmp/capture_test.XXXXXX";

struct path {
	char text[64];
};

static struct path save_bytes(const char *name, const void *data, size_t len)
{
	struct path p;
	FILE *f;

	snprintf(p.text, sizeof p.text, "%s/%s", folder, name);
	f = fopen(p.text, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
	fclose(f);
	return p;
}

static struct path save(const char *name, const struct made *m)
{
	return save_bytes(name, m->b, m->n);
}

/* A whole run as one text: "file:frame@seconds" for frames, "|" for a restart, "!" for a broken file. */
struct run {
	char text[4096];
	struct error error;
	struct source_counters counters;
	uint64_t read, all;
	char secrets[256];
	uint32_t frames_before_secrets;
	struct frame last;
	uint8_t data[64];
};

static void note(struct run *r, const struct frame *f)
{
	size_t len = strlen(r->text);

	if (len < sizeof r->text - 40)
		snprintf(r->text + len, sizeof r->text - len, "%s%u:%u@%lld", len ? " " : "", f->at.file, f->at.frame, (long long)(f->at.time / SECOND));
	r->last = *f;
	memcpy(r->data, f->data, f->captured < sizeof r->data ? f->captured : sizeof r->data);
	/* Each byte is looked at, so that a sanitizer sees a frame that reaches too far. */
	for (uint32_t i = 0; i + 1 < f->captured; i++)
		r->last.link ^= (uint16_t)(f->data[i] ^ f->data[i]);
}

/* What was told before is told no more. */
static void note_secrets(struct run *r, struct bytes b)
{
	size_t len = strlen(r->secrets);

	assert_true(b.len > 0 && b.data[b.len - 1] == '\n');
	snprintf(r->secrets + len, sizeof r->secrets - len, "%.*s", (int)b.len, (const char *)b.data);
	r->frames_before_secrets = r->last.at.frame;
}

static void read_all(struct source *s, struct run *r)
{
	struct frame f;

	for (int calls = 0; calls < 100000; calls++) {
		enum source_status status = source_next(s, &f, &r->error);

		if (status == SOURCE_END)
			break;
		if (status == SOURCE_FRAME)
			note(r, &f);
		else if (status == SOURCE_SECRETS)
			note_secrets(r, source_secrets(s));
		else
			strcat(r->text, status == SOURCE_RESTART ? " |" : status == SOURCE_BROKEN ? " !" : " ?");
		assert_true(calls < 99999);
	}
	source_counters(s, &r->counters);
	source_progress(s, &r->read, &r->all);
	source_close(&s);
	assert_null(s);
}

static struct run run_files(int files, int count, const char *const *paths)
{
	struct source_options options = { 0 };
	struct run r = { 0 };
	struct source *s;

	options.files = (int)files;
	s = source_open_files(paths, count, &options, &r.error);
	if (s)
		read_all(s, &r);
	else
		strcpy(r.text, "none");
	return r;
}

static struct run run_one(const char *path)
{
	return run_files(FILES_JOIN, 1, &path);
}

static struct run run_made(const struct made *m)
{
	return run_one(save("one", m).text);
}

static void assert_told(const struct run *r, const char *part)
{
	if (!strstr(r->error.text, part))
		fail_msg("\"%s\" does not say \"%s\"", r->error.text, part);
}

/* --- formats --- */

static void pcap_in_all_its_forms(void **state)
{
	static const uint32_t magics[] = { 0xa1b2c3d4, 0xa1b23c4d };

	(void)state;
	for (int form = 0; form < 4; form++) {
		struct made m = { .big = form & 1 };
		struct run r;

		pcap_head(&m, magics[form / 2], 1);
		pcap_packet(&m, 100, 5, 7, 3);
		pcap_packet(&m, 4000000000u, 999999, 9, 0);
		pcap_packet(&m, 102, 6, 0x40, 20);
		r = run_made(&m);
		assert_string_equal(r.text, "0:1@100 0:2@4000000000 0:3@102");
		assert_true(r.last.at.time == 102 * SECOND + (form / 2 ? 6 : 6000));
		assert_int_equal(r.last.captured, 20);
		assert_int_equal(r.last.wire, 30);
		assert_int_equal(r.last.link, 1);
		assert_int_equal(r.data[19], 0x40 + 19);
		assert_int_equal(r.counters.bytes, 23);
		assert_true(r.read == m.n && r.all == m.n);
	}
}

static void pcap_as_kuznetsov_modified_it(void **state)
{
	struct made m = { .big = true };
	struct run r;

	(void)state;
	pcap_head(&m, 0xa1b2cd34, 101);
	put(&m, 50, 4), put(&m, 1, 4), put(&m, 2, 4), put(&m, 2, 4), put(&m, 3, 8), put(&m, 0xabcd, 2);
	r = run_made(&m);
	assert_string_equal(r.text, "0:1@50");
	assert_int_equal(r.data[0], 0xab);
	assert_int_equal(r.last.link, 101);
}

static void pcapng_of_several_sections_and_interfaces(void **state)
{
	(void)state;
	for (int big = 0; big < 2; big++) {
		struct made m = { .big = big }, odd = { .big = big };
		struct run r;

		section(&m);
		interface(&m, 1, -1, 0);
		interface(&m, 101, 9, 1000);
		secrets(&m, "CLIENT_RANDOM 00 11");
		enhanced(&m, 0, 5000000, 1, 5);
		put(&odd, 1, 4);
		block(&m, 0x7777, &odd);
		enhanced(&m, 1, 6000000000, 1, 6);
		simple(&m, 1, 7);
		m.big = !big;
		section(&m);
		interface(&m, 113, 0x8a, 0);
		secrets(&m, "CLIENT_RANDOM 22 33\n");
		old_packet(&m, 0, 70 * 1024 + 512, 3, 4);
		r = run_made(&m);
		assert_string_equal(r.text, "0:1@5 0:2@1006 0:3@1006 0:4@70");
		assert_true(r.last.at.time == 70 * SECOND + 500 * MILLISECOND);
		assert_int_equal(r.last.link, 113);
		assert_int_equal(r.data[3], 6);
		assert_int_equal(r.counters.blocks_skipped, 1);
		assert_string_equal(r.secrets, "CLIENT_RANDOM 00 11\nCLIENT_RANDOM 22 33\n");
		assert_int_equal(r.frames_before_secrets, 3);
	}
}

static void frames_are_numbered_as_wireshark_does(void **state)
{
	struct made m = { 0 }, journal = { 0 };

	(void)state;
	put_data(&journal, 'A', 9);
	section(&m), interface(&m, 1, -1, 0), enhanced(&m, 0, 1000000, 0, 4), block(&m, 9, &journal), enhanced(&m, 0, 2000000, 0, 4);
	block(&m, 0x7777, &journal), enhanced(&m, 0, 3000000, 0, 4);
	assert_string_equal(run_made(&m).text, "0:1@1 0:3@2 0:4@3");
}

static void pcapng_times_never_overflow(void **state)
{
	static const struct { int resolution; int64_t offset; uint64_t units; int64_t time; } cases[] = {
		{ 0, 0, UINT64_MAX, INT64_C(1) << 62 }, { 6, INT64_MAX, 1, INT64_C(1) << 62 }, { 6, INT64_MIN, 1, 0 }, { 9, -5, 1, 0 },
		{ 127, 0, UINT64_MAX, 0 }, { 0xff, 0, UINT64_MAX, 0 }, { 0x80, 0, UINT64_MAX, INT64_C(1) << 62 }, { 12, 0, 5000000, 5000 },
		{ 0x80 | 63, 0, UINT64_C(3) << 62, 1500000000 }, { 3, 0, 1500, 1500000000 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct made m = { 0 };
		struct run r;

		section(&m);
		interface(&m, 1, cases[i].resolution, cases[i].offset);
		enhanced(&m, 0, cases[i].units, 1, 1);
		r = run_made(&m);
		assert_true(r.last.at.time == cases[i].time);
	}
}

static void statistics_blocks_tell_losses(void **state)
{
	struct made m = { 0 }, body = { 0 };
	struct run r;

	(void)state;
	section(&m);
	interface(&m, 1, -1, 0);
	put(&body, 0, 12), put(&body, 5, 2), put(&body, 8, 2), put(&body, 17, 8), put(&body, 7, 2), put(&body, 8, 2), put(&body, 4, 8);
	block(&m, 5, &body);
	block(&m, 5, &body);
	r = run_made(&m);
	assert_int_equal(r.counters.interface_dropped, 17);
	assert_int_equal(r.counters.kernel_dropped, 4);
	assert_string_equal(r.text, "");
}

/* --- compression and streams --- */

static struct path save_packed(const char *name, const struct made *m, int (*filter)(struct archive *))
{
	static uint8_t packed[65536];
	struct archive *a = archive_write_new();
	struct archive_entry *entry = archive_entry_new();
	size_t used = 0;

	assert_int_equal(filter(a), ARCHIVE_OK);
	assert_int_equal(archive_write_set_format_raw(a), ARCHIVE_OK);
	archive_write_set_bytes_in_last_block(a, 1);
	assert_int_equal(archive_write_open_memory(a, packed, sizeof packed, &used), ARCHIVE_OK);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_write_header(a, entry);
	archive_write_data(a, m->b, m->n);
	archive_write_close(a);
	archive_entry_free(entry);
	archive_write_free(a);
	return save_bytes(name, packed, used);
}

static struct made three_packets(void)
{
	struct made m = { 0 };

	pcap_head(&m, 0xa1b2c3d4, 1);
	pcap_packet(&m, 10, 0, 1, 60);
	pcap_packet(&m, 11, 0, 2, 1);
	pcap_packet(&m, 12, 0, 3, 37);
	return m;
}

static void compressed_files(void **state)
{
	int (*filters[])(struct archive *) = { archive_write_add_filter_gzip, archive_write_add_filter_zstd, archive_write_add_filter_lz4,
		archive_write_add_filter_xz, archive_write_add_filter_bzip2 };
	struct made m = three_packets(), text = { 0 }, nothing = { 0 };

	(void)state;
	put_data(&text, 'a', 20);
	for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
		struct run r = run_one(save_packed("packed", &m, filters[i]).text);

		assert_string_equal(r.text, "0:1@10 0:2@11 0:3@12");
		assert_int_equal(r.data[36], 39);
		r = run_one(save_packed("text", &text, filters[i]).text);
		assert_told(&r, "unpacked, it starts with 61626364");
		if (filters[i] == archive_write_add_filter_lz4)
			continue; /* libarchive 3.6 crashes writing nothing as lz4 */
		r = run_one(save_packed("nothing", &nothing, filters[i]).text);
		assert_told(&r, "empty file");
	}
}

static void damaged_compression_is_told(void **state)
{
	struct run r = run_one(save_bytes("damaged", "\x1f\x8b\x08\0\0\0\0\0\0\x03garbage that is no deflate", 36).text);

	(void)state;
	assert_string_equal(r.text, "none");
	assert_told(&r, "damaged: ");
	assert_told(&r, "unpacking failed");
}

/* Bytes as a stream that arrives in exactly these two pieces (a pipe in packet mode keeps them apart). */
static struct run run_pieces(const uint8_t *data, size_t len, size_t first)
{
	char path[32];
	struct run r;
	int ends[2];

	assert_int_equal(pipe2(ends, O_DIRECT | O_CLOEXEC), 0);
	if (first > 0)
		assert_int_equal(write(ends[1], data, first), first);
	if (first < len)
		assert_int_equal(write(ends[1], data + first, len - first), len - first);
	close(ends[1]);
	snprintf(path, sizeof path, "/proc/self/fd/%d", ends[0]);
	r = run_one(path);
	close(ends[0]);
	return r;
}

static void streams_split_anywhere(void **state)
{
	struct made m = three_packets(), ng = { .big = true };

	(void)state;
	for (size_t i = 0; i <= m.n; i++)
		assert_string_equal(run_pieces(m.b, m.n, i).text, "0:1@10 0:2@11 0:3@12");
	section(&ng), interface(&ng, 1, 6, 0), enhanced(&ng, 0, 8000000, 0, 13), simple(&ng, 0, 5);
	for (size_t i = 0; i <= ng.n; i++)
		assert_string_equal(run_pieces(ng.b, ng.n, i).text, "0:1@8 0:2@8");
}

static void windows_slide_over_long_files(void **state)
{
	struct path p = { "" };
	struct run r = { 0 };
	struct source_options options = { 0 };
	struct made head = { 0 };
	uint8_t *data = malloc(900000);
	const char *path = p.text;
	struct source *s;
	struct frame f;
	FILE *out;

	(void)state;
	snprintf(p.text, sizeof p.text, "%s/long", folder);
	out = fopen(path, "wb");
	pcap_head(&head, 0xa1b2c3d4, 1);
	fwrite(head.b, 1, head.n, out);
	/* Sizes that fall across the window everywhere, one far larger than it. */
	for (uint32_t i = 0; i < 700; i++) {
		uint32_t len = i == 350 ? 900000 : i * 7919 % 5000, record[4] = { i, 0, len, len };

		memset(data, (int)i, len);
		fwrite(record, 1, 16, out);
		fwrite(data, 1, len, out);
	}
	fclose(out);
	s = source_open_files(&path, 1, &options, &r.error);
	assert_non_null(s);
	for (uint32_t i = 0; i < 700; i++) {
		uint32_t len = i == 350 ? 900000 : i * 7919 % 5000;

		assert_int_equal(source_next(s, &f, &r.error), SOURCE_FRAME);
		assert_int_equal(f.captured, len);
		for (uint32_t at = 0; at < len; at++)
			if (f.data[at] != (uint8_t)i)
				fail_msg("packet %u byte %u", i, at);
	}
	assert_int_equal(source_next(s, &f, &r.error), SOURCE_END);
	source_close(&s);
	free(data);
}

/* --- trouble --- */

static void what_is_no_capture_is_told(void **state)
{
	struct made m = { 0 };
	struct run r = run_one(save_bytes("program", "MZ\x90\0\x03", 5).text);

	(void)state;
	assert_told(&r, "/program: not a capture file (starts with 4d5a9000\u2026); imapwhy reads pcap and pcapng");
	r = run_one(save_bytes("empty", "", 0).text);
	assert_told(&r, "empty file");
	r = run_one(save_bytes("short", "ab", 2).text);
	assert_told(&r, "starts with 6162");
	r = run_one("/nowhere/x.pcap");
	assert_told(&r, "/nowhere/x.pcap: no such file");
	r = run_one("/tmp");
	assert_told(&r, "is a directory");
	pcap_head(&m, 0xa1b2c3d4, 1);
	r = run_made(&m);
	assert_string_equal(r.text, "");
	m.n = 20;
	r = run_made(&m);
	assert_told(&r, "within the header");
}

static void cut_files_give_what_came_before(void **state)
{
	struct made m = three_packets(), ng = { 0 };
	size_t full[] = { 24, 100, 117, 170 };

	(void)state;
	for (size_t n = 24; n <= m.n; n++) {
		struct made cut = m;
		struct run r;
		bool whole = false;

		for (size_t i = 0; i < 4; i++)
			whole |= n == full[i];
		cut.n = n;
		r = run_made(&cut);
		assert_int_equal(r.counters.frames, n < 100 ? 0 : n < 117 ? 1 : n < 170 ? 2 : 3);
		assert_int_equal(r.counters.broken_files, !whole);
		if (!whole)
			assert_told(&r, "cut short");
	}
	section(&ng), interface(&ng, 1, 6, 0), enhanced(&ng, 0, 8000000, 0, 13), enhanced(&ng, 0, 9000000, 0, 16);
	for (size_t n = 29; n < ng.n; n++) {
		struct made cut = ng;

		cut.n = n;
		assert_in_range(run_made(&cut).counters.frames, 0, 1);
	}
}

static void absurd_lengths_break_the_file(void **state)
{
	struct made m = three_packets(), ng = { 0 };
	struct run r;

	(void)state;
	put(&m, 13, 4), put(&m, 0, 4), put(&m, 0xfffffff0, 4), put(&m, 60, 4), put_data(&m, 0, 60);
	r = run_made(&m);
	assert_string_equal(r.text, "0:1@10 0:2@11 0:3@12 !");
	assert_told(&r, "broken after packet 3 at byte 170: a packet record claims 4294967280 bytes; what came before is reported");
	section(&ng), interface(&ng, 1, 6, 0), enhanced(&ng, 0, 1000000, 0, 8), enhanced(&ng, 7, 1000000, 0, 8);
	r = run_made(&ng);
	assert_string_equal(r.text, "0:1@1 !");
	assert_told(&r, "interface 7");
}

/* Whatever is in a file: it ends, and no sanitizer objects. */
static void damaged_files_do_no_harm(void **state)
{
	uint32_t random = 12345;

	(void)state;
	for (int turn = 0; turn < 3000; turn++) {
		struct made m = { .big = turn & 2 };

		if (turn & 1) {
			m = three_packets();
		} else {
			section(&m), interface(&m, 1, 9, 5), secrets(&m, "CLIENT_RANDOM 1 2"), enhanced(&m, 0, 1, 0, 30), simple(&m, 0, 9);
			old_packet(&m, 0, 5, 0, 11);
		}
		for (int flips = 0; flips < 3; flips++) {
			random = random * 1664525 + 1013904223;
			m.b[4 + (random >> 8) % (m.n - 4)] = (uint8_t)(random & 4 ? 0xff : random >> 24);
		}
		run_made(&m);
	}
}

/* --- several files --- */

static struct path save_times(const char *name, uint32_t link, const uint32_t *seconds)
{
	struct made m = { 0 };

	pcap_head(&m, 0xa1b2c3d4, link);
	for (; *seconds; seconds++)
		pcap_packet(&m, *seconds, 0, 0, 4);
	return save(name, &m);
}

#define TIMES(...) (const uint32_t[]){ __VA_ARGS__, 0 }

static void rotated_files_are_one_recording(void **state)
{
	struct path a = save_times("a", 1, TIMES(1000, 1001)), b = save_times("b", 1, TIMES(1301)), c = save_times("c", 1, TIMES(1602, 1603));
	const char *paths[] = { c.text, b.text, a.text };

	(void)state;
	assert_string_equal(run_files(FILES_JOIN, 3, paths).text, "2:1@1000 2:2@1001 1:1@1301 | 0:1@1602 0:2@1603");
	assert_string_equal(run_files(FILES_MERGE, 3, paths).text, "2:1@1000 2:2@1001 1:1@1301 0:1@1602 0:2@1603");
	assert_string_equal(run_files(FILES_SEPARATE, 3, paths).text, "0:1@1602 0:2@1603 | 1:1@1301 | 2:1@1000 2:2@1001");
}

static void overlapping_files_are_merged(void **state)
{
	struct path a = save_times("a", 1, TIMES(10, 13, 13, 16)), b = save_times("b", 1, TIMES(11, 13, 18)), c = save_times("c", 1, TIMES(12, 17));
	const char *paths[] = { a.text, b.text, c.text };

	(void)state;
	assert_string_equal(run_files(FILES_JOIN, 3, paths).text, "0:1@10 1:1@11 2:1@12 0:2@13 0:3@13 1:2@13 0:4@16 2:2@17 1:3@18");
}

static void other_link_types_are_another_recording(void **state)
{
	struct path a = save_times("a", 1, TIMES(10, 20)), b = save_times("b", 101, TIMES(11, 12)), c = save_times("c", 1, TIMES(15, 21));
	const char *paths[] = { a.text, b.text, c.text };

	(void)state;
	assert_string_equal(run_files(FILES_JOIN, 3, paths).text, "0:1@10 2:1@15 0:2@20 2:2@21 | 1:1@11 1:2@12");
	assert_string_equal(run_files(FILES_MERGE, 3, paths).text, "0:1@10 1:1@11 1:2@12 2:1@15 0:2@20 2:2@21");
}

static void bad_files_among_good_ones(void **state)
{
	struct made cut = three_packets(), head = { 0 };
	struct path bad = save_bytes("bad", "hello", 5), a, b, empty;

	(void)state;
	cut.n -= 5;
	pcap_head(&head, 0xa1b2c3d4, 113);
	a = save("a", &cut);
	b = save_times("b", 1, TIMES(13, 14));
	empty = save("empty", &head);
	const char *paths[] = { a.text, bad.text, empty.text, "/nowhere", b.text };
	struct run r = run_files(FILES_JOIN, 5, paths);
	assert_string_equal(r.text, " ! ! 0:1@10 0:2@11 ! 4:1@13 4:2@14");
	assert_int_equal(r.counters.broken_files, 3);
	assert_true(r.read > 0 && r.all >= r.read);
	r = run_files(FILES_JOIN, 2, (const char *[]){ bad.text, "/nowhere" });
	assert_string_equal(r.text, "none");
	assert_told(&r, "bad: not a capture file");
	assert_string_equal(run_files(FILES_SEPARATE, 5, paths).text, " ! ! 0:1@10 0:2@11 ! | 4:1@13 4:2@14");
}

static void streams_join_with_files(void **state)
{
	struct path b = save_times("b", 1, TIMES(11, 30));
	struct made m = three_packets();
	char path[32];
	int ends[2];

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(write(ends[1], m.b, m.n), m.n);
	close(ends[1]);
	snprintf(path, sizeof path, "/proc/self/fd/%d", ends[0]);
	struct run r = run_files(FILES_JOIN, 2, (const char *[]){ path, b.text });
	assert_string_equal(r.text, "0:1@10 0:2@11 1:1@11 0:3@12 1:2@30");
	assert_true(r.all == 0 || r.all >= r.read);
	close(ends[0]);
}

static void a_signal_ends_the_source(void **state)
{
	struct made m = three_packets();
	struct path p = save("one", &m);
	const char *path = p.text;
	volatile sig_atomic_t stop = 0;
	struct source_options options = { .stop = &stop };
	struct error error;
	struct source *s = source_open_files(&path, 1, &options, &error);
	struct frame f;

	(void)state;
	assert_string_equal(source_name(s, 0), path);
	assert_int_equal(source_next(s, &f, &error), SOURCE_FRAME);
	stop = 1;
	assert_int_equal(source_next(s, &f, &error), SOURCE_END);
	source_close(&s);
}

/* --- live --- */

static void a_missing_interface_is_told(void **state)
{
	struct source_options options = { .user = "root" };
	struct error error = { "" };

	(void)state;
	assert_null(source_open_live("no-such-if0", &options, &error));
	assert_non_null(strstr(error.text, "no-such-if0: "));
	if (geteuid() == 0)
		assert_non_null(strstr(error.text, "no such interface; there are: "));
}

static void idle_time_moves_forward(void **state)
{
	struct source_options options = { .user = "root", .filter = "tcp port 1 and host 192.0.2.77", .buffer_bytes = 1 << 20 };
	struct error error;
	struct source *s = source_open_live("lo", &options, &error);
	nanoseconds before = 0;
	struct frame f;

	(void)state;
	if (!s)
		skip(); /* not permitted to capture here */
	for (int i = 0; i < 4; i++) {
		assert_int_equal(source_next(s, &f, &error), SOURCE_IDLE);
		assert_true(f.at.time > before);
		before = f.at.time;
	}
	assert_string_equal(source_name(s, 0), "lo");
	source_close(&s);
	options.filter = "port port";
	assert_null(source_open_live("lo", &options, &error));
	assert_non_null(strstr(error.text, "filter \"port port\""));
}

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof command, "rm -rf %s", folder);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pcap_in_all_its_forms), cmocka_unit_test(pcap_as_kuznetsov_modified_it),
		cmocka_unit_test(pcapng_of_several_sections_and_interfaces), cmocka_unit_test(pcapng_times_never_overflow),
		cmocka_unit_test(frames_are_numbered_as_wireshark_does),
		cmocka_unit_test(statistics_blocks_tell_losses), cmocka_unit_test(compressed_files), cmocka_unit_test(damaged_compression_is_told),
		cmocka_unit_test(streams_split_anywhere), cmocka_unit_test(windows_slide_over_long_files), cmocka_unit_test(what_is_no_capture_is_told),
		cmocka_unit_test(cut_files_give_what_came_before), cmocka_unit_test(absurd_lengths_break_the_file),
		cmocka_unit_test(damaged_files_do_no_harm), cmocka_unit_test(rotated_files_are_one_recording),
		cmocka_unit_test(overlapping_files_are_merged), cmocka_unit_test(other_link_types_are_another_recording),
		cmocka_unit_test(bad_files_among_good_ones), cmocka_unit_test(streams_join_with_files), cmocka_unit_test(a_signal_ends_the_source),
		cmocka_unit_test(a_missing_interface_is_told), cmocka_unit_test(idle_time_moves_forward),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
