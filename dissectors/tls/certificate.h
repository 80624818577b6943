/* What is told of a leaf certificate, read once and kept for the next session that shows it. */
#ifndef IMAPWHY_TLS_CERTIFICATE_H
#define IMAPWHY_TLS_CERTIFICATE_H

#include "bytes.h"
#include "moment.h"
#include "tls.h"

struct certificate {
	char *subject, *issuer;
	char *names;         /* dNSName and iPAddress, comma separated, lower case; "" for none */
	char *common_name;   /* lower case; stands in where there is no dNSName */
	bool names_cut;      /* there were more than are kept */
	bool has_dns_name;
	bool self_signed;
	bool dated;          /* the two below are known */
	nanoseconds not_before, not_after;
};

/* Borrowed until the next call with the same `shared`; with none, the caller frees it with certificate_release.
 * NULL: not readable. */
const struct certificate *certificate_read(struct tls_shared *shared, struct bytes der);
void certificate_release(struct tls_shared *shared, const struct certificate *certificate);

/* A name as it is compared: its hash, and that of what follows its leftmost label. */
struct name_hashes {
	uint64_t whole, parent;
};
struct name_hashes name_hashes(struct bytes lower_case_name);

/* Is it for that host (RFC 9525 6.3: a wildcard stands for the whole leftmost label)? NAME_UNSURE: its names were cut. */
enum name_match { NAME_OTHER, NAME_SAME, NAME_UNSURE };
enum name_match certificate_is_for(const struct certificate *certificate, struct name_hashes name);

/* How often a certificate was found already read. */
uint64_t tls_shared_hits(const struct tls_shared *shared);

#endif
