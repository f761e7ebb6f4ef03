/*
 * Service, EndpointSlice and Node as the proxy reads them: immutable, each in one block of memory.
 *
 * A reader fills a draft whose pointers may borrow from anywhere, and X_new makes the object: a deep copy in
 * a single allocation, which X_free gives back. Absent texts are NULL, absent lists have count 0. Fields that
 * the rules never read (R1.11) are not kept. Addresses are parsed; what the rules make of them is plan's
 * affair.
 */
#ifndef KUBE_IPVS_MODEL_OBJECTS_H
#define KUBE_IPVS_MODEL_OBJECTS_H

#include "base/address.h"
#include "base/protocol.h"

#include <stdbool.h>
#include <stdint.h>

/* Namespace and name: what identifies an object of one kind. A Node's namespace is "". */
struct object_name {
	const char *namespace;
	const char *name;
};

enum service_type {
	SERVICE_CLUSTER_IP,
	SERVICE_NODE_PORT,
	SERVICE_LOAD_BALANCER,
	SERVICE_EXTERNAL_NAME,
};

/* spec.clusterIP as written: absent or "", "None", or an address. */
enum cluster_ip_kind {
	CLUSTER_IP_ABSENT,
	CLUSTER_IP_NONE,
	CLUSTER_IP_ADDRESS,
};

struct service_port {
	const char *name; /* "" when unnamed, never NULL */
	uint16_t port;
	uint16_t node_port; /* 0: none */
	uint8_t protocol;   /* enum protocol */
};

struct load_balancer_ingress {
	struct address address;
	bool proxied; /* ipMode: Proxy (R2.5) */
};

struct service {
	struct object_name name;
	int64_t created_seconds; /* creationTimestamp since the epoch; 0: not given, which counts as youngest
	                          */
	uint8_t type;            /* enum service_type */
	uint8_t cluster_ip_kind; /* enum cluster_ip_kind */
	bool proxied_elsewhere;  /* has the label service.kubernetes.io/service-proxy-name (R1.1) */
	bool has_selector;
	bool internal_policy_local;      /* internalTrafficPolicy: Local */
	bool external_policy_local;      /* externalTrafficPolicy: Local, as written (R2.7 is plan's) */
	uint32_t affinity_seconds;       /* sessionAffinity ClientIP's timeout; 0: no affinity (R2.10) */
	uint16_t health_check_node_port; /* 0: none */
	struct address cluster_ip;       /* FAMILY_NONE unless CLUSTER_IP_ADDRESS */
	const struct address *cluster_ips;
	const uint8_t *ip_families; /* enum family, as ordered there; FAMILY_NONE for an unknown text */
	const struct address *external_ips;
	const struct load_balancer_ingress *ingress;
	const struct cidr *source_ranges;
	const struct service_port *ports;
	uint32_t cluster_ip_count;
	uint32_t ip_family_count;
	uint32_t external_ip_count;
	uint32_t ingress_count;
	uint32_t source_range_count;
	uint32_t port_count;
	const char *scheduler;       /* annotation kube-ipvs.io/scheduler; NULL: absent */
	const char *scheduler_flags; /* annotation kube-ipvs.io/scheduler-flags; NULL: absent */
};

/* hints.forZones and hints.forNodes of an endpoint. */
struct endpoint_hints {
	const char *const *zones;
	const char *const *nodes;
	uint16_t zone_count;
	uint16_t node_count;
};

struct endpoint {
	struct address
	        address; /* addresses[0]; FAMILY_NONE when it is absent or cannot be read (R1.17, R1.18) */
	bool ready;      /* conditions with their defaults applied (R1.20) */
	bool serving;
	bool terminating;
	const char *node_name;              /* NULL: not given */
	const struct endpoint_hints *hints; /* NULL: no hints at all */
};

struct slice_port {
	const char *name; /* NULL: not given, the port is ignored (R1.14) */
	uint16_t port;    /* 0: not given, the port is ignored */
	uint8_t protocol;
};

/* An EndpointSlice, or a part of an Endpoints object in a slice's clothes. */
struct slice {
	struct object_name name;
	const char *service; /* label kubernetes.io/service-name; NULL or "": the slice is ignored (R1.12) */
	/* Annotation endpoints.kubernetes.io/last-change-trigger-time, nanoseconds since the epoch; 0: absent
	 * or unreadable (R1.28). */
	int64_t trigger_ns;
	uint8_t family; /* addressType; FAMILY_NONE for FQDN and the like, the slice is ignored (R0.4) */
	bool mirrored;  /* made from an Endpoints object */
	const struct slice_port *ports;
	const struct endpoint *endpoints;
	uint32_t port_count;
	uint32_t endpoint_count;
};

struct node {
	const char *name;
	const char *zone; /* label topology.kubernetes.io/zone; NULL: absent */
	/* InternalIPs in order, then ExternalIPs in order (R1.33). */
	const struct address *addresses;
	const struct cidr *pod_cidrs; /* spec.podCIDRs in order, else spec.podCIDR */
	uint32_t address_count;
	uint32_t pod_cidr_count;
	bool deleting;      /* has a deletionTimestamp */
	bool to_be_deleted; /* has a taint ToBeDeletedByClusterAutoscaler (R12.6) */
};

/* Each borrows the draft and gives an object of its own. */
struct service *service_new(const struct service *draft);
struct slice *slice_new(const struct slice *draft);
struct node *node_new(const struct node *draft);
/* Each takes its object; NULL is allowed. */
void service_free(struct service *service);
void slice_free(struct slice *slice);
void node_free(struct node *node);

/* Equal in every field that is kept here, order of lists included (R1.25). */
bool service_equal(const struct service *a, const struct service *b);
bool slice_equal(const struct slice *a, const struct slice *b);
bool node_equal(const struct node *a, const struct node *b);

#endif
