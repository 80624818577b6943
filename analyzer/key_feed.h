/* Feeds an analysis with TLS secrets: those of a key log file, as it grows, and those that capture files carry. */
#ifndef IMAPWHY_KEY_FEED_H
#define IMAPWHY_KEY_FEED_H

#include "pipeline.h"

struct key_feed;
/* path NULL: capture files alone. NULL and error: the file can't be read. */
struct key_feed *key_feed_create(const char *path, struct error *error);
void key_feed_destroy(struct key_feed **feed);
/* Reads what is there by now, and from then on what comes when a session lacks its secrets. */
void key_feed_begin(struct key_feed *feed, struct analysis *analysis);
/* Text from a capture file. */
void key_feed_take(struct key_feed *feed, struct bytes text);
/* What is wrong with the lines read so far, for the operator; false: nothing. */
bool key_feed_trouble(struct key_feed *feed, struct error *error);

#endif
