/* Reads YAML files within limits and walks them; every complaint names file and line. */
#include "document.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vocabulary.h"

#define FILE_MOST (1 << 20)
#define PAIRS_MOST 128
#define DEPTH_MOST 32
#define ANCHORS_MOST 500

static bool read_all(int fd, struct document *d)
{
	ssize_t n = 0;

	while (d->len < FILE_MOST + 1u && (n = read(fd, d->source + d->len, FILE_MOST + 1u - d->len)) > 0)
		d->len += (size_t)n;
	d->source[d->len] = '\0';
	return n >= 0;
}

static bool read_file(struct document *d)
{
	struct stat status;
	/* Not blocking: a named pipe must not hang the start. */
	int fd = open(d->name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	bool ok = fd >= 0 && fstat(fd, &status) == 0;

	if (ok && !S_ISREG(status.st_mode)) {
		problem(d->problems, d->name, 0, "not a regular file");
		close(fd);
		return false;
	}
	d->source = malloc(FILE_MOST + 2u);
	ok = ok && d->source && read_all(fd, d);
	if (!ok)
		problem(d->problems, d->name, 0, "%s", strerror(errno));
	else if (d->len > FILE_MOST) {
		problem(d->problems, d->name, 0, "larger than 1 MiB, no rule file is");
		ok = false;
	}
	if (fd >= 0)
		close(fd);
	if (ok) {
		char *fit = realloc(d->source, d->len + 1);
		d->source = fit ? fit : d->source;
	}
	return ok;
}

static void tell_parser(struct document *d, const yaml_parser_t *parser)
{
	if (parser->error == YAML_READER_ERROR) {
		int line = 1;
		for (size_t i = 0; i < parser->problem_offset && i < d->len; i++)
			line += d->source[i] == '\n';
		problem(d->problems, d->name, line, "%s", parser->problem);
		return;
	}
	problem(d->problems, d->name, (int)parser->problem_mark.line + 1, "%s%s%s", parser->problem ? parser->problem : "no YAML",
		parser->context ? " " : "", parser->context ? parser->context : "");
}

/* A second document in the file would be silently ignored otherwise. */
static void refuse_second(struct document *d, yaml_parser_t *parser)
{
	yaml_document_t second;

	if (!yaml_document_get_root_node(&d->yaml))
		return;
	if (!yaml_parser_load(parser, &second)) {
		tell_parser(d, parser);
		return;
	}
	if (yaml_document_get_root_node(&second))
		problem(d->problems, d->name, (int)second.start_mark.line + 1, "a second document begins; one file holds one");
	yaml_document_delete(&second);
}

static int nesting(yaml_token_type_t type)
{
	switch (type) {
	case YAML_BLOCK_SEQUENCE_START_TOKEN:
	case YAML_BLOCK_MAPPING_START_TOKEN:
	case YAML_FLOW_SEQUENCE_START_TOKEN:
	case YAML_FLOW_MAPPING_START_TOKEN: return 1;
	case YAML_BLOCK_END_TOKEN:
	case YAML_FLOW_SEQUENCE_END_TOKEN:
	case YAML_FLOW_MAPPING_END_TOKEN: return -1;
	default: return 0;
	}
}

/* libyaml's time grows with the square of the depth and of the anchors: 100,000 brackets cost it 20 s. Broken tokens are
 * told by the parser. */
static bool is_modest(struct document *d)
{
	yaml_parser_t parser;
	yaml_token_t token;
	int depth = 0, anchors = 0, line = 0;
	bool more = yaml_parser_initialize(&parser);

	if (!more)
		return true;
	yaml_parser_set_input_string(&parser, (const unsigned char *)d->source, d->len);
	while (more && depth <= DEPTH_MOST && anchors <= ANCHORS_MOST && yaml_parser_scan(&parser, &token)) {
		depth += nesting(token.type);
		anchors += token.type == YAML_ANCHOR_TOKEN;
		line = (int)token.start_mark.line + 1;
		more = token.type != YAML_STREAM_END_TOKEN;
		yaml_token_delete(&token);
	}
	yaml_parser_delete(&parser);
	if (depth > DEPTH_MOST)
		problem(d->problems, d->name, line, "nested more than %d deep", DEPTH_MOST);
	else if (anchors > ANCHORS_MOST)
		problem(d->problems, d->name, line, "more than %d anchors", ANCHORS_MOST);
	return depth <= DEPTH_MOST && anchors <= ANCHORS_MOST;
}

static bool parse(struct document *d)
{
	yaml_parser_t parser;

	if (!yaml_parser_initialize(&parser)) {
		problem(d->problems, d->name, 0, "out of memory");
		return false;
	}
	yaml_parser_set_input_string(&parser, (const unsigned char *)d->source, d->len);
	d->parsed = yaml_parser_load(&parser, &d->yaml);
	if (d->parsed)
		refuse_second(d, &parser);
	else
		tell_parser(d, &parser);
	yaml_parser_delete(&parser);
	return d->parsed;
}

bool document_open(struct document *d, const char *path, struct problems *problems)
{
	*d = (struct document){ .name = strdup(path), .problems = problems };
	if (!d->name) {
		problem(problems, path, 0, "out of memory");
		return false;
	}
	return read_file(d) && is_modest(d) && parse(d);
}

void document_close(struct document *d)
{
	if (d->parsed)
		yaml_document_delete(&d->yaml);
	free(d->source);
	free(d->name);
	*d = (struct document){ 0 };
}

yaml_node_t *document_root(struct document *d)
{
	return yaml_document_get_root_node(&d->yaml);
}

static yaml_node_t *node_of(struct document *d, int number)
{
	return yaml_document_get_node(&d->yaml, number);
}

void document_problem(struct document *d, const yaml_node_t *at, const char *format, ...)
{
	char what[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof what, format, args);
	va_end(args);
	problem(d->problems, d->name, at ? (int)at->start_mark.line + 1 : 0, "%s", what);
}

static const char *scalar(const yaml_node_t *n)
{
	return (const char *)n->data.scalar.value;
}

bool node_is_null(const yaml_node_t *n)
{
	if (n->type != YAML_SCALAR_NODE || n->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return false;
	return n->data.scalar.length == 0 || strcmp(scalar(n), "null") == 0 || strcmp(scalar(n), "~") == 0;
}

const char *document_text(struct document *d, const yaml_node_t *n, const char *what)
{
	if (n->type != YAML_SCALAR_NODE)
		document_problem(d, n, "%s: a text is expected, not a %s", what, n->type == YAML_SEQUENCE_NODE ? "list" : "mapping");
	else if (strlen(scalar(n)) != n->data.scalar.length)
		document_problem(d, n, "%s: holds a NUL character", what);
	else if (strspn(scalar(n), " \t\r\n") == n->data.scalar.length)
		document_problem(d, n, "%s: is empty", what);
	else
		return scalar(n);
	return NULL;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Folding changes white space alone, so the n-th other character stands at the same place in the file. Quoted scalars
 * have escapes and count as one line. */
int document_line(const struct document *d, const yaml_node_t *n, size_t offset)
{
	yaml_scalar_style_t style = n->data.scalar.style;
	size_t line = n->start_mark.line, before = 0, at = 0;
	bool block = style == YAML_LITERAL_SCALAR_STYLE || style == YAML_FOLDED_SCALAR_STYLE;

	if (style != YAML_PLAIN_SCALAR_STYLE && !block)
		return (int)line + 1;
	for (size_t i = 0; i < offset && i < n->data.scalar.length; i++)
		before += !is_blank(scalar(n)[i]);
	for (size_t skip = line + block; skip && at < d->len; at++)
		skip -= d->source[at] == '\n';
	line += block;
	/* A plain scalar starts behind its key, and columns are characters: those before it are ASCII in our files. */
	for (at += block ? 0 : n->start_mark.column; at < d->len; at++) {
		if (d->source[at] == '\n')
			line++;
		else if (!is_blank(d->source[at]) && before-- == 0)
			break;
	}
	return (int)(line < n->end_mark.line ? line : n->end_mark.line) + 1;
}

bool document_items(struct document *d, yaml_node_t *n, const char *what, bool or_scalar, struct items *into)
{
	if (or_scalar && n->type == YAML_SCALAR_NODE) {
		*into = (struct items){ .list = n, .count = 1, .single = true };
		return true;
	}
	if (n->type != YAML_SEQUENCE_NODE) {
		document_problem(d, n, "%s: a list is expected", what);
		return false;
	}
	*into = (struct items){ .list = n, .count = (int)(n->data.sequence.items.top - n->data.sequence.items.start) };
	return true;
}

yaml_node_t *items_next(struct document *d, struct items *i)
{
	if (i->next == i->count)
		return NULL;
	i->next++;
	if (i->single)
		return i->list;
	return node_of(d, i->list->data.sequence.items.start[i->next - 1]);
}

bool document_pairs(struct document *d, yaml_node_t *n, const char *what, struct items *into)
{
	if (n->type != YAML_MAPPING_NODE) {
		document_problem(d, n, "%s: a mapping is expected, not a %s", what, n->type == YAML_SEQUENCE_NODE ? "list" : "text");
		return false;
	}
	*into = (struct items){ .list = n, .count = (int)(n->data.mapping.pairs.top - n->data.mapping.pairs.start) };
	if (into->count > PAIRS_MOST) {
		document_problem(d, n, "%s: more than %d keys", what, PAIRS_MOST);
		return false;
	}
	return true;
}

bool pairs_next(struct document *d, struct items *p, const char **key, yaml_node_t **key_node, yaml_node_t **value)
{
	while (p->next < p->count) {
		const yaml_node_pair_t *pair = &p->list->data.mapping.pairs.start[p->next++];
		*key_node = node_of(d, pair->key);
		*value = node_of(d, pair->value);
		*key = document_text(d, *key_node, "key");
		if (*key)
			return true;
	}
	return false;
}

int document_word(struct document *d, const yaml_node_t *n, const char *what, const char *const *list)
{
	char hint[HINT_ROOM];
	const char *word = document_text(d, n, what);
	int number = word ? list_number(list, word) : -1;

	if (word && number < 0)
		document_problem(d, n, "unknown %s `%.60s`%s", what, word, nearest_in_list(word, list, hint));
	return number;
}

bool pairs_next_word(struct document *d, struct items *p, const char *what, const char *const *list, int *number, yaml_node_t **value)
{
	while (p->next < p->count) {
		const yaml_node_pair_t *pair = &p->list->data.mapping.pairs.start[p->next++];
		*value = node_of(d, pair->value);
		*number = document_word(d, node_of(d, pair->key), what, list);
		if (*number >= 0)
			return true;
	}
	return false;
}

static const char *key_word(const void *keys, int n)
{
	return ((const struct key *)keys)[n].word;
}

static int find_key(const struct key *keys, const char *word)
{
	for (int i = 0; keys[i].word; i++)
		if (strcmp(keys[i].word, word) == 0)
			return i;
	return -1;
}

void document_read(struct document *d, yaml_node_t *n, const char *what, const struct key *keys, void *into)
{
	struct items pairs;
	const char *word;
	yaml_node_t *at, *value;
	uint32_t seen = 0;

	if (!document_pairs(d, n, what, &pairs))
		return;
	while (pairs_next(d, &pairs, &word, &at, &value)) {
		char hint[HINT_ROOM];
		int key = find_key(keys, word);
		if (key < 0)
			document_problem(d, at, "unknown key `%.60s`%s", word, nearest_hint(word, key_word, keys, hint));
		else if (seen & 1u << key)
			document_problem(d, at, "`%s` is given twice", word);
		else {
			seen |= 1u << key;
			keys[key].read(d, value, word, (char *)into + keys[key].at);
		}
	}
	for (int i = 0; keys[i].word; i++)
		if (keys[i].needed && !(seen & 1u << i))
			document_problem(d, n, "%s: `%s` is missing", what, keys[i].word);
}

void key_text(struct document *d, yaml_node_t *n, const char *word, void *into)
{
	*(const char **)into = document_text(d, n, word);
}

void key_note(struct document *d, yaml_node_t *n, const char *word, void *into)
{
	(void)into;
	document_text(d, n, word);
}
