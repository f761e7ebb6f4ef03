/*
 * The addresses of a Service: its own, those from outside, and who may come from where.
 */
#include "decode_service.h"

#include <string.h>

enum { CLUSTER_IPS_MOST = 2 };

static const struct spot SPEC = {"spec", 0, 0};

static int read_families(struct decoder *decoder, const json_t *spec, struct service *draft)
{
	const json_t *list;
	int r = field_list(decoder, spec, SPEC, "ipFamilies", &list);
	size_t count = json_array_size(list);
	if (r || !count)
		return r;
	if (count > CLUSTER_IPS_MOST)
		return refuse_too_many(decoder, SPEC, "ipFamilies", count, CLUSTER_IPS_MOST);
	uint8_t *families = arena_new_array(&decoder->arena, count, uint8_t);
	for (uint32_t i = 0; i < count; i++) {
		const struct spot spot = AT("spec.ipFamilies[]", i);
		const json_t *value = json_array_get(list, i);
		const char *text;
		r = element_text(decoder, value, spot, &text);
		if (r)
			return r;
		if (strcmp(text, family_name(FAMILY_IPV4)) == 0)
			families[i] = FAMILY_IPV4;
		else if (strcmp(text, family_name(FAMILY_IPV6)) == 0)
			families[i] = FAMILY_IPV6;
		else
			return refuse_unsupported(decoder, spot, NULL, value, "\"IPv4\", \"IPv6\"");
		if (i && families[i] == families[0])
			return refuse_duplicate(decoder, spot, NULL, value);
	}
	draft->ip_families = families;
	draft->ip_family_count = (uint32_t)count;
	return 0;
}

static int read_cluster_ip(struct decoder *decoder, const json_t *spec, struct service *draft)
{
	const char *text;
	int r = field_text(decoder, spec, SPEC, "clusterIP", &text);
	if (r || !text || !*text)
		return r;
	if (strcmp(text, "None") == 0) {
		draft->cluster_ip_kind = CLUSTER_IP_NONE;
		return 0;
	}
	const json_t *value = json_object_get(spec, "clusterIP");
	draft->cluster_ip_kind = CLUSTER_IP_ADDRESS;
	r = check_address(decoder, SPEC, "clusterIP", value, &draft->cluster_ip);
	/* The API server has a range for these, which none of the special addresses can be in. */
	return r ? r : check_ordinary_address(decoder, SPEC, "clusterIP", value, &draft->cluster_ip);
}

static int read_one_cluster_ip(struct decoder *decoder, const json_t *value, uint32_t index,
                               const struct service *draft, struct address *addresses)
{
	const struct spot spot = AT("spec.clusterIPs[]", index);
	int r = check_address(decoder, spot, NULL, value, &addresses[index]);
	if (!r)
		r = check_ordinary_address(decoder, spot, NULL, value, &addresses[index]);
	if (r)
		return r;
	if (index == 0 && !address_equal(&addresses[0], &draft->cluster_ip))
		return refuse_invalid(decoder, spot, NULL, value, "first value must match `clusterIP`");
	if (index > 0 && addresses[index].family == addresses[0].family)
		return refuse_invalid(decoder, spot, NULL, value,
		                      "may specify no more than one IP for each IP family");
	return 0;
}

static int read_cluster_ips(struct decoder *decoder, const json_t *spec, struct service *draft)
{
	const json_t *list;
	int r = field_list(decoder, spec, SPEC, "clusterIPs", &list);
	size_t count = json_array_size(list);
	if (r || draft->cluster_ip_kind == CLUSTER_IP_NONE)
		return r;
	if (count > CLUSTER_IPS_MOST)
		return refuse_too_many(decoder, SPEC, "clusterIPs", count, CLUSTER_IPS_MOST);
	if (draft->cluster_ip_kind == CLUSTER_IP_ABSENT)
		return 0;
	if (count == 0) {
		draft->cluster_ips = &draft->cluster_ip;
		draft->cluster_ip_count = 1;
		return 0;
	}
	struct address *addresses = arena_new_array(&decoder->arena, count, struct address);
	for (uint32_t i = 0; i < count && !r; i++)
		r = read_one_cluster_ip(decoder, json_array_get(list, i), i, draft, addresses);
	draft->cluster_ips = addresses;
	draft->cluster_ip_count = (uint32_t)count;
	return r;
}

/* The families as the addresses have them, checked against those that the manifest names. */
static int match_families(struct decoder *decoder, const json_t *spec, struct service *draft)
{
	if (draft->ip_family_count == 0 && draft->cluster_ip_count > 0) {
		uint8_t *families = arena_new_array(&decoder->arena, draft->cluster_ip_count, uint8_t);
		for (uint32_t i = 0; i < draft->cluster_ip_count; i++)
			families[i] = draft->cluster_ips[i].family;
		draft->ip_families = families;
		draft->ip_family_count = draft->cluster_ip_count;
	}
	for (uint32_t i = 0; i < draft->cluster_ip_count && i < draft->ip_family_count; i++) {
		if (draft->cluster_ips[i].family == draft->ip_families[i])
			continue;
		const json_t *listed = json_array_get(json_object_get(spec, "clusterIPs"), i);
		return refuse_invalid(decoder, listed ? AT("spec.clusterIPs[]", i) : SPEC,
		                      listed ? NULL : "clusterIP",
		                      listed ? listed : json_object_get(spec, "clusterIP"),
		                      draft->ip_families[i] == FAMILY_IPV4
		                              ? "expected an IPv4 value as indicated by `ipFamilies`"
		                              : "expected an IPv6 value as indicated by `ipFamilies`");
	}
	return 0;
}

static int read_external_ips(struct decoder *decoder, const json_t *spec, struct service *draft)
{
	const json_t *list;
	int r = field_list(decoder, spec, SPEC, "externalIPs", &list);
	size_t count = json_array_size(list);
	if (r || !count)
		return r;
	struct address *addresses = arena_new_array(&decoder->arena, count, struct address);
	for (uint32_t i = 0; i < count && !r; i++) {
		const struct spot spot = AT("spec.externalIPs[]", i);
		const json_t *value = json_array_get(list, i);
		r = check_address(decoder, spot, NULL, value, &addresses[i]);
		if (!r)
			r = check_ordinary_address(decoder, spot, NULL, value, &addresses[i]);
	}
	draft->external_ips = addresses;
	draft->external_ip_count = (uint32_t)count;
	return r;
}

/* R2.6: blanks around a range are allowed, host bits are masked. */
static bool parse_range(const char *text, struct cidr *ret_cidr)
{
	char trimmed[64];
	text += strspn(text, " \t");
	size_t length = strlen(text);
	while (length && (text[length - 1] == ' ' || text[length - 1] == '\t'))
		length--;
	if (length >= sizeof(trimmed))
		return false;
	memcpy(trimmed, text, length);
	trimmed[length] = '\0';
	return cidr_parse(trimmed, false, ret_cidr);
}

static int read_source_ranges(struct decoder *decoder, const json_t *spec, struct service *draft)
{
	const json_t *list;
	int r = field_list(decoder, spec, SPEC, "loadBalancerSourceRanges", &list);
	size_t count = json_array_size(list);
	if (r || !count)
		return r;
	struct cidr *ranges = arena_new_array(&decoder->arena, count, struct cidr);
	for (uint32_t i = 0; i < count; i++) {
		const struct spot spot = AT("spec.loadBalancerSourceRanges[]", i);
		const char *text;
		r = element_text(decoder, json_array_get(list, i), spot, &text);
		if (r)
			return r;
		if (!parse_range(text, &ranges[i]))
			return refuse_invalid(
			        decoder, spot, NULL, json_array_get(list, i),
			        "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)");
	}
	draft->source_ranges = ranges;
	draft->source_range_count = (uint32_t)count;
	return 0;
}

int read_service_addresses(struct decoder *decoder, const json_t *spec, struct service *draft)
{
	static int (*const parts[])(struct decoder *, const json_t *, struct service *) = {
	        read_cluster_ip, read_cluster_ips,  read_families,
	        match_families,  read_external_ips, read_source_ranges,
	};
	int r = 0;
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts) && !r; i++)
		r = parts[i](decoder, spec, draft);
	return r;
}
