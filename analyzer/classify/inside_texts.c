/* inside-tls.yaml: how long the texts are that servers and clients say. */
#include <stdio.h>
#include <string.h>

#include "inside_parts.h"

/* `{20-60}` stands for as many bytes. False: it is none. */
static bool varying(const char **at, struct inside_text *t)
{
	unsigned least = 0, most = 0;
	int len = 0;

	if (sscanf(*at, "{%5u-%5u}%n", &least, &most, &len) < 2 || !len || least > most || t->most + most >= LENGTH_MOST)
		return false;
	t->least = (uint16_t)(t->least + least);
	t->most = (uint16_t)(t->most + most);
	*at += len;
	return true;
}

static bool text_length(struct document *d, const yaml_node_t *n, const char *text, struct inside_text *t)
{
	bool line = true;

	for (const char *c = text; *c;) {
		if (line && strncmp(c, "TAG ", 4) == 0) {
			if (t->tagged) {
				document_problem(d, n, "`%.60s`: a second TAG", text);
				return false;
			}
			t->tagged = true;
			c += 3;
		}
		line = *c == '\n';
		if (*c == '{' && varying(&c, t))
			continue;
		if (*c == '{' || t->most >= LENGTH_MOST - 3) {
			document_problem(d, n, "`%.60s`: `{` begins what varies, like {20-60}", text);
			return false;
		}
		t->least++;
		t->most++;
		c++;
	}
	t->least = (uint16_t)(t->least + 2); /* CRLF */
	t->most = (uint16_t)(t->most + 2);
	return true;
}

void inside_texts_read(struct document *d, yaml_node_t *n, int meaning, struct inside_text *list, int most, int *count)
{
	struct items items;
	yaml_node_t *item;

	if (!document_items(d, n, "texts", true, &items))
		return;
	while ((item = items_next(d, &items))) {
		const char *text = document_text(d, item, "text");
		struct inside_text t = { .meaning = (uint8_t)meaning };
		if (!text || !text_length(d, item, text, &t))
			continue;
		if (*count == most) {
			document_problem(d, item, "more than %d texts", most);
			return;
		}
		list[(*count)++] = t;
	}
}
