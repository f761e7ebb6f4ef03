/* C105, C106, and R1.32 to R1.36: how long the first pass waits for the Node, and what its changes mean. */
#include "node_facts.h"
#include "support.h"

#include <string.h>

static struct node_facts facts;
static struct node node;
static struct address addresses[2];
static struct cidr cidrs[2];

static void start_with(bool waits, bool needs_pod_cidrs)
{
	node_facts_done(&facts);
	node_facts_init(&facts, "n1", waits, needs_pod_cidrs, 1000);
}

static void prepare(void)
{
	ck_assert(address_parse("192.0.2.1", &addresses[0]));
	ck_assert(address_parse("2001:db8::1", &addresses[1]));
	ck_assert(cidr_parse("10.244.1.0/24", false, &cidrs[0]));
	ck_assert(cidr_parse("10.244.2.0/24", false, &cidrs[1]));
	node = (struct node){.name = "n1", .addresses = addresses, .address_count = 1, .pod_cidrs = cidrs};
	start_with(true, false);
}

static void clean(void)
{
	node_facts_done(&facts);
}

static const char *const answers[] = {
        [NODE_GOES] = "goes",
        [NODE_GOES_WITHOUT] = "goes without",
        [NODE_WAITS] = "waits",
        [NODE_FAILS] = "fails",
};

/* The answer, and how long to wait, and the sentence. */
static void wait_must_be(int64_t after_ms, const char *wanted)
{
	struct fault fault = {0};
	int64_t wait_ms = -1;
	auto_text got = {0};
	enum node_wait answer = node_facts_wait(&facts, 1000 + after_ms, &wait_ms, &fault);
	text_add(&got, answers[answer]);
	if (answer == NODE_WAITS)
		text_addf(&got, " %lld", (long long)wait_ms);
	if (fault.sentence[0])
		text_addf(&got, ": %s", fault.sentence);
	ck_assert_texts("the answer", wanted, text_string(&got));
}

static void update_must_be(const struct node *now, unsigned changes, const char *sentence)
{
	auto_text said = {0};
	unsigned got = node_facts_update(&facts, now, &said);
	ck_assert_texts("said", sentence, text_string(&said));
	ck_assert_msg(got == changes, "changes 0x%x, wanted 0x%x", got, changes);
}

/* ---- waiting */

START_TEST(the_first_pass_waits_for_the_node_and_its_addresses)
{
	wait_must_be(0, "waits 30000");
	node_facts_told(&facts, 1100);
	wait_must_be(10000, "waits 20000");
	node.address_count = 0;
	node_facts_update(&facts, &node, NULL);
	wait_must_be(11000, "waits 19000");
	node.address_count = 1;
	node_facts_update(&facts, &node, NULL);
	wait_must_be(12000, "goes");
	wait_must_be(500000, "goes");
}
END_TEST

/* C105 */
START_TEST(a_missing_node_is_waited_for_in_vain_and_then_told_of_once)
{
	node_facts_told(&facts, 1000);
	wait_must_be(29999, "waits 1");
	wait_must_be(30000,
	             "goes without: node n1: there is no Node of this name after 30 s; going on without it "
	             "(--hostname-override names another)");
	wait_must_be(30001, "goes");
}
END_TEST

START_TEST(a_node_without_addresses_is_told_of_too)
{
	node.address_count = 0;
	node_facts_update(&facts, &node, NULL);
	wait_must_be(40000,
	             "goes without: node n1: its Node has no addresses after 30 s; going on without them");
}
END_TEST

START_TEST(nodes_that_cannot_be_listed_are_waited_for_no_longer)
{
	wait_must_be(30000,
	             "goes without: node n1: there is no Node of this name after 30 s; going on without it "
	             "(--hostname-override names another)");
}
END_TEST

START_TEST(manifests_alone_are_not_waited_for)
{
	start_with(false, false);
	wait_must_be(0, "goes");
	start_with(false, true);
	wait_must_be(0, "goes");
}
END_TEST

/* C105 */
START_TEST(with_node_cidr_the_pod_prefixes_are_waited_for_five_minutes_and_must_come)
{
	start_with(true, true);
	node_facts_told(&facts, 2000);
	node_facts_update(&facts, &node, NULL);
	wait_must_be(31000, "waits 270000");
	wait_must_be(300999, "waits 1");
	wait_must_be(301000, "fails: node n1: timeout waiting for PodCIDR allocation on node \"n1\"; let the "
	                     "controller manager allocate node CIDRs, or choose another --detect-local-mode");
}
END_TEST

/* C105 */
START_TEST(with_node_cidr_the_node_must_exist)
{
	start_with(true, true);
	node_facts_told(&facts, 1000);
	wait_must_be(299999, "waits 1");
	wait_must_be(300000,
	             "fails: node n1: timeout waiting for node \"n1\" to exist; name the Node of this "
	             "machine with --hostname-override, or choose another --detect-local-mode");
}
END_TEST

START_TEST(with_node_cidr_the_pass_runs_as_soon_as_the_prefixes_are_there)
{
	start_with(true, true);
	node_facts_told(&facts, 1000);
	node_facts_update(&facts, &node, NULL);
	wait_must_be(100000, "waits 200000");
	node.pod_cidr_count = 1;
	node_facts_update(&facts, &node, NULL);
	wait_must_be(100001, "goes");
}
END_TEST

/* The time is counted from when somebody could know. */
START_TEST(an_api_server_that_is_away_is_no_missing_node)
{
	start_with(true, true);
	wait_must_be(10000000, "waits 300000");
	node_facts_told(&facts, 1000 + 10000000);
	node_facts_told(&facts, 1000 + 10200000);
	wait_must_be(10299999, "waits 1");
	node.pod_cidr_count = 1;
	node_facts_update(&facts, &node, NULL);
	wait_must_be(10299999, "goes");
}
END_TEST

/* ---- changes */

START_TEST(a_node_that_appears_is_described)
{
	node.zone = "zone-a";
	node.address_count = 2;
	node.pod_cidr_count = 2;
	update_must_be(
	        &node, NODE_APPEARED | NODE_IPS_CHANGED | NODE_ZONE_CHANGED | NODE_POD_CIDRS_CHANGED,
	        "node n1: its Node is there; its IPs are 192.0.2.1 and 2001:db8::1; its zone is zone-a; its "
	        "pod CIDRs are 10.244.1.0/24, 10.244.2.0/24");
	update_must_be(&node, 0, "");
}
END_TEST

START_TEST(no_node_is_no_change)
{
	update_must_be(NULL, 0, "");
	ck_assert_ptr_null(node_facts_node(&facts));
	ck_assert(node_facts_eligible(&facts));
}
END_TEST

/* C106 */
START_TEST(a_zone_label_that_comes_changes_or_goes_is_told_once_each)
{
	node_facts_update(&facts, &node, NULL);
	node.zone = "zone-a";
	update_must_be(&node, NODE_ZONE_CHANGED, "node n1: its zone is zone-a");
	update_must_be(&node, 0, "");
	node.zone = "zone-b";
	update_must_be(&node, NODE_ZONE_CHANGED, "node n1: its zone is zone-b");
	node.zone = "";
	update_must_be(&node, NODE_ZONE_CHANGED, "node n1: it has no zone");
	node.zone = NULL;
	update_must_be(&node, NODE_ZONE_CHANGED, "node n1: it has no zone");
}
END_TEST

/* C105: no reason to end. */
START_TEST(a_changed_node_ip_is_told)
{
	start_with(true, true);
	node.pod_cidr_count = 1;
	node_facts_update(&facts, &node, NULL);
	wait_must_be(0, "goes");
	node.address_count = 2;
	update_must_be(&node, NODE_IPS_CHANGED, "node n1: its IPs are 192.0.2.1 and 2001:db8::1");
	struct address swapped[] = {addresses[1], addresses[0]};
	node.addresses = swapped;
	update_must_be(&node, NODE_IPS_CHANGED, "node n1: its IPs are 2001:db8::1 and 192.0.2.1");
	node.address_count = 1;
	update_must_be(&node, NODE_IPS_CHANGED, "node n1: its IP is 2001:db8::1");
	node.address_count = 0;
	update_must_be(&node, NODE_IPS_CHANGED, "node n1: it has no IP");
}
END_TEST

/* R1.33: only the first of each family is the node's IP. */
START_TEST(a_further_address_of_a_family_is_no_change)
{
	struct address more[] = {addresses[0], {FAMILY_IPV4, {192, 0, 2, 9}}};
	node_facts_update(&facts, &node, NULL);
	node.addresses = more;
	node.address_count = 2;
	update_must_be(&node, 0, "");
}
END_TEST

/* C105, R1.36 */
START_TEST(changed_pod_prefixes_end_the_process_with_node_cidr)
{
	struct cidr swapped[] = {cidrs[1], cidrs[0]};
	start_with(true, true);
	node.pod_cidr_count = 1;
	node_facts_update(&facts, &node, NULL);
	node.pod_cidr_count = 2;
	update_must_be(&node, NODE_POD_CIDRS_CHANGED,
	               "node n1: its pod CIDRs are 10.244.1.0/24, 10.244.2.0/24");
	wait_must_be(0, "goes");
	node.pod_cidrs = swapped;
	update_must_be(&node, NODE_POD_CIDRS_CHANGED | NODE_MUST_END,
	               "node n1: its pod CIDRs are 10.244.2.0/24, 10.244.1.0/24; with "
	               "--detect-local-mode=NodeCIDR that needs a restart");
	node.pod_cidr_count = 0;
	update_must_be(
	        &node, NODE_POD_CIDRS_CHANGED | NODE_MUST_END,
	        "node n1: it has no pod CIDRs; with --detect-local-mode=NodeCIDR that needs a restart");
	node.pod_cidrs = cidrs;
	node.pod_cidr_count = 2;
	ck_assert(!(node_facts_update(&facts, &node, NULL) & NODE_MUST_END));
}
END_TEST

START_TEST(changed_pod_prefixes_do_not_matter_otherwise)
{
	node_facts_update(&facts, &node, NULL);
	wait_must_be(0, "goes");
	node.pod_cidr_count = 2;
	update_must_be(&node, NODE_POD_CIDRS_CHANGED,
	               "node n1: its pod CIDRs are 10.244.1.0/24, 10.244.2.0/24");
}
END_TEST

/* R1.35 */
START_TEST(a_deleted_node_stays_in_use_as_it_was_known_last)
{
	node.zone = "zone-a";
	node_facts_update(&facts, &node, NULL);
	update_must_be(NULL, NODE_GONE, "node n1: its Node is gone; what it told last stays in force");
	update_must_be(NULL, 0, "");
	ck_assert_str_eq(node_facts_node(&facts)->zone, "zone-a");
	update_must_be(&node, NODE_APPEARED, "node n1: its Node is there");
	update_must_be(&node, 0, "");
}
END_TEST

START_TEST(a_node_that_is_to_go_is_not_eligible)
{
	node_facts_update(&facts, &node, NULL);
	ck_assert(node_facts_eligible(&facts));
	node.to_be_deleted = true;
	update_must_be(&node, NODE_ELIGIBILITY_CHANGED,
	               "node n1: it is about to be deleted by the autoscaler");
	ck_assert(!node_facts_eligible(&facts));
	node.deleting = true;
	update_must_be(&node, 0, "");
	node.to_be_deleted = node.deleting = false;
	update_must_be(&node, NODE_ELIGIBILITY_CHANGED, "node n1: it stays after all");
	node.deleting = true;
	update_must_be(&node, NODE_ELIGIBILITY_CHANGED, "node n1: it is being deleted");
	ck_assert(!node_facts_eligible(&facts));
	node_facts_update(&facts, NULL, NULL);
	ck_assert(!node_facts_eligible(&facts));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cmd node facts");
	TCase *tests = tcase_create("node facts");
	tcase_add_checked_fixture(tests, prepare, clean);
	tcase_add_test(tests, the_first_pass_waits_for_the_node_and_its_addresses);
	tcase_add_test(tests, a_missing_node_is_waited_for_in_vain_and_then_told_of_once);
	tcase_add_test(tests, a_node_without_addresses_is_told_of_too);
	tcase_add_test(tests, nodes_that_cannot_be_listed_are_waited_for_no_longer);
	tcase_add_test(tests, manifests_alone_are_not_waited_for);
	tcase_add_test(tests, with_node_cidr_the_pod_prefixes_are_waited_for_five_minutes_and_must_come);
	tcase_add_test(tests, with_node_cidr_the_node_must_exist);
	tcase_add_test(tests, with_node_cidr_the_pass_runs_as_soon_as_the_prefixes_are_there);
	tcase_add_test(tests, an_api_server_that_is_away_is_no_missing_node);
	tcase_add_test(tests, a_node_that_appears_is_described);
	tcase_add_test(tests, no_node_is_no_change);
	tcase_add_test(tests, a_zone_label_that_comes_changes_or_goes_is_told_once_each);
	tcase_add_test(tests, a_changed_node_ip_is_told);
	tcase_add_test(tests, a_further_address_of_a_family_is_no_change);
	tcase_add_test(tests, changed_pod_prefixes_end_the_process_with_node_cidr);
	tcase_add_test(tests, changed_pod_prefixes_do_not_matter_otherwise);
	tcase_add_test(tests, a_deleted_node_stays_in_use_as_it_was_known_last);
	tcase_add_test(tests, a_node_that_is_to_go_is_not_eligible);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
