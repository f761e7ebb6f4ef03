/* Group N of the conformance list, as far as it is about merging: what slices give a service port. What it says
 * of changes is tested with the store (C85, C90 to C92) and the planner (C87). */
#include "plan_scenario.h"
#include "support.h"

#define SERVICE "cluster-ip 10.0.0.1\nport p TCP 80\n"

struct endpoint_case {
	const char *given;
	const char *wanted; /* the real servers */
};

static void check(const struct endpoint_case *test)
{
	auto_text wanted = {0};
	text_addf(&wanted, "TCP 10.0.0.1:80 rr ->%s\n", test->wanted);
	ck_assert_plan_with(SERVICE, test->given, SHOW_SERVERS, text_string(&wanted));
}

#define CHECK_ALL(cases)                                              \
	for (size_t i = 0; i < sizeof(cases) / sizeof(*(cases)); i++) \
	check(&(cases)[i])

/* C88, R1.16 */
START_TEST(the_slices_of_a_service_are_merged)
{
	static const struct endpoint_case cases[] = {
	        {"slice IPv4\nslice-port p TCP 80\nendpoint 10.0.1.3\nendpoint 10.0.1.1\n"
	         "slice IPv4\nslice-port p TCP 80\nendpoint 10.0.1.2\nendpoint 10.0.1.1\n",
	         " 10.0.1.1:80 10.0.1.2:80 10.0.1.3:80"},
	        {"slice IPv4\nslice-port p TCP 80\nendpoint 10.0.1.1\nendpoint 10.0.1.2\n"
	         "slice IPv4\nslice-port p TCP 8080\nendpoint 10.0.1.3\n",
	         " 10.0.1.1:80 10.0.1.2:80 10.0.1.3:8080"},
	};
	CHECK_ALL(cases);
}
END_TEST

/* C88, R1.22 */
START_TEST(of_one_address_and_port_the_fittest_endpoint_counts)
{
#define FIRST  "slice IPv4\nslice-port p TCP 80\nendpoint 10.0.1.1 "
#define SECOND "\nslice IPv4\nslice-port p TCP 80\nendpoint 10.0.1.1 "
	static const struct endpoint_case cases[] = {
	        {FIRST "unready" SECOND "\n", " 10.0.1.1:80"},
	        {FIRST SECOND "unready\n", " 10.0.1.1:80"},
	        {FIRST "serving" SECOND "\n", " 10.0.1.1:80"},
	        {FIRST "terminating" SECOND "\n", " 10.0.1.1:80"},
	        {FIRST SECOND "terminating\n", " 10.0.1.1:80"},
	        {FIRST SECOND "serving-terminating\n", " 10.0.1.1:80"},
	        /* One that terminates does not replace one that does not, though only it would serve. */
	        {FIRST "unready" SECOND "serving-terminating\n", ""},
	        {FIRST "serving-terminating" SECOND "unready\n", ""},
	        {FIRST "terminating" SECOND "serving-terminating\n", " 10.0.1.1:80"},
	        {FIRST "unready" SECOND "unready\n", ""},
	        /* Within one slice too. */
	        {FIRST "unready\nendpoint 10.0.1.1\nendpoint 10.0.1.1 terminating\n", " 10.0.1.1:80"},
	};
	CHECK_ALL(cases);
}
END_TEST

START_TEST(the_fittest_endpoint_also_says_whether_it_is_local)
{
	ck_assert_plan(SERVICE FIRST "unready local" SECOND "\n", SHOW_HAIRPINS, "");
	ck_assert_plan(SERVICE FIRST "unready" SECOND "local\n", SHOW_HAIRPINS, "hairpin 10.0.1.1\n");
	/* Of two that are equal, the first slice's. */
	ck_assert_plan(SERVICE FIRST "local" SECOND "\n", SHOW_HAIRPINS, "hairpin 10.0.1.1\n");
	ck_assert_plan(SERVICE FIRST "" SECOND "local\n", SHOW_HAIRPINS, "");
}
END_TEST

/* C89, R1.14 */
START_TEST(slice_ports_without_name_or_number_are_ignored)
{
	static const struct endpoint_case cases[] = {
	        {"slice IPv4\nslice-port p TCP 0\nendpoint 10.0.1.1\n", ""},
	        {"slice IPv4\nslice-port ? TCP 80\nendpoint 10.0.1.1\n", ""},
	        {"slice IPv4\nslice-port ? TCP 80\nslice-port p TCP 81\nendpoint 10.0.1.1\n", " 10.0.1.1:81"},
	        {"slice IPv4\nendpoint 10.0.1.1\n", ""},
	};
	CHECK_ALL(cases);
}
END_TEST

START_TEST(a_slice_port_without_name_is_not_an_unnamed_one)
{
	ck_assert_plan("cluster-ip 10.0.0.1\nport - TCP 80\n"
	               "slice IPv4\nslice-port ? TCP 80\nendpoint 10.0.1.1\n",
	               SHOW_SERVERS, "TCP 10.0.0.1:80 rr ->\n");
}
END_TEST

/* C89, R1.16 */
START_TEST(one_address_with_two_port_numbers_is_two_endpoints)
{
	static const struct endpoint_case cases[] = {
	        {"slice IPv4\nslice-port p TCP 8080\nendpoint 10.0.1.1\nendpoint 10.0.1.2\n"
	         "slice IPv4\nslice-port p TCP 80\nendpoint 10.0.1.1\n",
	         " 10.0.1.1:80 10.0.1.1:8080 10.0.1.2:8080"},
	        {"slice IPv4\nslice-port p TCP 8080\nslice-port p TCP 80\nslice-port p TCP 8080\n"
	         "endpoint 10.0.1.1\n",
	         " 10.0.1.1:80 10.0.1.1:8080"},
	};
	CHECK_ALL(cases);
}
END_TEST

/* C90, R0.4, R1.13, R1.17, R1.18, Q-31's Instead */
START_TEST(what_is_no_address_of_the_family_is_ignored)
{
	static const struct endpoint_case cases[] = {
	        {"slice FQDN\nslice-port p TCP 80\nendpoint 10.0.1.1\n", ""},
	        {"slice IPv6\nslice-port p TCP 80\nendpoint 10.0.1.1\nendpoint fd00::1\n", ""},
	        {"slice IPv4\nslice-port p TCP 80\nendpoint fd00::1\nendpoint 10.0.1.1\nendpoint -\n",
	         " 10.0.1.1:80"},
	};
	CHECK_ALL(cases);
}
END_TEST

/* R1.12 */
START_TEST(slices_of_another_service_are_ignored)
{
	static const struct endpoint_case cases[] = {
	        {"service default/other\nslice IPv4\nslice-port p TCP 80\nendpoint 10.0.1.1\n"
	         "service elsewhere/web\nslice IPv4\nslice-port p TCP 80\nendpoint 10.0.1.2\n"
	         "service default/web\nslice IPv4\nslice-port p TCP 80\nendpoint 10.0.1.3\n",
	         " 10.0.1.3:80"},
	};
	CHECK_ALL(cases);
}
END_TEST

START_TEST(endpoints_of_endpoints_objects_count_where_they_would_be_mirrored)
{
#define MIRROR "slice IPv4 mirrored\nslice-port p TCP 80\nendpoint 10.0.1.1\n"
#define SLICE  "slice IPv4\nslice-port p TCP 80\nendpoint 10.0.1.2\n"
#define SLICE6 "slice IPv6\nslice-port p TCP 80\nendpoint fd00::2\n"
	static const struct endpoint_case cases[] = {
	        {MIRROR, " 10.0.1.1:80"},
	        {MIRROR SLICE, " 10.0.1.1:80 10.0.1.2:80"},
	        {"selector\n" MIRROR, " 10.0.1.1:80"},
	        {"selector\n" MIRROR SLICE, " 10.0.1.2:80"},
	        {"selector\n" SLICE6 MIRROR, ""},
	        /* Another Service's slice says nothing about this one. */
	        {"selector\n" MIRROR "service default/other\n" SLICE "service default/web\n", " 10.0.1.1:80"},
	};
	CHECK_ALL(cases);
}
END_TEST

START_TEST(endpoints_ascend_whatever_the_order_of_slices)
{
	static const struct endpoint_case cases[] = {
	        {"slice IPv4\nslice-port p TCP 80\nendpoint 10.0.1.10\nendpoint 10.0.1.9\nendpoint 9.0.0.1\n"
	         "slice IPv4\nslice-port p TCP 81\nendpoint 10.0.0.200\nendpoint 10.0.1.10\n",
	         " 9.0.0.1:80 10.0.0.200:81 10.0.1.9:80 10.0.1.10:80 10.0.1.10:81"},
	};
	CHECK_ALL(cases);
}
END_TEST

/* C93, R12.11 */
START_TEST(local_ready_endpoints_are_counted_by_address_over_all_ports)
{
#define TWO_PORTS                                                                 \
	"cluster-ip 10.0.0.1 fd00::1\nport p TCP 80\nport q UDP 53\nslice IPv4\n" \
	"slice-port p TCP 8080\nslice-port q UDP 8053\nslice-port unasked TCP 1\n"
	static const struct endpoint_case cases[] = {
	        {"", "local-ready 0 0\n"},
	        {"endpoint 10.0.1.1 local\nendpoint 10.0.1.2 local\n", "local-ready 2 0\n"},
	        {"endpoint 10.0.1.1 local\nendpoint 10.0.1.2\nendpoint 10.0.1.3 local unready\n"
	         "endpoint 10.0.1.4 local serving-terminating\n",
	         "local-ready 1 0\n"},
	        {"endpoint 10.0.1.1 local\nslice IPv4\nslice-port p TCP 8081\nendpoint 10.0.1.1 local\n"
	         "slice IPv6\nslice-port q UDP 8053\nendpoint fd00:1::1 local\n",
	         "local-ready 1 1\n"},
	        {"slice IPv4\nslice-port unasked TCP 1\nendpoint 10.0.1.9 local\n", "local-ready 0 0\n"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		ck_assert_plan_with(TWO_PORTS, cases[i].given, SHOW_LOCAL_READY, cases[i].wanted);
}
END_TEST

/* What a drain ends with is that its endpoint is told no more. */
START_TEST(endpoints_that_terminate_are_told_whether_they_get_traffic_or_not)
{
	static const char given[] = "cluster-ip 10.0.0.1\nport p TCP 80\nport q UDP 80\nport s SCTP 80\n"
	                            "slice IPv4\nslice-port p TCP 8080\nslice-port q UDP 8080\n"
	                            "slice-port s SCTP 8080\n";
	ck_assert_plan_with(given,
	                    "endpoint 10.0.1.3 terminating\nendpoint 10.0.1.1 serving-terminating\n"
	                    "endpoint 10.0.1.2\nendpoint 10.0.1.4 unready\n",
	                    SHOW_LEAVING,
	                    "leaving TCP 10.0.0.1:80 -> 10.0.1.1:8080 10.0.1.3:8080\n"
	                    "leaving SCTP 10.0.0.1:80 -> 10.0.1.1:8080 10.0.1.3:8080\n");
	/* The last resort is told as well. */
	ck_assert_plan_with(given, "endpoint 10.0.1.1 serving-terminating\n", SHOW_SERVERS | SHOW_LEAVING,
	                    "TCP 10.0.0.1:80 rr -> 10.0.1.1:8080\nUDP 10.0.0.1:80 rr -> 10.0.1.1:8080\n"
	                    "SCTP 10.0.0.1:80 rr -> 10.0.1.1:8080\n"
	                    "leaving TCP 10.0.0.1:80 -> 10.0.1.1:8080\n"
	                    "leaving SCTP 10.0.0.1:80 -> 10.0.1.1:8080\n");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("plan/service endpoints");
	TCase *tests = tcase_create("all");
	tcase_add_test(tests, the_slices_of_a_service_are_merged);
	tcase_add_test(tests, of_one_address_and_port_the_fittest_endpoint_counts);
	tcase_add_test(tests, the_fittest_endpoint_also_says_whether_it_is_local);
	tcase_add_test(tests, slice_ports_without_name_or_number_are_ignored);
	tcase_add_test(tests, a_slice_port_without_name_is_not_an_unnamed_one);
	tcase_add_test(tests, one_address_with_two_port_numbers_is_two_endpoints);
	tcase_add_test(tests, what_is_no_address_of_the_family_is_ignored);
	tcase_add_test(tests, slices_of_another_service_are_ignored);
	tcase_add_test(tests, endpoints_of_endpoints_objects_count_where_they_would_be_mirrored);
	tcase_add_test(tests, endpoints_ascend_whatever_the_order_of_slices);
	tcase_add_test(tests, endpoints_that_terminate_are_told_whether_they_get_traffic_or_not);
	tcase_add_test(tests, local_ready_endpoints_are_counted_by_address_over_all_ports);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
