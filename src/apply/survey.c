/*
 * The stages of a survey; each works until the deadline, and is called again until it is through.
 */
#include "apply/survey.h"

#include "base/deadline.h"
#include "base/memory.h"
#include "filter_read.h"
#include "filter_table.h"
#include "kernel_parts.h"
#include "link.h"
#include "nf_tables.h"
#include "survey_ipvs.h"
#include "survey_sums.h"

#include <errno.h>
#include <string.h>

struct kernel_survey {
	struct kernel *kernel;
	unsigned wanted;
	bool of_this_host; /* IPVS is asked by system calls */
	size_t stage;
	struct kernel_sums sums;
	struct ipvs_reading *listing;
	struct survey_ipvs ipvs;
	struct arena arena;
	struct filter_reading *filter;
	struct text oddities; /* of our table */
};

struct kernel_survey *kernel_survey_new(struct kernel *kernel, unsigned wanted,
                                        const struct survey_source *source)
{
	struct kernel_survey *survey = memory_alloc(sizeof(*survey));
	*survey = (struct kernel_survey){.kernel = kernel, .wanted = wanted, .of_this_host = source == NULL};
	survey_ipvs_init(&survey->ipvs, source);
	return survey;
}

void kernel_survey_free(struct kernel_survey *survey)
{
	if (!survey)
		return;
	ipvs_reading_free(survey->listing);
	survey_ipvs_done(&survey->ipvs);
	filter_reading_free(survey->filter);
	arena_done(&survey->arena);
	text_done(&survey->oddities);
	memory_free_pointer(&survey);
}

/* ---- the stages */

static int look_at_rules(struct kernel_survey *survey, int64_t deadline_ns)
{
	struct packet_filter *filter = &survey->kernel->filter;
	struct filter_table table = {0};
	(void)deadline_ns;
	if (!(survey->wanted & SURVEY_FILTER) || !packet_filter_used(filter))
		return 0;
	int error = filter_table_read(&filter->netfilter, &table);
	bool intact = filter->in_place && !filter->beyond_repair && table.digest == filter->digest;
	filter_table_done(&table);
	return error ? error : intact ? 0 : -ESTALE;
}

static int look_at_elements(struct kernel_survey *survey, int64_t deadline_ns)
{
	struct kernel *kernel = survey->kernel;
	struct state state = {0};
	struct kernel_sums sums;
	if (!(survey->wanted & SURVEY_FILTER) || !packet_filter_used(&kernel->filter))
		return 0;
	if (!survey->filter)
		survey->filter =
		        filter_reading_new(&kernel->filter.netfilter, &survey->arena, &survey->oddities);
	int error = filter_reading_go_on(survey->filter, deadline_ns, &state.filter, &state.filter_count);
	if (error)
		return error;
	kernel_sums_of(&state, &sums);
	survey->sums.filter = sums.filter;
	arena_reset(&survey->arena);
	return survey->oddities.length > 0 ? -ESTALE : 0;
}

/* What the last real reading found held in the other way stays as it was noted then. */
static int look_at_held(struct kernel_survey *survey, int64_t deadline_ns)
{
	struct kernel *kernel = survey->kernel;
	struct holding holding = {.by_routes = kernel->holding.by_routes};
	struct state state = {0};
	struct kernel_sums sums;
	struct link link;
	(void)deadline_ns;
	if (!(survey->wanted & SURVEY_HELD))
		return 0;
	int error = link_find(&kernel->route, kernel->dummy, &link);
	if (error == -ENODEV)
		return -ESTALE;
	if (!error)
		error = holding_read(&holding, &kernel->route, link.index, &survey->arena, &state);
	kernel_sums_of(&state, &sums);
	survey->sums.held = sums.held;
	bool in_order = holding.misheld.count == 0;
	holding_done(&holding);
	arena_reset(&survey->arena);
	return error ? error : in_order ? 0 : -ESTALE;
}

static bool is_ipv6(const struct virtual_server *server)
{
	return server->key.address.family == FAMILY_IPV6;
}

static int look_at_ipv6_servers(struct kernel_survey *survey, int64_t deadline_ns)
{
	struct ipvs *ipvs = &survey->kernel->ipvs;
	const struct virtual_server *servers;
	size_t count;
	if (!(survey->wanted & SURVEY_IPV6))
		return 0;
	if (!survey->listing)
		survey->listing = ipvs_reading_new(ipvs, false, &survey->arena);
	int error = ipvs_reading_go_on(survey->listing, deadline_ns, &servers, &count);
	if (error)
		return error;
	for (size_t i = 0; i < count; i++) {
		if (!is_ipv6(&servers[i]))
			continue;
		survey->sums.ipvs += survey_sum_of_virtual_server(&servers[i]);
		survey->ipvs.with_ipv6 = true;
	}
	ipvs_reading_free(survey->listing);
	survey->listing = NULL;
	arena_reset(&survey->arena);
	return 0;
}

static int look_at_ipvs(struct kernel_survey *survey, int64_t deadline_ns)
{
	struct virtual_server server;
	int error;
	while ((error = survey_ipvs_next(&survey->ipvs, &server)) == 0) {
		survey->sums.ipvs += survey_ipvs_sum(&server);
		if (deadline_over(deadline_ns))
			return KERNEL_E_MORE;
	}
	return error == SURVEY_E_END ? 0 : error;
}

static int (*const stages[])(struct kernel_survey *survey, int64_t deadline_ns) = {
        look_at_rules, look_at_elements, look_at_held, look_at_ipv6_servers, look_at_ipvs};

int kernel_survey_go_on(struct kernel_survey *survey, int64_t deadline_ns, struct kernel_sums *ret_sums)
{
	const size_t count = sizeof(stages) / sizeof(*stages);
	*ret_sums = (struct kernel_sums){0};
	if (survey->of_this_host && survey->kernel->route.transport != &kernel_transport_real)
		return -EOPNOTSUPP; /* two kernels are not compared */
	while (survey->stage < count) {
		int error = stages[survey->stage](survey, deadline_ns);
		if (error)
			return error < 0 ? error : KERNEL_E_MORE;
		if (++survey->stage < count && deadline_over(deadline_ns))
			return KERNEL_E_MORE;
	}
	*ret_sums = survey->sums;
	return 0;
}

/* ---- transactions of nf_tables: the kernel counts all of them, and we count ours */

static int take_generation(void *context, const struct nlmsghdr *answer)
{
	struct nlattr *attributes[NFTA_GEN_MAX + 1];
	if (!nf_tables_parse(answer, NFT_MSG_NEWGEN, attributes, NFTA_GEN_MAX) || !attributes[NFTA_GEN_ID] ||
	    nla_len(attributes[NFTA_GEN_ID]) < 4)
		return -EBADMSG;
	*(uint32_t *)context = ntohl(nla_get_u32(attributes[NFTA_GEN_ID]));
	return 0;
}

int kernel_foreign_transactions(struct kernel *kernel, uint32_t *ret_number)
{
	struct packet_filter *filter = &kernel->filter;
	uint32_t generation = 0;
	*ret_number = 0;
	if (!packet_filter_used(filter))
		return 0;
	nf_tables_begin(&filter->netfilter, NFPROTO_UNSPEC, NFT_MSG_GETGEN);
	int error = conversation_ask(&filter->netfilter, take_generation, &generation);
	if (!error)
		*ret_number = generation - filter->transactions;
	return error;
}
