/* pcapng: the kinds of its blocks, and decryption secrets that stand behind the packets they open. */
#ifndef IMAPWHY_PCAPNG_H
#define IMAPWHY_PCAPNG_H

#include "file.h"

#define SECTION_HEADER 0x0a0d0d0au

enum block {
	INTERFACE_DESCRIPTION = 1,
	PACKET = 2, /* obsolete */
	SIMPLE_PACKET = 3,
	NAME_RESOLUTION = 4,
	INTERFACE_STATISTICS = 5,
	ENHANCED_PACKET = 6,
	DECRYPTION_SECRETS = 10,
	/* No packets, but Wireshark numbers them as frames. */
	SYSTEMD_JOURNAL = 9,
	SYSDIG_EVENT = 0x204,
	SYSDIG_EVENT_2 = 0x216,
	SYSDIG_EVENT_2_LARGE = 0x221,
	CUSTOM = 0xbad,
	CUSTOM_NOT_COPIED = 0x40000bad,
};

static inline bool pcapng_carries_packet(uint32_t type)
{
	return type == ENHANCED_PACKET || type == SIMPLE_PACKET || type == PACKET;
}

/* Keeps the TLS key log of a block p..end (without its closing length) behind those kept before, its last line ended. False: no room, or
 * another format. */
bool pcapng_secrets(struct gathered *gathered, bool swapped, const uint8_t *p, const uint8_t *end);

#endif
