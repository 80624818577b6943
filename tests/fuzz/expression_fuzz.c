/* Fuzzing of rule expressions: what compiles is judged, and `not` must be its mirror. Values of the facts follow a NUL. */
#include <stdio.h>
#include <stdlib.h>

#include "expression.h"

static void count_problem(void *context, size_t offset, const char *what)
{
	++*(int *)context;
	if (offset > 9000 || !what[0])
		abort();
}

static void fill(struct fact_view view[FACT_COUNT], struct bytes from)
{
	for (size_t i = 0; i < FACT_COUNT; i++) {
		uint8_t b = from.len ? from.data[i % from.len] : 0;
		view[i] = (struct fact_view){ .value = fact_kinds[i].type == FACT_TEXT ? b & 3 : (int8_t)b, .known = b & 1, .set = b & 2 };
	}
}

/* Every node's span must stay within the whole, and its text be printable at any length. */
static void check_nodes(const struct expression *e)
{
	char term[64];

	for (int i = 0; i < e->count; i++) {
		if (e->nodes[i].span == 0 || i + e->nodes[i].span > e->count)
			abort();
		expression_term(e, i, term, (size_t)(1 + i % 64));
	}
}

static enum truth judge(const char *text, const struct fact_view *view, const struct texts *texts, bool *compiled)
{
	struct expression e;
	int problems = 0;
	enum truth truth = IS_UNKNOWN;

	*compiled = expression_compile(text, count_problem, &problems, &e);
	if (*compiled != (problems == 0))
		abort();
	if (!*compiled)
		return truth;
	check_nodes(&e);
	truth = expression_judge(&e, 0, view, texts);
	expression_free(&e);
	return truth;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fact_view view[FACT_COUNT];
	struct texts *texts = texts_create(1 << 16);
	char *text = strndup((const char *)data, size), *mirror = NULL;
	size_t len = strlen(text);
	bool compiled, mirrored;

	texts_keep(texts, bytes_of_text("Login FAILED"));
	texts_keep(texts, bytes_of_text("a"));
	fill(view, bytes_part(bytes_of(data, size), len + 1, size));
	enum truth truth = judge(text, view, texts, &compiled);
	if (asprintf(&mirror, "not (%s)", text) < 0)
		abort();
	/* The mirror may be too deep, too long or have a node too many; of `a) or (b` it alone compiles. */
	if (judge(mirror, view, texts, &mirrored) != IS_TRUE - truth && mirrored && compiled)
		abort();
	free(mirror);
	free(text);
	texts_destroy(&texts);
	return 0;
}
