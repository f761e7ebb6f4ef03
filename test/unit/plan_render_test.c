#include "plan/render.h"

#include "plan/diff.h"
#include "plan_states.h"
#include "support.h"

static struct arena arena;

static void teardown(void)
{
	arena_done(&arena);
}

struct rendering {
	const char *what;
	const char *state;
	const char *text;
};

/* The order and the plain forms are those of a node with Kubernetes v1.36; the options are ipvsadm 1.31's. */
static const struct rendering saves[] = {
        {"nothing", "", ""},
        {"without real servers", "tcp 10.96.1.11:443 rr", "-A -t 10.96.1.11:443 -s rr\n"},
        {"persistent", "tcp 10.96.1.14:80 rr p=100\n> 10.244.2.11:80\n> 10.244.1.10:80",
         "-A -t 10.96.1.14:80 -s rr -p 100\n"
         "-a -t 10.96.1.14:80 -r 10.244.1.10:80 -m -w 1\n"
         "-a -t 10.96.1.14:80 -r 10.244.2.11:80 -m -w 1\n"},
        {"the order is that of the text",
         "udp 10.96.0.10:53 rr\ntcp 10.96.0.1:443 rr\n> 10.0.1.1:80\n> 10.0.1.10:80\n> 10.0.1.9:80\n"
         "tcp 10.96.0.10:53 rr\ntcp 10.96.0.10:9153 rr\ntcp [fd00::1]:80 rr\n> [fd00::a]:8080\n"
         "mark 7 ipv4 rr\nsctp 10.96.0.3:9 rr\ntcp 9.9.9.9:1 rr\n",
         "-A --sctp-service 10.96.0.3:9 -s rr\n"
         "-A -f 7 -s rr\n"
         "-A -t 10.96.0.10:53 -s rr\n"
         "-A -t 10.96.0.10:9153 -s rr\n"
         "-A -t 10.96.0.1:443 -s rr\n"
         "-a -t 10.96.0.1:443 -r 10.0.1.10:80 -m -w 1\n"
         "-a -t 10.96.0.1:443 -r 10.0.1.1:80 -m -w 1\n"
         "-a -t 10.96.0.1:443 -r 10.0.1.9:80 -m -w 1\n"
         "-A -t 9.9.9.9:1 -s rr\n"
         "-A -t [fd00::1]:80 -s rr\n"
         "-a -t [fd00::1]:80 -r [fd00::a]:8080 -m -w 1\n"
         "-A -u 10.96.0.10:53 -s rr\n"},
        {"netmask", "tcp 10.96.0.1:80 rr p=300 mask=20",
         "-A -t 10.96.0.1:80 -s rr -p 300 -M 255.255.240.0\n"},
        {"netmask of IPv6", "tcp [fd00::1]:80 rr p=300 mask=64", "-A -t [fd00::1]:80 -s rr -p 300 -M 64\n"},
        {"a netmask without persistence is not shown", "tcp 10.96.0.1:80 rr mask=20",
         "-A -t 10.96.0.1:80 -s rr\n"},
        {"a timeout without persistence is not shown", "tcp 10.96.0.1:80 rr timeout=20",
         "-A -t 10.96.0.1:80 -s rr\n"},
        {"engine and one packet", "udp 10.96.0.1:5060 rr p=9 pe=sip flags=0x04",
         "-A -u 10.96.0.1:5060 -s rr -p 9 --pe sip -o\n"},
        {"sh's flags", "tcp 10.96.0.1:80 sh flags=0x18", "-A -t 10.96.0.1:80 -s sh -b sh-fallback,sh-port\n"},
        {"mh's flags", "tcp 10.96.0.1:80 mh flags=0x12", "-A -t 10.96.0.1:80 -s mh -b mh-port\n"},
        {"flags of others", "tcp 10.96.0.1:80 wrr flags=0x38",
         "-A -t 10.96.0.1:80 -s wrr -b flag-1,flag-2,flag-3\n"},
        {"firewall mark of IPv6", "mark 12 ipv6 wlc\n> [fd00::1]:0 fwd=3",
         "-A -f 12 -6 -s wlc\n-a -f 12 -6 -r [fd00::1]:0 -g -w 1\n"},
        {"ways of forwarding",
         "tcp 10.96.0.1:80 rr\n> 10.0.0.1:80 fwd=0\n> 10.0.0.2:80 fwd=1 w=0\n"
         "> 10.0.0.3:80 fwd=3 w=65535\n",
         "-A -t 10.96.0.1:80 -s rr\n"
         "-a -t 10.96.0.1:80 -r 10.0.0.1:80 -m -w 1\n"
         "-a -t 10.96.0.1:80 -r 10.0.0.2:80 -g -w 0\n"
         "-a -t 10.96.0.1:80 -r 10.0.0.3:80 -g -w 65535\n"},
        {"tunnels",
         "tcp 10.96.0.1:80 rr\n> 10.0.0.1:80 fwd=2\n> 10.0.0.2:80 fwd=2 tun=1:6080:0\n"
         "> 10.0.0.3:80 fwd=2 tun=1:6080:2\n> 10.0.0.4:80 fwd=2 tun=2:0:1\n> 10.0.0.5:80 tun=1:6080:0\n",
         "-A -t 10.96.0.1:80 -s rr\n"
         "-a -t 10.96.0.1:80 -r 10.0.0.1:80 -i -w 1 --tun-type ipip\n"
         "-a -t 10.96.0.1:80 -r 10.0.0.2:80 -i -w 1 --tun-type gue --tun-port 6080 --tun-nocsum\n"
         "-a -t 10.96.0.1:80 -r 10.0.0.3:80 -i -w 1 --tun-type gue --tun-port 6080 --tun-remcsum\n"
         "-a -t 10.96.0.1:80 -r 10.0.0.4:80 -i -w 1 --tun-type gre --tun-csum\n"
         "-a -t 10.96.0.1:80 -r 10.0.0.5:80 -m -w 1\n"},
        {"thresholds are never saved", "tcp 10.96.0.1:80 rr\n> 10.0.0.1:80 x=10 y=5",
         "-A -t 10.96.0.1:80 -s rr\n-a -t 10.96.0.1:80 -r 10.0.0.1:80 -m -w 1\n"},
};

START_TEST(a_table_is_saved_as_ipvsadm_saves_it)
{
	auto_text text = {0};
	struct state state = state_of(&arena, saves[_i].state);
	render_save(&state, &text);
	ck_assert_texts(saves[_i].what, saves[_i].text, text_string(&text));
}
END_TEST

/* More than the insertion sort takes. */
START_TEST(many_real_servers_are_sorted_too)
{
	auto_text written = {0}, wanted = {0}, text = {0};
	text_add(&written, "tcp 10.96.0.1:80 rr\n");
	for (unsigned i = 200; i > 100; i--)
		text_addf(&written, "> 10.0.0.%u:80\n", i);
	text_add(&wanted, "-A -t 10.96.0.1:80 -s rr\n");
	for (unsigned i = 101; i <= 200; i++)
		text_addf(&wanted, "-a -t 10.96.0.1:80 -r 10.0.0.%u:80 -m -w 1\n", i);
	struct state state = state_of(&arena, text_string(&written));
	render_save(&state, &text);
	ck_assert_texts("a hundred", text_string(&wanted), text_string(&text));
}
END_TEST

static const struct rendering texts[] = {
        {"nothing", "", ""},
        {"Services, addresses and filter",
         "tcp 10.96.1.14:80 rr p=100 label=default/web:http\n> 10.244.1.10:8080\n> 10.244.2.11:8080 w=0\n"
         "tcp 192.0.2.10:30080 rr p=100 label=default/web:http\n"
         "tcp 10.96.0.1:443 wlc label=default/kubernetes:https\n> 192.0.2.10:6443\n"
         "tcp 203.0.113.9:80 rr p=100 label=default/web:http\n> 10.244.1.10:8080\n"
         "tcp 10.96.0.7:9 rr label=default/empty\n"
         "held 10.96.1.14\nheld 10.96.0.1\nheld 203.0.113.9\nheld 10.96.0.7\n"
         "port 10.96.0.1:443 tcp outsiders\nport 10.96.1.14:80 tcp outsiders\n"
         "port 203.0.113.9:80 tcp keep restricted\nrange 203.0.113.9:80 tcp 198.51.100.0/24\n"
         "redirect 203.0.113.9:80 tcp 10.96.1.14:80\nport 10.96.0.7:9 tcp reject\n"
         "hairpin 10.244.1.10\nhealth 30000\n",
         "default/empty\n"
         "  TCP 10.96.0.7:9  rr  held address\n"
         "      no real servers\n"
         "\n"
         "default/kubernetes\n"
         "  TCP 10.96.0.1:443    https  wlc  cluster address\n"
         "      192.0.2.10:6443\n"
         "\n"
         "default/web\n"
         "  TCP 10.96.1.14:80     http  rr, sticky 100 s  cluster address\n"
         "      10.244.1.10:8080\n"
         "      10.244.2.11:8080  weight 0\n"
         "  TCP 192.0.2.10:30080  http  rr, sticky 100 s  node address\n"
         "      no real servers\n"
         "  TCP 203.0.113.9:80    http  rr, sticky 100 s  external address\n"
         "      10.244.1.10:8080\n"
         "\n"
         "addresses on the dummy interface\n"
         "  10.96.0.1\n"
         "  10.96.0.7\n"
         "  10.96.1.14\n"
         "  203.0.113.9\n"
         "\n"
         "packet filter\n"
         "  10.96.0.1:443 TCP masquerade-outsiders\n"
         "  10.96.0.7:9 TCP reject\n"
         "  10.96.1.14:80 TCP masquerade-outsiders\n"
         "  203.0.113.9:80 TCP keep-source, allowed sources only\n"
         "  203.0.113.9:80 TCP allow 198.51.100.0/24\n"
         "  203.0.113.9:80 TCP from inside to 10.96.1.14:80\n"
         "  10.244.1.10 may reach itself\n"
         "  port 30000 TCP accept health checks\n"},
        {"what is unusual is said",
         "mark 7 ipv6 wlc label=x/y:z\n"
         "udp [fd00::1]:53 sh flags=0x1c p=60 mask=64 pe=sip label=x/y:dns\n"
         "> [fd00::a]:53 fwd=3 w=5 x=10 y=4\n> [fd00::b]:53 fwd=2\n> [fd00::c]:53 y=3\n"
         "tcp 10.0.0.1:1 rr\n",
         "x/y\n"
         "  firewall mark 7   z    wlc\n"
         "      no real servers\n"
         "  UDP [fd00::1]:53  dns  sh, sticky 60 s by /64, engine sip, packet by packet, "
         "sh-fallback,sh-port  node address\n"
         "      [fd00::a]:53  direct route, weight 5, full at 10 connections, back at 4\n"
         "      [fd00::b]:53  tunnel\n"
         "      [fd00::c]:53  back at 3\n"
         "\n"
         "of no Service\n"
         "  TCP 10.0.0.1:1  rr  node address\n"
         "      no real servers\n"},
        {"held addresses alone start without a blank line", "held 10.96.0.1",
         "addresses on the dummy interface\n  10.96.0.1\n"},
        {"one Service is not the start of another's name",
         "tcp 10.0.0.1:1 rr label=a/web-2:p\ntcp 10.0.0.2:1 rr label=a/web:p\n",
         "a/web\n"
         "  TCP 10.0.0.2:1  p  rr  node address\n"
         "      no real servers\n"
         "\n"
         "a/web-2\n"
         "  TCP 10.0.0.1:1  p  rr  node address\n"
         "      no real servers\n"},
};

START_TEST(a_state_is_told_to_a_person)
{
	auto_text text = {0};
	struct state state = state_of(&arena, texts[_i].state);
	render_text(&state, &text);
	ck_assert_texts(texts[_i].what, texts[_i].text, text_string(&text));
}
END_TEST

START_TEST(each_change_is_one_line)
{
	struct state present = state_of(&arena, "tcp 10.96.0.1:443 wlc\n> 192.0.2.1:6443 w=0 x=7\n"
	                                        "> 192.0.2.2:6443\ntcp 10.96.0.9:80 rr p=9\n> 10.0.0.1:1\n"
	                                        "held 10.96.0.9\nport 10.96.0.9:80 tcp drop\n");
	struct state wanted =
	        state_of(&arena, "tcp 10.96.0.1:443 rr p=30\n> 192.0.2.1:6443\n> 192.0.2.3:6443\n"
	                         "udp [fd00::1]:53 rr p=100\nheld fd00::1\n"
	                         "port [fd00::1]:53 udp outsiders\n");
	struct removal_rules rules = {.all_ours = true};
	struct changes changes = {0};
	auto_text text = {0};
	diff_build(&present, &wanted, &rules, &changes);
	render_changes(&changes, &text);
	vector_done(&changes);
	ck_assert_texts("changes",
	                "+ filter [fd00::1]:53 UDP masquerade-outsiders\n"
	                "+ address fd00::1/128 on the dummy interface\n"
	                "+ -A -u [fd00::1]:53 -s rr -p 100\n"
	                "~ -E -t 10.96.0.1:443 -s rr -p 30 (was -s wlc)\n"
	                "+ -a -t 10.96.0.1:443 -r 192.0.2.3:6443 -m -w 1\n"
	                "~ -e -t 10.96.0.1:443 -r 192.0.2.1:6443 -m -w 1 (was -m -w 0 -x 7)\n"
	                "- -d -t 10.96.0.1:443 -r 192.0.2.2:6443\n"
	                "- -D -t 10.96.0.9:80\n"
	                "- address 10.96.0.9/32 on the dummy interface\n"
	                "- filter 10.96.0.9:80 TCP drop\n",
	                text_string(&text));
}
END_TEST

START_TEST(a_single_change_has_no_end_of_line)
{
	auto_text text = {0};
	struct change change = {.kind = CHANGE_ADDRESS_ADD, .address = address_of("10.96.0.1")};
	render_change(&change, &text);
	ck_assert_str_eq(text_string(&text), "+ address 10.96.0.1/32 on the dummy interface");
}
END_TEST

START_TEST(kinds_and_verdicts_have_names)
{
	for (unsigned kind = 0; kind <= FILTER_HEALTH_CHECK_PORT; kind++)
		ck_assert_str_ne(filter_kind_name((enum filter_kind)kind), "");
	ck_assert_str_eq(filter_kind_name((enum filter_kind)99), "");
	ck_assert_str_eq(filter_verdict_name(FILTER_NO_VERDICT), "");
	for (unsigned verdict = 1; verdict <= FILTER_REJECT; verdict++)
		ck_assert_str_ne(filter_verdict_name((enum filter_verdict)verdict), "");
	ck_assert_str_eq(filter_verdict_name((enum filter_verdict)99), "");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("plan/render");
	TCase *tests = tcase_create("texts");
	tcase_add_checked_fixture(tests, NULL, teardown);
	tcase_add_loop_test(tests, a_table_is_saved_as_ipvsadm_saves_it, 0, sizeof(saves) / sizeof(saves[0]));
	tcase_add_test(tests, many_real_servers_are_sorted_too);
	tcase_add_loop_test(tests, a_state_is_told_to_a_person, 0, sizeof(texts) / sizeof(texts[0]));
	tcase_add_test(tests, each_change_is_one_line);
	tcase_add_test(tests, a_single_change_has_no_end_of_line);
	tcase_add_test(tests, kinds_and_verdicts_have_names);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
