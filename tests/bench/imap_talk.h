/* IMAP sessions, healthy and failed, as scripts. */
#pragma once
#include "script.h"

/* One session from the seed; says whether it is healthy and what it is called. idle: logged in, in IDLE, never closed. */
enum talk_wish { TALK_ANY, TALK_SHORT, TALK_IDLE, TALK_SECURE };
struct flow *talk_new(uint64_t seed, uint64_t at, uint32_t client, uint16_t port, bool healthy, enum talk_wish wish, const char **kind);
