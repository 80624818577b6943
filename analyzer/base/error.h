/* One error text for the operator: what, where, what to do. Layers fill it, main alone prints it. */
#ifndef IMAPWHY_ERROR_H
#define IMAPWHY_ERROR_H

#include <stdbool.h>
#include <stdio.h>

struct error {
	char text[1024];
};

/* Sets the text and returns false, so that `return error_set(e, ...)` reads as failure. e may be NULL. */
#define error_set(e, ...) ((e) ? (snprintf((e)->text, sizeof (e)->text, __VA_ARGS__), false) : false)

#endif
