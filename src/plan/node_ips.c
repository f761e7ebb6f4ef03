#include "plan/node_ips.h"

static size_t index_of(const struct address *address)
{
	return address->family == FAMILY_IPV6;
}

/* R1.33: the first address, and the first one of the other family. */
static void take_first_of_each(const struct address *addresses, size_t count, struct node_ips *ips)
{
	bool found[2] = {false, false};
	for (size_t i = 0; i < count; i++) {
		const struct address *address = &addresses[i];
		if (address->family == FAMILY_NONE || found[index_of(address)])
			continue;
		if (!found[0] && !found[1])
			ips->primary = (enum family)address->family;
		found[index_of(address)] = true;
		ips->ips[index_of(address)] = *address;
	}
}

void node_ips_detect(const struct address *bind_address, const struct address *node_addresses, size_t count,
                     struct node_ips *ret_ips)
{
	*ret_ips = (struct node_ips){
	        .ips = {{FAMILY_IPV4, {127, 0, 0, 1}}, {FAMILY_IPV6, {[15] = 1}}},
	        .primary = FAMILY_IPV4,
	};
	take_first_of_each(node_addresses, count, ret_ips);
	if (bind_address->family == FAMILY_NONE || address_is_unspecified(bind_address))
		return;
	ret_ips->ips[index_of(bind_address)] = *bind_address;
	ret_ips->primary = (enum family)bind_address->family;
}
