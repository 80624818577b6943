/* JA3 and JA4: short names for how a client's ClientHello is made up. */
#ifndef IMAPWHY_TLS_FINGERPRINT_H
#define IMAPWHY_TLS_FINGERPRINT_H

#include "hello.h"

#define JA3_TEXT 33
#define JA4_TEXT 37

/* False: libcrypto would not (no memory, MD5 forbidden); `into` is untouched then. */
bool ja3(const struct client_hello *hello, char into[JA3_TEXT]);
bool ja4(const struct client_hello *hello, char into[JA4_TEXT]);

#endif
