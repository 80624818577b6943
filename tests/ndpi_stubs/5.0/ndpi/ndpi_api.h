/* Minimal stand-in for nDPI 5.0: what the adapter uses, as that version declares it. For a syntax check only. */
#ifndef NDPI_STUB_H
#define NDPI_STUB_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define NDPI_MAJOR 5
#define NDPI_MINOR 0

enum {
	NDPI_PROTOCOL_UNKNOWN, NDPI_PROTOCOL_FTP_CONTROL, NDPI_PROTOCOL_MAIL_POP, NDPI_PROTOCOL_MAIL_SMTP, NDPI_PROTOCOL_HTTP,
	NDPI_PROTOCOL_SMBV1, NDPI_PROTOCOL_POSTGRES, NDPI_PROTOCOL_MYSQL, NDPI_PROTOCOL_SMBV23, NDPI_PROTOCOL_RTSP, NDPI_PROTOCOL_IRC,
	NDPI_PROTOCOL_TELNET, NDPI_PROTOCOL_RDP, NDPI_PROTOCOL_VNC, NDPI_PROTOCOL_TLS, NDPI_PROTOCOL_SSH, NDPI_PROTOCOL_SIP, NDPI_PROTOCOL_LDAP,
	NDPI_PROTOCOL_MSSQL_TDS, NDPI_PROTOCOL_SOCKS, NDPI_PROTOCOL_REDIS, NDPI_PROTOCOL_MQTT,
};

typedef enum { NDPI_CONFIDENCE_UNKNOWN, NDPI_CONFIDENCE_MATCH_BY_PORT, NDPI_CONFIDENCE_DPI_PARTIAL, NDPI_CONFIDENCE_DPI } ndpi_confidence_t;

struct ndpi_detection_module_struct;
struct ndpi_flow_input_info;
struct ndpi_flow_struct {
	ndpi_confidence_t confidence;
};
enum ndpi_classification_state { NDPI_STATE_INSPECTING, NDPI_STATE_PARTIAL, NDPI_STATE_MONITORING, NDPI_STATE_CLASSIFIED };
typedef struct {
	struct {
		u_int16_t master_protocol, app_protocol;
	} proto;
	enum ndpi_classification_state state;
} ndpi_protocol;

struct ndpi_global_context;
struct ndpi_detection_module_struct *ndpi_init_detection_module(struct ndpi_global_context *context);
int ndpi_finalize_initialization(struct ndpi_detection_module_struct *module);
void ndpi_set_memory_alloction_functions(void *(*malloc_function)(size_t), void (*free_function)(void *), void *(*calloc_function)(size_t, size_t),
					 void *(*realloc_function)(void *, size_t), void *(*aligned_malloc_function)(size_t, size_t),
					 void (*aligned_free_function)(void *), void *(*flow_malloc_function)(size_t),
					 void (*flow_free_function)(void *));
void ndpi_exit_detection_module(struct ndpi_detection_module_struct *module);
void ndpi_free_flow_data(struct ndpi_flow_struct *flow);
ndpi_protocol ndpi_detection_process_packet(struct ndpi_detection_module_struct *module, struct ndpi_flow_struct *flow, const unsigned char *packet,
					    const unsigned short length, const u_int64_t time_ms, struct ndpi_flow_input_info *input);

#endif
