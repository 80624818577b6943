/* Numbers, spans of time and rows of shares in rule files. */
#include "numbers.h"

#include <string.h>

/* Not strtod: the decimal point is a point in every locale. `rest` is what stands behind the number. */
static bool decimal(const char *text, double *into, const char **rest)
{
	double value = 0, place = 1;
	const char *c = text;

	for (; *c >= '0' && *c <= '9' && value < 1e12; c++)
		value = value * 10 + (*c - '0');
	if (*c == '.' && c > text)
		for (c++; *c >= '0' && *c <= '9'; c++)
			value += (*c - '0') * (place /= 10);
	*into = value;
	*rest = c;
	return c > text;
}

bool document_number(struct document *d, yaml_node_t *n, const char *what, double most, double *into)
{
	const char *text = document_text(d, n, what), *rest;
	double value;

	if (!text)
		return false;
	if (!decimal(text, &value, &rest) || *rest || value > most) {
		document_problem(d, n, "%s `%.60s`: a number from 0 to %g is expected", what, text, most);
		return false;
	}
	*into = value;
	return true;
}

bool document_span(struct document *d, yaml_node_t *n, const char *what, nanoseconds *into)
{
	static const struct {
		const char *word;
		nanoseconds unit;
	} units[] = { { "ms", MILLISECOND }, { "s", SECOND }, { "m", MINUTE } };
	const char *text = document_text(d, n, what), *rest;
	double value;

	for (size_t i = 0; text && i < sizeof units / sizeof *units; i++)
		if (decimal(text, &value, &rest) && strcmp(rest, units[i].word) == 0 && value < 1e6) {
			*into = (nanoseconds)(value * (double)units[i].unit);
			return true;
		}
	if (text)
		document_problem(d, n, "%s `%.60s`: a span like 300ms, 1.5s or 3m is expected", what, text);
	return false;
}

bool document_row(struct document *d, yaml_node_t *n, const char *what, int count, double *into)
{
	struct items items;
	yaml_node_t *item;
	bool good = true;

	if (!document_items(d, n, what, false, &items))
		return false;
	if (items.count != count) {
		document_problem(d, n, "%s: %d numbers are expected, not %d", what, count, items.count);
		return false;
	}
	for (int i = 0; (item = items_next(d, &items)); i++)
		good = document_number(d, item, what, 1e9, &into[i]) && good;
	return good;
}

bool shares_of(struct document *d, yaml_node_t *n, const char *what, int count, double *list)
{
	double sum = 0;

	for (int i = 0; i < count; i++)
		sum += list[i];
	if (sum <= 0) {
		document_problem(d, n, "%s: all are 0", what);
		return false;
	}
	for (int i = 0; i < count; i++)
		list[i] /= sum;
	return true;
}

void key_share(struct document *d, yaml_node_t *n, const char *word, void *into)
{
	document_number(d, n, word, 1, into);
}
