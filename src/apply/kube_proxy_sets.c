/*
 * kube-proxy's ipsets (R7.2), by netlink (linux/netfilter/ipset/ip_set.h). One of the same name that somebody else's rule
 * uses is refused by the kernel, and stays.
 */
#include "kube_proxy_chains.h"
#include "nf_tables.h"

#include <errno.h>
#include <linux/netfilter/ipset/ip_set.h>
#include <string.h>
#include <unistd.h>

/* Those of external addresses first. */
static const char *const names[] = {
        "EXTERNAL-IP",
        "EXTERNAL-IP-LOCAL",
        "LOAD-BALANCER",
        "LOAD-BALANCER-LOCAL",
        "LOAD-BALANCER-FW",
        "LOAD-BALANCER-SOURCE-CIDR",
        "LOAD-BALANCER-SOURCE-IP",
        "CLUSTER-IP",
        "NODE-PORT-TCP",
        "NODE-PORT-UDP",
        "NODE-PORT-LOCAL-TCP",
        "NODE-PORT-LOCAL-UDP",
        "NODE-PORT-SCTP-HASH",
        "NODE-PORT-LOCAL-SCTP-HASH",
        "HEALTH-CHECK-NODE-PORT",
        "IPVS-IPS",
        "LOOP-BACK",
};

enum { EXTERNAL = 3, NAMES = sizeof(names) / sizeof(*names) };

/* Those for IPv6 are cut to what a name may be long (R7.2). */
bool own_set_name(size_t index, char ret_name[static OWN_SET_NAME_SIZE])
{
	_Static_assert(OWN_SET_NAME_SIZE == IPSET_MAXNAMELEN, "what the kernel takes");
	if (index >= OWN_SETS)
		return false;
	(void)snprintf(ret_name, OWN_SET_NAME_SIZE, "%s%s", index < NAMES ? "KUBE-" : "KUBE-6-",
	               names[index % NAMES]);
	return true;
}

/* Asking a kernel without ip_set for sets would make it load the module. */
static bool ip_set_is_loaded(void)
{
	return access("/sys/module/ip_set", F_OK) == 0 || access("/sys/module", F_OK) != 0;
}

static void begin(struct conversation *netfilter, uint16_t command, const char *set)
{
	const struct nfgenmsg header = {.nfgen_family = NFPROTO_IPV4, .version = NFNETLINK_V0};
	/* Without the flag the kernel takes a set that is not there as removed. */
	uint16_t flags = command == IPSET_CMD_DESTROY ? NLM_F_EXCL : 0;
	message_begin(&netfilter->message, (uint16_t)(NFNL_SUBSYS_IPSET << 8 | command), flags, &header,
	              sizeof(header));
	message_put_u8(&netfilter->message, IPSET_ATTR_PROTOCOL, IPSET_PROTOCOL_MIN);
	message_put_text(&netfilter->message, IPSET_ATTR_SETNAME, set);
}

/* ---- counting */

int sets_look(const struct kernel_transport *transport, size_t *ret_count)
{
	struct conversation netfilter;
	char set[OWN_SET_NAME_SIZE];
	*ret_count = 0;
	if (!ip_set_is_loaded())
		return 0;
	conversation_init(&netfilter, transport, NETLINK_NETFILTER);
	int error = conversation_open(&netfilter);
	for (size_t i = 0; own_set_name(i, set) && (!error || error == -ENOENT); i++) {
		begin(&netfilter, IPSET_CMD_HEADER, set);
		error = conversation_ask(&netfilter, NULL, NULL);
		*ret_count += error == 0;
	}
	conversation_done(&netfilter);
	return error == -ENOENT || error == -EINVAL ? 0 : error;
}

/* ---- removing */

/* False: in use, and to be tried again. */
static bool report_set(int error, bool last, const char *set, struct arena *arena,
                       struct kube_proxy_report *report)
{
	if (error == -ENOENT || (error == -IPSET_ERR_BUSY && !last))
		return error == -ENOENT;
	const char *what = arena_format(arena, "ipset %s", set);
	if (error == 0)
		report_add(report, KUBE_PROXY_REMOVED, what, NULL);
	else if (error == -IPSET_ERR_BUSY)
		report_add(report, KUBE_PROXY_LEFT, what, "a rule that stays uses it");
	else
		report_add(report, KUBE_PROXY_FAILED, what, report_reason(error, arena));
	return true;
}

size_t kube_proxy_remove_sets(const struct kernel_transport *transport, bool last, struct arena *arena,
                              struct kube_proxy_report *report)
{
	struct conversation netfilter;
	char set[OWN_SET_NAME_SIZE];
	size_t busy = 0;
	if (!ip_set_is_loaded())
		return 0;
	conversation_init(&netfilter, transport ? transport : &kernel_transport_real, NETLINK_NETFILTER);
	int error = conversation_open(&netfilter);
	if (error)
		report_add(report, KUBE_PROXY_FAILED, "ipsets", report_reason(error, arena));
	for (size_t i = 0; !error && own_set_name(i, set); i++) {
		begin(&netfilter, IPSET_CMD_DESTROY, set);
		int result = conversation_ask(&netfilter, NULL, NULL);
		/* The kernel has no sets at all. */
		if (result == -EINVAL && i == 0)
			break;
		busy += !report_set(result, last, set, arena, report);
	}
	conversation_done(&netfilter);
	return busy;
}

/* ---- elements for external addresses */

struct external_search {
	vector_of(struct virtual_server_key) found;
	size_t kept; /* of other sets */
};

static void forget_elements(void *context)
{
	struct external_search *search = context;
	search->found.count = search->kept;
}

static bool parse_address(struct nlattr *attribute, struct address *ret_address)
{
	struct nlattr *address[IPSET_ATTR_IPADDR_MAX + 1];
	*ret_address = (struct address){0};
	if (!attribute || nla_parse_nested(address, IPSET_ATTR_IPADDR_MAX, attribute, NULL) < 0)
		return false;
	struct nlattr *bytes = address[IPSET_ATTR_IPADDR_IPV4] ? address[IPSET_ATTR_IPADDR_IPV4]
	                                                       : address[IPSET_ATTR_IPADDR_IPV6];
	if (!bytes)
		return false;
	ret_address->family = address[IPSET_ATTR_IPADDR_IPV4] ? FAMILY_IPV4 : FAMILY_IPV6;
	return nla_memcpy(ret_address->bytes, bytes, sizeof(ret_address->bytes)) ==
	       family_bits(ret_address->family) / 8;
}

static void take_element(struct nlattr *attribute, struct external_search *search)
{
	struct nlattr *element[IPSET_ATTR_ADT_MAX + 1];
	struct virtual_server_key key = {0};
	if (nla_parse_nested(element, IPSET_ATTR_ADT_MAX, attribute, NULL) < 0 ||
	    !parse_address(element[IPSET_ATTR_IP], &key.address) || !element[IPSET_ATTR_PORT] ||
	    !element[IPSET_ATTR_PROTO])
		return;
	key.port = ntohs(nla_get_u16(element[IPSET_ATTR_PORT]));
	key.protocol = nla_get_u8(element[IPSET_ATTR_PROTO]);
	vector_push(&search->found, key);
}

static int take_elements(void *context, const struct nlmsghdr *answer)
{
	struct nlattr *attributes[IPSET_ATTR_CMD_MAX + 1], *element;
	int rest;
	if (nlmsg_parse((struct nlmsghdr *)(uintptr_t)answer, sizeof(struct nfgenmsg), attributes,
	                IPSET_ATTR_CMD_MAX, NULL) < 0)
		return -EBADMSG;
	if (attributes[IPSET_ATTR_ADT])
		nla_for_each_nested(element, attributes[IPSET_ATTR_ADT], rest) take_element(element, context);
	return 0;
}

static int read_elements(struct conversation *netfilter, struct external_search *search)
{
	const struct dump dump = {.restart = forget_elements, .take = take_elements, .context = search};
	char set[OWN_SET_NAME_SIZE];
	int error = conversation_open(netfilter);
	for (size_t i = 0; own_set_name(i, set) && (!error || error == -ENOENT); i++) {
		if (i % NAMES >= EXTERNAL)
			continue;
		search->kept = search->found.count;
		begin(netfilter, IPSET_CMD_LIST, set);
		error = conversation_dump(netfilter, &dump);
	}
	return error == -ENOENT || error == -EINVAL ? 0 : error;
}

int kube_proxy_read_external(const struct kernel_transport *transport, struct arena *arena,
                             struct virtual_server_key **ret_keys, size_t *ret_count)
{
	struct conversation netfilter;
	struct external_search search = {0};
	int error = 0;
	if (ip_set_is_loaded()) {
		conversation_init(&netfilter, transport ? transport : &kernel_transport_real,
		                  NETLINK_NETFILTER);
		error = read_elements(&netfilter, &search);
		conversation_done(&netfilter);
	}
	*ret_count = error ? 0 : search.found.count;
	*ret_keys = arena_new_array(arena, *ret_count, struct virtual_server_key);
	for (size_t i = 0; i < *ret_count; i++)
		(*ret_keys)[i] = search.found.items[i];
	vector_done(&search.found);
	return error;
}
