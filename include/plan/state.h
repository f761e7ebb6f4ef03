/*
 * The one vocabulary: what the kernel should hold and what it holds are the same type.
 *
 * plan builds a state from Services, apply reads one from the kernel, diff compares two, observe prints one.
 * Nothing here knows where it came from. A state borrows: its arrays live in an arena or a ledger. Arrays are
 * in ascending order of their compare function here, and hold no two equal keys.
 */
#ifndef KUBE_IPVS_PLAN_STATE_H
#define KUBE_IPVS_PLAN_STATE_H

#include "base/address.h"
#include "base/protocol.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCHEDULER_NAME_SIZE 16 /* IP_VS_SCHEDNAME_MAXLEN, with its NUL */
#define ENGINE_NAME_SIZE    16 /* IP_VS_PENAME_MAXLEN, with its NUL */

/* Flags of a virtual server: IP_VS_SVC_F_* of linux/ip_vs.h. */
enum virtual_server_flag {
	VIRTUAL_SERVER_PERSISTENT = 0x01,
	VIRTUAL_SERVER_HASHED = 0x02, /* set by the kernel, ignored when comparing (R4.3) */
	VIRTUAL_SERVER_ONE_PACKET = 0x04,
	VIRTUAL_SERVER_SCHED_1 = 0x08, /* sh-fallback, mh-fallback */
	VIRTUAL_SERVER_SCHED_2 = 0x10, /* sh-port, mh-port */
	VIRTUAL_SERVER_SCHED_3 = 0x20,
};

/* How packets reach a real server: IP_VS_CONN_F_FWD_MASK of linux/ip_vs.h. */
enum forwarding {
	FORWARD_MASQUERADE = 0,
	FORWARD_LOCAL = 1,
	FORWARD_TUNNEL = 2,
	FORWARD_DIRECT_ROUTE = 3,
	FORWARD_BYPASS = 4,
};

/* Either address, port and protocol, or a firewall mark with the family of its real servers. */
struct virtual_server_key {
	struct address address; /* of a firewall mark: its family, bytes all zero */
	uint8_t protocol;       /* enum protocol; PROTOCOL_NONE for a firewall mark */
	uint16_t port;
	uint32_t firewall_mark; /* 0: none */
};

struct real_server {
	struct address address;
	uint16_t port;
	uint8_t forwarding;  /* enum forwarding */
	uint8_t tunnel_type; /* IP_VS_CONN_F_TUNNEL_TYPE_*: 0 IPIP, 1 GUE, 2 GRE */
	uint16_t tunnel_port;
	uint16_t tunnel_flags;
	uint32_t weight;
	uint32_t upper_threshold;
	uint32_t lower_threshold;
	/* Observed only; diff does not look at them. */
	uint32_t active_connections;
	uint32_t inactive_connections;
	uint32_t persistent_connections;
	uint32_t position; /* in the kernel's own order, for observe/list.h; 0 throughout: unknown */
};

/* One end of a flow: an endpoint's address and port. */
struct flow_end {
	struct address address;
	uint16_t port;
};

/* Who comes up first after a start. */
enum rank {
	RANK_API_SERVER, /* default/kubernetes */
	RANK_DNS,        /* kube-system/kube-dns */
	RANK_OTHER,
};

struct virtual_server {
	struct virtual_server_key key;
	char scheduler[SCHEDULER_NAME_SIZE];
	char engine[ENGINE_NAME_SIZE]; /* persistence engine; "" for none */
	uint32_t flags;                /* enum virtual_server_flag */
	uint32_t timeout_seconds;      /* of persistence; 0 without */
	uint8_t netmask_bits;          /* of persistence: 32 or 128 unless somebody else says otherwise */
	uint8_t rank;                  /* enum rank; only of a wanted state */
	const char *label; /* for messages: "default/web:http"; NULL in a state read from the kernel */
	const struct real_server *real_servers;
	size_t real_server_count;
	/*
	 * Endpoints that are terminating and still in a slice, whether traffic goes to them or not, ascending; only of a
	 * wanted state. A real server that drains need not wait any more when it was one of them and is no more.
	 */
	const struct flow_end *leaving;
	size_t leaving_count;
	uint32_t position; /* observed only, as that of a real server */
};

/* What new traffic to an address and port needs from the packet filter, beside IPVS. */
enum filter_kind {
	FILTER_HELD_ADDRESS, /* (address): on the dummy interface; what no service port takes is refused */
	FILTER_SERVICE_PORT, /* (address, protocol, port) -> verdict */
	FILTER_SOURCE_RANGE, /* (address, protocol, port, range): sources that may use a restricted port */
	FILTER_REDIRECT,     /* (address, protocol, port) -> target: for clients inside the cluster */
	FILTER_HAIRPIN,      /* (address): a local endpoint that may reach itself through a Service */
	FILTER_HEALTH_CHECK_PORT, /* (protocol TCP, port) */
};

enum filter_verdict {
	FILTER_NO_VERDICT,
	FILTER_MASQUERADE_OUTSIDERS, /* a ClusterIP: local pods keep their source, all others are masqueraded
	                              */
	FILTER_MASQUERADE,           /* an external address with policy Cluster */
	FILTER_KEEP_SOURCE,          /* policy Local, with a local endpoint */
	FILTER_DROP,                 /* policy Local, endpoints elsewhere only */
	FILTER_REJECT,               /* no endpoint at all */
};

struct filter_element {
	uint8_t kind;     /* enum filter_kind */
	uint8_t verdict;  /* enum filter_verdict, of FILTER_SERVICE_PORT */
	uint8_t protocol; /* enum protocol */
	bool restricted;  /* of FILTER_SERVICE_PORT: only the sources of FILTER_SOURCE_RANGE elements may */
	uint16_t port;
	uint16_t target_port; /* of FILTER_REDIRECT */
	struct address address;
	struct cidr range;     /* of FILTER_SOURCE_RANGE */
	struct address target; /* of FILTER_REDIRECT */
};

/*
 * Where flows to an address, protocol and port may be led (R11.3, R11.4): to those who still serve, whatever the
 * policies say of new traffic. Any other is stale. `serving` ascends by address, then port, and is never empty.
 */
struct flow_port {
	struct virtual_server_key key;
	const struct flow_end *serving;
	size_t serving_count;
};

struct state {
	const struct virtual_server *virtual_servers;
	size_t virtual_server_count;
	const struct address *held; /* on the dummy interface, or by a route */
	size_t held_count;
	const struct filter_element *filter;
	size_t filter_count;
	/* Of what is held, that which is so in another way than it should be, or in both; only of a state read from the kernel. */
	const struct address *misheld;
	size_t misheld_count;
};

/* Orders for sorting and searching: below, equal to or above 0. */
int virtual_server_key_compare(const struct virtual_server_key *a, const struct virtual_server_key *b);
int real_server_compare(const struct real_server *a,
                        const struct real_server *b); /* address, then port (R5.2) */
int flow_end_compare(const struct flow_end *a, const struct flow_end *b);
/* By what makes an element itself; the verdict, the restriction and the target are its content. */
int filter_element_compare(const struct filter_element *a, const struct filter_element *b);

/* The same virtual server as far as the kernel keeps it, real servers aside: scheduler, flags but HASHED,
 * timeout, engine, netmask. */
bool virtual_server_same(const struct virtual_server *a, const struct virtual_server *b);
/* Forwarding, weight, thresholds and tunnel are the same. */
bool real_server_same(const struct real_server *a, const struct real_server *b);
bool filter_element_same(const struct filter_element *a, const struct filter_element *b);

/* Where the key stands in an ascending array of keys, or where it would; *ret_found says which. */
size_t virtual_server_key_place(const struct virtual_server_key *keys, size_t count,
                                const struct virtual_server_key *key, bool *ret_found);

/* NULL: not there. Binary search. */
const struct virtual_server *state_find_virtual_server(const struct state *state,
                                                       const struct virtual_server_key *key);
bool state_holds(const struct state *state, const struct address *address);

/* "TCP 10.96.0.1:443", "UDP [fd00::1]:53", "firewall mark 7" with its NUL, for messages; returns `text`. */
#define VIRTUAL_SERVER_TEXT_SIZE (ENDPOINT_TEXT_SIZE + 16)
const char *virtual_server_key_format(const struct virtual_server_key *key,
                                      char text[static VIRTUAL_SERVER_TEXT_SIZE]);

#endif
