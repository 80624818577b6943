/* The numbers of TLS that several files go by: versions, records, handshake messages, extensions (RFC 8446 unless another is named). */
#ifndef IMAPWHY_TLS_PROTOCOL_H
#define IMAPWHY_TLS_PROTOCOL_H

/* 4.2.1 and D; SSL 2.0 as in its hello's version field. */
enum tls_version { SSL2 = 0x0002, SSL3 = 0x0300, TLS10 = 0x0301, TLS11 = 0x0302, TLS12 = 0x0303, TLS13 = 0x0304 };

/* 5.1; the heartbeat: RFC 6520. Bytes of the header: type, version, length. */
enum record_type { CHANGE_CIPHER_SPEC = 20, ALERT = 21, HANDSHAKE = 22, APPLICATION_DATA = 23, HEARTBEAT = 24 };
#define RECORD_HEADER 5

/* 4; those that TLS 1.3 has no more: RFC 5246 7.4. Bytes of the header: type, length. */
enum handshake_type {
	HELLO_REQUEST = 0, CLIENT_HELLO = 1, SERVER_HELLO = 2, NEW_SESSION_TICKET = 4, END_OF_EARLY_DATA = 5, CERTIFICATE = 11,
	CERTIFICATE_REQUEST = 13, SERVER_HELLO_DONE = 14, CLIENT_KEY_EXCHANGE = 16, FINISHED = 20, KEY_UPDATE = 24, COMPRESSED_CERTIFICATE = 25
};
#define MESSAGE_HEADER 4

/* 4.2; RFC 7366 (22), RFC 7627 (23), RFC 5077 (35). */
enum extension {
	SERVER_NAME = 0, SUPPORTED_GROUPS = 10, POINT_FORMATS = 11, SIGNATURE_ALGORITHMS = 13, ALPN = 16, ENCRYPT_THEN_MAC = 22,
	EXTENDED_MASTER_SECRET = 23, SESSION_TICKET = 35, PRE_SHARED_KEY = 41, EARLY_DATA = 42, SUPPORTED_VERSIONS = 43
};

#endif
