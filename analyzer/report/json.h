/* Building JSON: the few shapes that documents need. json.c alone knows which library does it. */
#ifndef IMAPWHY_JSON_H
#define IMAPWHY_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "moment.h"

struct json_object;
struct report_line {
	char *text;
	size_t len, room;
};

/* Every put_ takes a key that outlives the document (a literal) and is new to its object; a NULL parent is passed over. */
struct json_object *json_new(void);
void json_drop(struct json_object **object);

/* A child object, empty as yet; NULL: no memory, or no parent. */
struct json_object *put_object(struct json_object *parent, const char *key);
/* Adds a finished child, or drops it where it has nothing to say. */
void put_filled(struct json_object *parent, const char *key, struct json_object *child);
struct json_object *put_list(struct json_object *parent, const char *key, int length);
void list_word(struct json_object *list, const char *word);

/* A text of any origin: made clean UTF-8, at most `most` bytes, the cut marked; NULL and "" are left out. */
void put_text(struct json_object *parent, const char *key, const char *text, size_t most);
/* A word of our own: known to be clean; NULL is left out. */
void put_word(struct json_object *parent, const char *key, const char *word);
void put_null(struct json_object *parent, const char *key);
void put_flag(struct json_object *parent, const char *key, bool flag);
void put_number(struct json_object *parent, const char *key, int64_t number);
/* A count of which zero says nothing. */
void put_count(struct json_object *parent, const char *key, uint64_t count);
/* A decimal number given in thousandths: 18200 reads 18.2. */
void put_thousandths(struct json_object *parent, const char *key, int64_t thousandths);
/* RFC 3339 with nine digits, UTC. */
void put_time(struct json_object *parent, const char *key, nanoseconds time);
/* JSON made before (and outliving the document), as it stands. */
void put_made(struct json_object *parent, const char *key, const char *json);

/* Lists of like rows (evidence, advice) are most of a document: they are written out straight, in the caller's room,
 * and put in as made JSON. What finds no room is left out whole and `full` says so. */
struct rows {
	char *start;
	size_t len, room;
	int rows, members;
	bool full;
};
struct rows rows_begin(char *room, size_t size);
void row_begin(struct rows *r);
void row_text(struct rows *r, const char *key, const char *text, size_t most);
void row_word(struct rows *r, const char *key, const char *word);
void row_count(struct rows *r, const char *key, uint64_t count);
void row_time(struct rows *r, const char *key, nanoseconds time);
void row_end(struct rows *r);
/* An object within the row. */
void row_object(struct rows *r, const char *key);
void row_object_end(struct rows *r);
/* Adds the rows to the document, where there are any. */
void put_rows(struct json_object *parent, const char *key, struct rows *r);

/* The object as one line with its newline, in the line's own growing room; false: no memory. */
bool json_line(struct json_object *object, struct report_line *into);

#define TIME_TEXT 32
/* "2024-03-01T14:02:07.123456789Z" into a buffer of TIME_TEXT; its length. */
int time_text(nanoseconds time, char *into);

#endif
