/* Fuzzing of the whole walk: the bytes of a capture file in, documents out; each ends its line, none is longer than a document may be. */
#include "memory_file.h"
#include "pipeline.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define DOCUMENT_MOST 8000

static const char *file_name(const void *context, uint16_t file)
{
	return source_name(context, file);
}

static bool put(void *context, const char *text, size_t len)
{
	const int *fd = context;

	return write(*fd, text, len) == (ssize_t)len;
}

static void check_documents(int fd)
{
	off_t size = lseek(fd, 0, SEEK_END);
	char *text = size > 0 ? mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, fd, 0) : NULL;
	off_t from = 0;

	if (text == MAP_FAILED || (text && text[size - 1] != '\n'))
		abort();
	for (off_t i = 0; text && i < size; i++)
		if (text[i] == '\n') {
			if (i - from > DOCUMENT_MOST || text[from] != '{' || text[i - 1] != '}')
				abort();
			from = i + 1;
		} else if ((unsigned char)text[i] < ' ') {
			abort();
		}
	if (text)
		munmap(text, (size_t)size);
}

static void walk(struct source *source, const struct rules *rules, int output)
{
	const struct analysis_options options = { .memory = 4 << 20, .seed = 1, .ports = { 110 }, .port_count = 1 };
	const struct report_out out = { &output, put };
	const struct report_options wanted = { .output = OUTPUT_JSON, .usernames = USERNAMES_MASK };
	struct error error = { "" };
	struct report_stats stats;
	struct frame frame;
	enum source_status status;
	struct analysis *analysis = analysis_create(&options, rules, &error);

	if (!analysis)
		abort();
	struct report *report = report_create(&out, &wanted, rules, analysis_texts(analysis), file_name, source);
	analysis_report_to(analysis, report);
	while ((status = source_next(source, &frame, &error)) != SOURCE_END)
		if (status == SOURCE_FRAME)
			analysis_frame(analysis, &frame);
		else if (status == SOURCE_RESTART)
			analysis_end(analysis);
	analysis_end(analysis);
	analysis_stats(analysis, source, &stats);
	report_finish(report, &stats, stats.last);
	report_destroy(&report);
	analysis_destroy(&analysis);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct rules *rules; /* loaded once */
	const struct source_options options = { 0 };
	struct memory_file input, output;
	struct error error = { "" };
	const char *path;

	if (!rules && !(rules = rules_load("rules", stderr)))
		abort();
	memory_file_open(&input, data, size);
	path = input.path;
	struct source *source = source_open_files(&path, 1, &options, &error);
	if (source) {
		memory_file_open(&output, NULL, 0);
		walk(source, rules, output.fd);
		check_documents(output.fd);
		memory_file_close(&output);
		source_close(&source);
	}
	memory_file_close(&input);
	return 0;
}
