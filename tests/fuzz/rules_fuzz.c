/* Fuzzing of the rule files' readers: the first byte chooses which, the rest is the file; what can't be read is told. */
#include "loaded.h"
#include "memory_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const readers[])(struct rules *, struct document *) = { load_verdicts, load_server_texts, load_issuers, load_advice,
									      load_providers };
	static FILE *out;
	struct problems problems = { .out = out ? out : (out = fopen("/dev/null", "w")) };
	struct memory_file input;
	struct rules *rules = calloc(1, sizeof *rules);

	if (!size || !rules || !out) {
		free(rules);
		return 0;
	}
	memory_file_open(&input, data + 1, size - 1);
	rules->documents = rules_grow(NULL, 0, &rules->document_room, sizeof *rules->documents);
	rules->document_count = 1;
	if (document_open(&rules->documents[0], input.path, &problems))
		readers[data[0] % (sizeof readers / sizeof *readers)](rules, &rules->documents[0]);
	problems_finish(&problems);
	rules_destroy(&rules);
	memory_file_close(&input);
	return 0;
}
