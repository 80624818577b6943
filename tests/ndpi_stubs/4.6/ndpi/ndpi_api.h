/* Minimal stand-in for nDPI 4.6: what the adapter uses, as that version declares it. For a syntax check only. */
#ifndef NDPI_STUB_H
#define NDPI_STUB_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define NDPI_MAJOR 4
#define NDPI_MINOR 6

enum {
	NDPI_PROTOCOL_UNKNOWN, NDPI_PROTOCOL_FTP_CONTROL, NDPI_PROTOCOL_MAIL_POP, NDPI_PROTOCOL_MAIL_SMTP, NDPI_PROTOCOL_HTTP,
	NDPI_PROTOCOL_SMBV1, NDPI_PROTOCOL_POSTGRES, NDPI_PROTOCOL_MYSQL, NDPI_PROTOCOL_SMBV23, NDPI_PROTOCOL_RTSP, NDPI_PROTOCOL_IRC,
	NDPI_PROTOCOL_TELNET, NDPI_PROTOCOL_RDP, NDPI_PROTOCOL_VNC, NDPI_PROTOCOL_TLS, NDPI_PROTOCOL_SSH, NDPI_PROTOCOL_SIP, NDPI_PROTOCOL_LDAP,
	NDPI_PROTOCOL_MSSQL_TDS, NDPI_PROTOCOL_SOCKS, NDPI_PROTOCOL_REDIS, NDPI_PROTOCOL_MQTT,
};

typedef enum { NDPI_CONFIDENCE_UNKNOWN, NDPI_CONFIDENCE_MATCH_BY_PORT, NDPI_CONFIDENCE_DPI_PARTIAL, NDPI_CONFIDENCE_DPI } ndpi_confidence_t;

struct ndpi_detection_module_struct;
struct ndpi_flow_input_info;
enum { NDPI_TLS_SELFSIGNED_CERTIFICATE = 6, NDPI_TLS_OBSOLETE_VERSION, NDPI_TLS_WEAK_CIPHER, NDPI_TLS_CERTIFICATE_EXPIRED, NDPI_TLS_CERTIFICATE_MISMATCH };
struct ndpi_flow_struct {
	ndpi_confidence_t confidence;
	uint64_t risk;
};
typedef struct {
	u_int16_t master_protocol, app_protocol;
} ndpi_protocol;
typedef enum { ndpi_no_prefs = 0, ndpi_dont_load_tor_hosts = 1 } ndpi_init_prefs;

struct ndpi_detection_module_struct *ndpi_init_detection_module(ndpi_init_prefs preferences);
typedef struct {
	uint32_t fds_bits[16];
} NDPI_PROTOCOL_BITMASK;
#define NDPI_BITMASK_RESET(mask) ((mask).fds_bits[0] = 0)
#define NDPI_BITMASK_ADD(mask, protocol) ((mask).fds_bits[(protocol) / 32] |= 1u << (protocol) % 32)

void ndpi_set_protocol_detection_bitmask2(struct ndpi_detection_module_struct *module, const NDPI_PROTOCOL_BITMASK *protocols);
u_int8_t ndpi_extra_dissection_possible(struct ndpi_detection_module_struct *module, struct ndpi_flow_struct *flow);
void ndpi_finalize_initialization(struct ndpi_detection_module_struct *module);
void set_ndpi_malloc(void *(*malloc_function)(size_t size));
void set_ndpi_free(void (*free_function)(void *memory));
void ndpi_exit_detection_module(struct ndpi_detection_module_struct *module);
void ndpi_free_flow_data(struct ndpi_flow_struct *flow);
ndpi_protocol ndpi_detection_process_packet(struct ndpi_detection_module_struct *module, struct ndpi_flow_struct *flow, const unsigned char *packet,
					    const unsigned short length, const u_int64_t time_ms, const struct ndpi_flow_input_info *input);

#endif
