/* The run's secrets: the seed of its tables and the key of the hashes that stand for user names. */
#ifndef IMAPWHY_KEYS_H
#define IMAPWHY_KEYS_H

#include "options.h"

/* Fills what the options did not give. The key of user names is read from --user-key, else from the installation's own file (made by
 * `make install`); without either it is made for this run alone, and its hashes compare with no other run's. False: error says why. */
bool keys_make(struct options *options, struct error *error);

#endif
