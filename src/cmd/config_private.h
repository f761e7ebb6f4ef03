/*
 * The table behind struct config, and what reading it takes; for config*.c only.
 */
#ifndef KUBE_IPVS_CMD_CONFIG_PRIVATE_H
#define KUBE_IPVS_CMD_CONFIG_PRIVATE_H

#include "config.h"

#include "base/arena.h"
#include "base/vector.h"
#include "source/document.h"

#include <jansson.h>

enum config_mark {
	CONFIG_OURS = 1 << 0,            /* kube-proxy does not have it */
	CONFIG_INERT = 1 << 1,           /* accepted, with a warning: it means nothing here */
	CONFIG_DEPRECATED = 1 << 2,      /* accepted, with a warning that names what replaces it */
	CONFIG_BESIDE = 1 << 3,          /* the flag counts beside --config too (R14.1) */
	CONFIG_ZERO_IS_DEFAULT = 1 << 4, /* 0 in the file is as if not written */
	CONFIG_OMIT_EMPTY = 1 << 5,      /* not written when it says nothing */
	CONFIG_JOINED = 1 << 6,          /* a list that is one text with commas in the file */
	CONFIG_NANOSECONDS = 1 << 7,     /* a duration that may be a number in the file */
	CONFIG_ASKS = 1 << 8,            /* asks for something else than running */
};

/* One value. The option's name is "" when only the file has it; the path is NULL when only the command line does. */
struct config_row {
	struct option_row option; /* its offset is into struct config_values */
	const char *path;
	const char *standard;       /* the default, as a flag would have it; NULL: nothing at all */
	int64_t least, most;        /* of numbers; both 0: whatever the kind takes */
	const char *const *choices; /* NULL-ended; NULL: anything */
	unsigned marks;
};

/* In the order of the file's fields as kube-proxy writes them; a NULL name ends it. */
extern const struct config_row config_rows[];
#define CONFIG_ROWS_MOST 120

/* What is read, with what struct config does not have: values without meaning here are kept to be written again. */
struct config_values {
	struct config config;
	const char *scheduler; /* as written */
	uint32_t healthz_port;
	uint32_t metrics_port;
	struct text_list gates;
	struct text_list modules;
	int64_t log_flush_ms;
	bool text_split, json_split;
	const char *text_buffer, *json_buffer;
	bool localhost_node_ports;
	int64_t iptables_sync_ms, iptables_min_sync_ms;
	int32_t nftables_masquerade_bit;
	bool nftables_masquerade_all;
	int64_t nftables_sync_ms, nftables_min_sync_ms;
	const char *win_network, *win_source, *win_endpoint;
	bool win_dsr, win_forward, win_service;
	const char *port_range;
	const char *boot_id_file, *machine_id_file;
};

struct config_memory {
	struct config_values values;
	struct arena arena;
	vector_of(char *) warnings;
};

enum config_origin { FROM_DEFAULT, FROM_FLAG, FROM_FILE };

struct config_given {
	const struct config_row *row;
	const char *text; /* NULL: a switch alone */
	bool refused;
};

struct config_reader {
	struct config_memory *memory;
	vector_of(struct config_given) flags; /* as they stand on the command line */
	struct document document;
	bool has_document;
	enum config_origin origins[CONFIG_ROWS_MOST];
	void (*refuse)(void *context, const struct fault *fault);
	void *context;
	size_t refusals;
};

/* --- config.c */
void config_refuse(struct config_reader *reader, const struct fault *fault);
void config_warn(struct config_reader *reader, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Reads one value and checks its bounds and choices; the fault's place is the caller's. */
int config_store(struct config_reader *reader, const struct config_row *row, const char *text,
                 struct fault *fault);
const char *config_origin_name(const struct config_reader *reader, const struct config_row *row);

/* --- config_file.c: all of the file's fields; faults and warnings are told. Returns false when there is no
 * document at all. */
bool config_file_read(struct config_reader *reader, const char *path);

/* --- config_validate.c: what single values do not show, and what follows from several. */
void config_derive(struct config_reader *reader);
void config_validate(struct config_reader *reader);

/* --- config_render.c: the object as --write-config-to and /configz have it; the caller owns it. */
json_t *config_render_value(const struct config_row *row, const struct config_values *values);
json_t *config_build_object(const struct config_values *values);

#endif
