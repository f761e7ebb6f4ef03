#include "base/protocol.h"
#include "support.h"

static const struct {
	const char *text;
	int protocol; /* -1: refused */
} spellings[] = {
        {"TCP", PROTOCOL_TCP},
        {"UDP", PROTOCOL_UDP},
        {"SCTP", PROTOCOL_SCTP},
        {"tcp", -1},
        {"", -1},
        {"TCP ", -1},
        {"TC", -1},
        {"ICMP", -1},
};

START_TEST(a_protocol_is_read_in_its_exact_spelling_only)
{
	uint8_t protocol = 77;
	bool read = protocol_parse(spellings[_i].text, &protocol);
	ck_assert(read == (spellings[_i].protocol >= 0));
	ck_assert_int_eq(protocol, read ? spellings[_i].protocol : 77);
	if (read)
		ck_assert_str_eq(protocol_name(protocol), spellings[_i].text);
}
END_TEST

START_TEST(a_number_that_is_no_service_protocol_has_no_name)
{
	ck_assert_str_eq(protocol_name(PROTOCOL_NONE), "");
	ck_assert_str_eq(protocol_name(1), "");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("base/protocol");
	TCase *cases = tcase_create("protocol");
	tcase_add_loop_test(cases, a_protocol_is_read_in_its_exact_spelling_only, 0,
	                    (int)(sizeof(spellings) / sizeof(spellings[0])));
	tcase_add_test(cases, a_number_that_is_no_service_protocol_has_no_name);
	suite_add_tcase(suite, cases);
	return run_suite(suite);
}
