/* The command line. */
#ifndef IMAPWHY_OPTIONS_H
#define IMAPWHY_OPTIONS_H

#include "pipeline.h"

enum task { TASK_ANALYSE, TASK_EXPLAIN, TASK_RULES_CHECK, TASK_RULES_LIST, TASK_HELP, TASK_VERSION, TASK_FACTS };

struct options {
	enum task task;
	struct analysis_options analysis;
	struct source_options source;
	struct report_options report;
	bool output_given, seed_given, interval_given;
	const char *interface, *output_file, *rules, *user_key, *keylog;
	const char *evidence_file; /* --save-evidence; NULL: none */
	nanoseconds interval;      /* between counts, of capture time; 0: at the end alone */
	const char *const *captures;
	int capture_count;
};

/* False: error says what and what to do. */
bool options_read(struct options *options, int argc, char **argv, struct error *error);
extern const char options_help[];

#endif
