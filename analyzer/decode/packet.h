/* A decoded packet: views into the frame, nothing copied. */
#ifndef IMAPWHY_PACKET_H
#define IMAPWHY_PACKET_H

#include "address.h"
#include "bytes.h"
#include "moment.h"

enum transport { TRANSPORT_NONE, TRANSPORT_TCP, TRANSPORT_UDP, TRANSPORT_ICMP };

enum { TCP_FIN = 1, TCP_SYN = 2, TCP_RST = 4, TCP_PSH = 8, TCP_ACK = 16, TCP_URG = 32 };

enum encapsulation { ENCAPSULATED_VLAN = 1, ENCAPSULATED_MPLS = 2, ENCAPSULATED_PPPOE = 4, ENCAPSULATED_GRE = 8, ENCAPSULATED_IPIP = 16,
	ENCAPSULATED_VXLAN = 32, ENCAPSULATED_GENEVE = 64, ENCAPSULATED_COOKED = 128, ENCAPSULATED_GTP = 256 };

struct packet {
	struct moment at;
	enum transport transport;
	uint16_t encapsulation;
	bool truncated;          /* payload cut by the snap length */
	bool fragmented;         /* put together from fragments */
	struct address source, destination;
	uint16_t source_port, destination_port; /* TCP, UDP */
	uint8_t ttl;
	uint16_t ip_id;          /* IPv4; 0 for IPv6 */
	bool dont_fragment;
	struct bytes payload;    /* of TCP or UDP, as captured */
	uint32_t payload_wire;   /* its length on the wire; longer than payload.len where cut */
	/* TCP (RFC 9293) */
	uint32_t sequence, acknowledgement;
	uint16_t window;         /* unscaled */
	uint8_t flags;
	uint8_t window_scale;    /* SYN option, 255: none */
	uint16_t mss;            /* SYN option, 0: none */
	bool has_timestamps, sack_permitted, has_sack;
	uint32_t timestamp, timestamp_echo;
	uint32_t sack_left, sack_right; /* first SACK block */
	/* ICMP and ICMPv6 errors: what they quote */
	uint8_t icmp_type, icmp_code;
	bool quotes;             /* the embedded packet could be read to its ports */
	enum transport quoted_transport;
	struct address quoted_source, quoted_destination;
	uint16_t quoted_source_port, quoted_destination_port;
	uint32_t quoted_sequence;
	struct bytes quoted_payload; /* UDP: what is quoted of it */
};

enum decode_status { DECODE_PACKET, DECODE_NOT_OURS, DECODE_FRAGMENT_KEPT, DECODE_MALFORMED, DECODE_UNKNOWN_LINK };

struct decode_counters {
	uint64_t packets, not_ip, other_transport, malformed, fragments, fragments_dropped, unknown_link, too_deep;
	struct moment unknown_at; /* the first frame of an unknown link type, and which */
	uint16_t unknown_type;
};

/* Holds fragments waiting for the rest (bounded: 64 datagrams, 30 s of capture time) and the counters. */
struct decoder;
struct decoder *decoder_create(void);
void decoder_destroy(struct decoder **decoder);
/* Decodes a frame of that link type. Filled completely on DECODE_PACKET; views live as long as the frame (or, for reassembled
 * datagrams, until the next call). Checksums are not checked: offloading cards leave them wrong. */
enum decode_status decode(struct decoder *decoder, uint16_t link, const uint8_t *data, uint32_t captured, uint32_t wire,
			  struct moment at, struct packet *into);
const struct decode_counters *decoder_counters(const struct decoder *decoder);

#endif
