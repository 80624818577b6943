/* Root is needed to open an interface and given up right after. */
#ifndef IMAPWHY_PRIVILEGE_H
#define IMAPWHY_PRIVILEGE_H

#include <stdbool.h>

#include "error.h"

/* Gives up root for a user (NULL: nobody), keeping only the right to capture; no-op when not root or when the user is root. */
bool privilege_drop(const char *user, struct error *error);

/* Gives an open output to that user while still root, so that it can be opened again after a rotation; no-op for a descriptor of -1, or when not root. */
bool privilege_share(int descriptor, const char *user, struct error *error);

#endif
