/* Fuzzing of the capture file reader: pcap, pcapng and whatever libarchive unpacks; packets come in bounds, or the file breaks with a word. */
#include "file.h"
#include "memory_file.h"

#include <string.h>

static void read_all(struct file *f)
{
	struct frame frame;
	struct error error = { "" };
	volatile unsigned sum = 0;
	enum file_status status;
	uint32_t number = 0;

	while ((status = file_next(f, &frame, &error)) == FILE_FRAME) {
		if (frame.at.frame <= number || frame.captured > RECORD_MOST || frame.wire < frame.captured || frame.at.time < 0 ||
		    frame.at.time > TIME_MOST)
			abort();
		number = frame.at.frame; /* blocks that Wireshark numbers are stepped over */
		for (uint32_t i = 0; i < frame.captured; i++)
			sum += frame.data[i];
		if (number > 100000)
			break;
	}
	(void)sum;
	if (status == FILE_BROKEN && !error.text[0])
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct gathered gathered; /* its room for secrets is kept */
	struct memory_file input;
	struct error error = { "" };
	struct links links;

	memory_file_open(&input, data, size);
	gathered.secrets_len = 0;
	struct file *f = file_open(input.path, 0, INPUT_GLANCE, NULL, &gathered, &error);
	if (f) {
		file_secrets_ahead(f);
		read_all(f);
		file_links(f, &links);
		if (links.count > sizeof links.link / sizeof *links.link)
			abort();
		file_close(&f);
	} else if (!error.text[0]) {
		abort();
	}
	memory_file_close(&input);
	return 0;
}
