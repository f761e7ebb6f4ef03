#include "apply/kube_proxy.h"

#include "kube_proxy_chains.h"

static const struct kernel_transport *real_unless(const struct kernel_transport *transport)
{
	return transport ? transport : &kernel_transport_real;
}

int kube_proxy_look(const struct kernel_transport *transport, struct kube_proxy_traces *ret_traces)
{
	*ret_traces = (struct kube_proxy_traces){0};
	int errors[] = {nft_look(real_unless(transport), ret_traces), legacy_look(ret_traces),
	                sets_look(real_unless(transport), &ret_traces->sets)};
	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++)
		if (errors[i])
			return errors[i];
	return 0;
}

void kube_proxy_remove_rules(const struct kernel_transport *transport, struct arena *arena,
                             struct kube_proxy_report *report)
{
	nft_remove(real_unless(transport), arena, report);
	legacy_remove(arena, report);
}
