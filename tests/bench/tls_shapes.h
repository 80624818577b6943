/* TLS as it looks on the wire: hellos and certificates are real, what is enciphered is noise of the right size. */
#pragma once
#include "script.h"

enum shape { CLEAR, TLS12, TLS13 };

void tls_prepare(uint64_t seed, const char *name);
void tls_client_hello(struct flow *f);
void tls_handshake(struct flow *f, enum shape shape);
void tls_put_data(struct flow *f, enum shape shape, size_t plain_length);
void tls_put_alert(struct flow *f, enum shape shape);
void tls_put_clear_alert(struct flow *f, unsigned description);
