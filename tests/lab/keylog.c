/* Preloaded into a server that uses OpenSSL: appends each session's TLS secrets to the file that LAB_KEYS names,
 * so that the lab can check what it labels. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <openssl/ssl.h>

static int keys = -1;

/* Opened before the server drops its rights or its root folder, at a number that no server closes. */
__attribute__((constructor)) static void open_keys(void)
{
	const char *path = getenv("LAB_KEYS");
	int fd = path ? open(path, O_WRONLY | O_APPEND | O_CREAT, 0666) : -1;
	if (fd >= 0) {
		keys = fcntl(fd, F_DUPFD, 200);
		close(fd);
	}
}

static void write_key(const SSL *ssl, const char *line)
{
	char text[1024];
	int n = snprintf(text, sizeof text, "%s\n", line);
	(void)ssl;
	if (keys >= 0 && n > 0 && (size_t)n < sizeof text && write(keys, text, (size_t)n) < 0)
		keys = -1;
}

SSL_CTX *SSL_CTX_new_ex(OSSL_LIB_CTX *lib, const char *properties, const SSL_METHOD *method)
{
	SSL_CTX *(*real)(OSSL_LIB_CTX *, const char *, const SSL_METHOD *);
	*(void **)&real = dlsym(RTLD_NEXT, "SSL_CTX_new_ex");
	SSL_CTX *ctx = real(lib, properties, method);
	if (ctx)
		SSL_CTX_set_keylog_callback(ctx, write_key);
	return ctx;
}

SSL_CTX *SSL_CTX_new(const SSL_METHOD *method)
{
	return SSL_CTX_new_ex(NULL, NULL, method);
}
