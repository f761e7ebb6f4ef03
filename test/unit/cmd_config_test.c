/*
 * The command line of the daemon: kube-proxy's flags and ours, bounds, what follows from several, warnings.
 */
#include "config_reading.h"

#include "base/memory.h"
#include "command.h"
#include "config_private.h"

#define add_rows(cases, test, table) \
	tcase_add_loop_test(cases, test, 0, (int)(sizeof(table) / sizeof(*(table))))

static void check_line(const char *flags, const char *wanted)
{
	struct reading reading;
	const char *arguments[20];
	auto_free char *line = memory_copy_text(flags);
	auto_text got = {0};
	reading_split(line, arguments);
	reading_open(&reading, arguments);
	reading_describe(&reading, &got);
	ck_assert_texts(flags, wanted, text_string(&got));
	reading_close(&reading);
}

struct row {
	const char *flags;
	const char *wanted;
};

/* --- R14.2: each flag and its field. C110 (TestOptionsComplete). */
static const struct row fields[] = {
        {"", ""},
        {"--kubeconfig=/kc", "clientConnection.kubeconfig=\"/kc\"\n"},
        {"--kube-api-qps=0.5", "clientConnection.qps=0.5\n"},
        {"--kube-api-qps=0 --kube-api-burst=0", ""},
        {"--kube-api-burst=100", "clientConnection.burst=100\n"},
        {"-v2", "logging.verbosity=2\n"},
        {"-v 4", "logging.verbosity=4\n"},
        {"--logging-format=json", "logging.format=\"json\"\n"},
        {"--hostname-override=Node-1", "hostnameOverride=\"Node-1\"\n"},
        {"--bind-address=192.0.2.1", "bindAddress=\"192.0.2.1\"\n"},
        {"--healthz-bind-address=192.0.2.1:1", "healthzBindAddress=\"192.0.2.1:1\"\n"},
        {"--metrics-bind-address=192.0.2.1:1", "metricsBindAddress=\"192.0.2.1:1\"\n"},
        {"--bind-address-hard-fail", "bindAddressHardFail=true\n"},
        {"--proxy-mode=ipvs --mode=ipvs", ""},
        {"--proxy-mode=", ""},
        {"--iptables-masquerade-bit=0", "iptables.masqueradeBit=0\n"},
        {"--masquerade-all", "iptables.masqueradeAll=true\n"},
        {"--ipvs-sync-period=1m --ipvs-min-sync-period=1500ms",
         "ipvs.syncPeriod=\"1m0s\"\nipvs.minSyncPeriod=\"1.5s\"\n"},
        {"--ipvs-scheduler=mh", "ipvs.scheduler=\"mh\"\n"},
        {"--ipvs-exclude-cidrs=10.0.0.0/8,fd00::/8", "ipvs.excludeCIDRs=[\"10.0.0.0/8\",\"fd00::/8\"]\n"},
        {"--ipvs-strict-arp=true", "ipvs.strictARP=true\n"},
        {"--ipvs-tcp-timeout=1h --ipvs-tcpfin-timeout=2m --ipvs-udp-timeout=500ms",
         "ipvs.tcpTimeout=\"1h0m0s\"\nipvs.tcpFinTimeout=\"2m0s\"\nipvs.udpTimeout=\"500ms\"\n"},
        {"--detect-local-mode=NodeCIDR", "detectLocalMode=\"NodeCIDR\"\n"},
        {"--detect-local-mode=ClusterCIDR", ""},
        {"--detect-local-mode=BridgeInterface --pod-bridge-interface=br0",
         "detectLocalMode=\"BridgeInterface\"\ndetectLocal.bridgeInterface=\"br0\"\n"},
        {"--detect-local-mode=InterfaceNamePrefix --pod-interface-name-prefix=cali",
         "detectLocalMode=\"InterfaceNamePrefix\"\ndetectLocal.interfaceNamePrefix=\"cali\"\n"},
        {"--cluster-cidr=10.244.0.0/16,fd00:10:244::/48", "clusterCIDR=\"10.244.0.0/16,fd00:10:244::/48\"\n"},
        /* an empty one is none. */
        {"--cluster-cidr=", ""},
        {"--nodeport-addresses=10.0.0.0/8", "nodePortAddresses=[\"10.0.0.0/8\"]\n"},
        {"--nodeport-addresses=primary", "nodePortAddresses=[\"primary\"]\n"},
        {"--config-sync-period=1h", "configSyncPeriod=\"1h0m0s\"\n"},
        {"--oom-score-adj=-1000", "oomScoreAdj=-1000\n"},
        {"--conntrack-max-per-core=0 --conntrack-min=0", "conntrack.maxPerCore=0\nconntrack.min=0\n"},
        {"--conntrack-tcp-timeout-established=2h45m --conntrack-tcp-timeout-close-wait=0",
         "conntrack.tcpEstablishedTimeout=\"2h45m0s\"\nconntrack.tcpCloseWaitTimeout=\"0s\"\n"},
        {"--conntrack-tcp-be-liberal --conntrack-udp-timeout=1s --conntrack-udp-timeout-stream=1m1s",
         "conntrack.tcpBeLiberal=true\nconntrack.udpTimeout=\"1s\"\nconntrack.udpStreamTimeout=\"1m1s\"\n"},
        /* R14.3 */
        {"--ipvs_strict_arp", "ipvs.strictARP=true\n"},
        {"--hostname_override=a-b", "hostnameOverride=\"a-b\"\n"},
};

START_TEST(each_flag_sets_its_field)
{
	check_line(fields[_i].flags, fields[_i].wanted);
}
END_TEST

/* --- R14.7 on the command line; C110 (TestValidate*). */
#define WHOLE " is not a whole number\n"
#define LISTEN \
	" is not an address with a port: write it as 0.0.0.0:10256 or [::]:10256; port 0 switches it off\n"
#define CIDR " is not a CIDR: write ADDRESS/BITS, as 10.0.0.0/8 or fd00::/8\n"

#define PORT_RANGE " is not a range of ports: write it as 30000-32767\n"

static const struct row refusals[] = {
        {"--iptables-masquerade-bit=32", "--iptables-masquerade-bit: 32 is not within 0 and 31\n"},
        {"--iptables-masquerade-bit=-10", "--iptables-masquerade-bit: -10 is not within 0 and 31\n"},
        {"--ipvs-tcp-timeout=-1s", "--ipvs-tcp-timeout: \"-1s\" is below zero; 0 or more is allowed\n"},
        {"--ipvs-tcpfin-timeout=-1s", "--ipvs-tcpfin-timeout: \"-1s\" is below zero; 0 or more is allowed\n"},
        {"--ipvs-udp-timeout=-1s", "--ipvs-udp-timeout: \"-1s\" is below zero; 0 or more is allowed\n"},
        {"--ipvs-exclude-cidrs=10.0.0.0", "--ipvs-exclude-cidrs: \"10.0.0.0\"" CIDR},
        {"--service-node-port-range=30000", "--service-node-port-range: \"30000\"" PORT_RANGE},
        {"--service-node-port-range=32767-30000", "--service-node-port-range: \"32767-30000\"" PORT_RANGE},
        {"--service-node-port-range=0-10", "--service-node-port-range: \"0-10\"" PORT_RANGE},
        {"--service-node-port-range=30000-65536", "--service-node-port-range: \"30000-65536\"" PORT_RANGE},
        {"--service-node-port-range=30000-32767x", "--service-node-port-range: \"30000-32767x\"" PORT_RANGE},
        {"--service-node-port-range=-30000--1", "--service-node-port-range: \"-30000--1\"" PORT_RANGE},
        {"--conntrack-max-per-core=-1", "--conntrack-max-per-core: -1 is too small: 0 is the least\n"},
        {"--conntrack-min=-1", "--conntrack-min: -1 is too small: 0 is the least\n"},
        {"--conntrack-tcp-timeout-established=-5s",
         "--conntrack-tcp-timeout-established: \"-5s\" is below zero; 0 or more is allowed\n"},
        {"--conntrack-udp-timeout=5",
         "--conntrack-udp-timeout: \"5\" is not a duration: write it as 30s, 500ms or 1h30m\n"},
        {"--oom-score-adj=-1001", "--oom-score-adj: -1001 is not within -1000 and 1000\n"},
        {"--oom-score-adj=1001", "--oom-score-adj: 1001 is not within -1000 and 1000\n"},
        {"--oom-score-adj=low", "--oom-score-adj: \"low\"" WHOLE},
        {"--kube-api-burst=-1", "--kube-api-burst: -1 is too small: 0 is the least\n"},
        {"--config-sync-period=0", "--config-sync-period: it must be 1s or longer; the usual is 15m\n"},
        {"--config-sync-period=999ms", "--config-sync-period: it must be 1s or longer; the usual is 15m\n"},
        {"--ipvs-sync-period=0s", "--ipvs-sync-period: it must be longer than 0s; the usual is 30s\n"},
        {"--ipvs-sync-period=-1s", "--ipvs-sync-period: \"-1s\" is below zero; 0 or more is allowed\n"},
        {"--ipvs-sync-period=1s --ipvs-min-sync-period=5s",
         "--ipvs-min-sync-period: it must not be longer than --ipvs-sync-period\n"},
        {"--ipvs-min-sync-period=31s",
         "--ipvs-min-sync-period: it must not be longer than --ipvs-sync-period\n"},
        {"--bind-address=10.10.12.11:2000", "--bind-address: \"10.10.12.11:2000\" is not an IP address\n"},
        {"--healthz-bind-address=0.0.0.0:65536", "--healthz-bind-address: \"0.0.0.0:65536\"" LISTEN},
        {"--healthz-bind-address=host:1", "--healthz-bind-address: \"host:1\"" LISTEN},
        {"--metrics-bind-address=127.0.0.1:x", "--metrics-bind-address: \"127.0.0.1:x\"" LISTEN},
        {"--healthz-port=65536",
         "--healthz-port: 65536 is not within 0 and 65535\n"
         "warning: --healthz-port: deprecated; give the port in --healthz-bind-address\n"},
        {"--nodeport-addresses=10.0.0.1", "--nodeport-addresses: \"10.0.0.1\"" CIDR},
        {"--nodeport-addresses=10.0.0.0/8,primary",
         "--nodeport-addresses: \"primary\" stands alone: give either it or CIDRs\n"},
        {"--detect-local-mode=Cluster",
         "--detect-local-mode: \"Cluster\" is none of what is possible: give ClusterCIDR, NodeCIDR, "
         "BridgeInterface or InterfaceNamePrefix\n"},
        {"--detect-local-mode=BridgeInterface",
         "--pod-bridge-interface: it is missing: BridgeInterface needs it to know local pods\n"},
        {"--detect-local-mode=BridgeInterface --pod-bridge-interface=a-bridge-of-pods",
         "--pod-bridge-interface: no interface is called \"a-bridge-of-pods\": give at most 15 characters, "
         "without blanks, quotes, slashes, backslashes and colons\n"},
        {"--detect-local-mode=InterfaceNamePrefix --pod-interface-name-prefix=a\"",
         "--pod-interface-name-prefix: no interface is called \"a\"\": give at most 15 characters, without "
         "blanks, quotes, slashes, backslashes and colons\n"},
        {"--detect-local-mode=InterfaceNamePrefix --pod-interface-name-prefix=",
         "--pod-interface-name-prefix: it is missing: InterfaceNamePrefix needs it to know local pods\n"},
        {"--cluster-cidr=10.0.0.0", "--cluster-cidr: \"10.0.0.0\"" CIDR},
        {"--cluster-cidr=10.0.0.0/8,10.1.0.0/16",
         "--cluster-cidr: both CIDRs are IPv4: give one, or one IPv4 and one IPv6 CIDR\n"},
        {"--cluster-cidr=10.0.0.0/8,fd00::/48,fd01::/48",
         "--cluster-cidr: 3 CIDRs are too many: give one, or one IPv4 and one IPv6 CIDR\n"},
        {"--detect-local-mode=NodeCIDR --cluster-cidr=10.0.0.0/8,10.1.0.0/16,10.2.0.0/16",
         "warning: --cluster-cidr: it says nothing where --detect-local-mode is NodeCIDR\n"
         "detectLocalMode=\"NodeCIDR\"\nclusterCIDR=\"10.0.0.0/8,10.1.0.0/16,10.2.0.0/16\"\n"},
        {"--logging-format=xml",
         "--logging-format: \"xml\" is none of what is possible: give text or json\n"},
        {"--hostname-override=__",
         "--hostname-override: the name is blank; give the node's name, or leave it out to use the host "
         "name\n"},
        {"--proxy-mode=iptables",
         "--proxy-mode: \"iptables\" is not what this program does: kube-ipvs makes Services work with IPVS "
         "and nothing else; give \"ipvs\", or run kube-proxy for its other modes\n"},
        {"--mode=nftables",
         "--mode: \"nftables\" is not what this program does: kube-ipvs makes Services work with IPVS and "
         "nothing else; give \"ipvs\", or run kube-proxy for its other modes\n"},
        {"--feature-gates=A=maybe",
         "--feature-gates: \"A=maybe\" is not a feature gate: write NAME=true or NAME=false\n"
         "warning: --feature-gates: accepted, but of no meaning here; they can be left out\n"},
        {"--max-object-size=1Ki", "--max-object-size: 1024 is not within 65536 and 1073741824\n"},
        {"--max-objects=0", "--max-objects: 0 is not within 1 and 100000000\n"},
        {"--no-such-flag", "--no-such-flag: there is no such flag; --help lists all of them\n"},
        {"--v=1 somewhere", "somewhere: this command takes flags only; --help lists them\n"},
        /* All that is wrong is told. */
        {"--oom-score-adj=1001 --ipvs-sync-period=0 --conntrack-min=x --cluster-cidr=10/8",
         "--oom-score-adj: 1001 is not within -1000 and 1000\n"
         "--conntrack-min: \"x\"" WHOLE "--cluster-cidr: \"10/8\"" CIDR
         "--ipvs-sync-period: it must be longer than 0s; the usual is 30s\n"},
};

START_TEST(each_wrong_value_is_refused_in_one_sentence)
{
	check_line(refusals[_i].flags, refusals[_i].wanted);
}
END_TEST

/* --- R14.5, Q-28, Q-43; C110 (TestAddressFromDeprecatedFlags). */
#define PORT_WARNING(name) "warning: --" name "-port: deprecated; give the port in --" name "-bind-address\n"

static const struct {
	const char *flags;
	const char *healthz, *metrics;
} addresses[] = {
        {"", "0.0.0.0:10256", "127.0.0.1:10249"},
        {"--bind-address=192.0.2.1", "0.0.0.0:10256", "127.0.0.1:10249"},
        {"--bind-address=::", "[::]:10256", "[::1]:10249"},
        {"--bind-address=fd00::1", "[::]:10256", "[::1]:10249"},
        {"--bind-address=fd00::1 --healthz-bind-address=0.0.0.0:1", "0.0.0.0:1", "[::1]:10249"},
        {"--bind-address=fd00::1 --healthz-port=1 --metrics-port=2", "[::]:1", "[::1]:2"},
        {"--healthz-port=12345 --metrics-port=12346", "0.0.0.0:12345", "127.0.0.1:12346"},
        {"--healthz-bind-address=1.2.3.4 --metrics-bind-address=fd00:1::5", "1.2.3.4:10256",
         "[fd00:1::5]:10249"},
        {"--healthz-bind-address=1.2.3.4 --healthz-port=12345", "1.2.3.4:12345", "127.0.0.1:10249"},
        {"--healthz-bind-address=1.2.3.4:12345 --healthz-port=23456", "1.2.3.4:12345", "127.0.0.1:10249"},
        {"--metrics-bind-address=fd00:1::5 --metrics-port=12345", "0.0.0.0:10256", "[fd00:1::5]:12345"},
        {"--metrics-bind-address=[fd00:1::5]:12345 --metrics-port=56789", "0.0.0.0:10256",
         "[fd00:1::5]:12345"},
        {"--healthz-bind-address=1.2.3.4:12345 --healthz-port=0", "", "127.0.0.1:10249"},
        {"--metrics-port=0", "0.0.0.0:10256", ""},
        {"--healthz-bind-address= --metrics-bind-address=", "", ""},
        {"--healthz-bind-address=0.0.0.0:0 --metrics-bind-address=[::1]:0", "", ""},
};

START_TEST(addresses_of_health_and_metrics_follow_from_several_flags)
{
	struct reading reading;
	const char *arguments[20];
	auto_free char *line = memory_copy_text(addresses[_i].flags);
	reading_split(line, arguments);
	reading_open(&reading, arguments);
	ck_assert_texts(addresses[_i].flags, "", text_string(&reading.refusals));
	ck_assert_str_eq(reading.config.healthz_bind_address, addresses[_i].healthz);
	ck_assert_str_eq(reading.config.metrics_bind_address, addresses[_i].metrics);
	reading_close(&reading);
}
END_TEST

/* --- flags that mean nothing here, or are deprecated */
static const struct row warnings[] = {
        {"--iptables-sync-period=30s --iptables-min-sync-period=1s --iptables-localhost-nodeports=false",
         "warning: --iptables-sync-period, --iptables-min-sync-period, --iptables-localhost-nodeports: "
         "accepted, but of no meaning here; they can be left out\n"
         "iptables.localhostNodePorts=false\niptables.syncPeriod=\"30s\"\niptables.minSyncPeriod=\"1s\"\n"},
        {"--feature-gates=B=true,A=false --feature-gates=B=false",
         "warning: --feature-gates: accepted, but of no meaning here; they can be left out\n"
         "featureGates={\"A\":false,\"B\":false}\n"},
        {"--boot-id-file=/a --machine-id-file=/b,/c --profiling",
         "warning: --boot-id-file, --machine-id-file, --profiling: accepted, but of no meaning here; they "
         "can "
         "be left out\nenableProfiling=true\n"},
        {"--vmodule=a*=2,b=3",
         "warning: --vmodule: accepted, but of no meaning here; they can be left out\n"
         "logging.vmodule=[{\"filePattern\":\"a*\",\"verbosity\":2},{\"filePattern\":\"b\",\"verbosity\":3}]"
         "\n"},
        {"--log-flush-frequency=1s --log-text-split-stream --log-text-info-buffer-size=64Ki",
         "warning: --log-flush-frequency, --log-text-split-stream, --log-text-info-buffer-size: accepted, "
         "but "
         "of no meaning here; they can be left out\n"
         "logging.flushFrequency=\"1s\"\nlogging.options.text.splitStream=true\n"
         "logging.options.text.infoBufferSize=\"64Ki\"\n"},
        {"--log-json-split-stream --log-json-info-buffer-size=1M --kube-api-content-type=application/json",
         "warning: --log-json-split-stream, --log-json-info-buffer-size, --kube-api-content-type: accepted, "
         "but of no meaning here; they can be left out\n"
         "clientConnection.contentType=\"application/json\"\n"
         "logging.options.json.splitStream=true\nlogging.options.json.infoBufferSize=\"1M\"\n"},
        {"--show-hidden-metrics-for-version=1.35", "warning: --show-hidden-metrics-for-version: accepted, "
                                                   "but of no meaning here; they can be left out\n"
                                                   "showHiddenMetricsForVersion=\"1.35\"\n"},
        {"--healthz-port=1", PORT_WARNING("healthz") "healthzBindAddress=\"0.0.0.0:1\"\n"},
        {"--metrics-port=1", PORT_WARNING("metrics") "metricsBindAddress=\"127.0.0.1:1\"\n"},
};

START_TEST(flags_without_meaning_are_accepted_with_one_warning)
{
	check_line(warnings[_i].flags, warnings[_i].wanted);
}
END_TEST

/* --- values that no field of the file has, and those that follow */

START_TEST(our_own_flags_have_generous_defaults)
{
	struct reading reading;
	reading_open(&reading, NULL);
	ck_assert_str_eq(reading.config.manifests, "");
	ck_assert_str_eq(reading.config.run_directory, "/run/kube-ipvs");
	ck_assert_uint_eq(reading.config.max_object_bytes, 8 << 20);
	ck_assert_uint_eq(reading.config.max_objects, 200000);
	ck_assert_uint_eq(reading.config.max_endpoints_per_service, 100000);
	reading_close(&reading);
}
END_TEST

START_TEST(a_scheduler_a_mode_and_times_are_there_without_any_flag)
{
	struct reading reading;
	reading_open(&reading, NULL);
	ck_assert_str_eq(reading.config.scheduler, "rr");
	ck_assert_str_eq(reading.config.mode, "ipvs");
	ck_assert_str_eq(reading.config.detect_local_mode, "");
	ck_assert_int_eq(reading.config.local_mode, DETECT_CLUSTER_CIDR);
	ck_assert_int_eq(reading.config.sync_period_ms, 30000);
	ck_assert_int_eq(reading.config.min_sync_period_ms, 0); /* */
	ck_assert_int_eq(reading.config.conntrack_tcp_established_ms, 24 * 3600 * 1000);
	ck_assert_int_eq(reading.config.conntrack_tcp_close_wait_ms, 3600 * 1000);
	ck_assert_int_eq(reading.config.oom_score_adj, -999);
	ck_assert_int_eq(reading.config.masquerade_bit, 14);
	ck_assert_str_eq(reading.config.logging_format, "text");
	ck_assert_str_eq(reading.config.feature_gates, "");
	reading_close(&reading);
}
END_TEST

START_TEST(what_is_given_is_in_the_struct)
{
	static const char *const arguments[] = {"--manifests=/m",
	                                        "--run-dir=/r",
	                                        "--max-object-size=64Ki",
	                                        "--max-objects=1",
	                                        "--max-endpoints-per-service=2",
	                                        "--master=https://192.0.2.1",
	                                        "--cleanup",
	                                        "--init-only",
	                                        "--write-config-to=/w",
	                                        "--ipvs-scheduler=mh",
	                                        "--feature-gates=B=true,A=false",
	                                        "--detect-local-mode=InterfaceNamePrefix",
	                                        "--pod-interface-name-prefix=veth",
	                                        NULL};
	struct reading reading;
	reading_open(&reading, arguments);
	const struct config *config = &reading.config;
	ck_assert_int_eq(reading.result, 0);
	ck_assert_str_eq(config->manifests, "/m");
	ck_assert_str_eq(config->run_directory, "/r");
	ck_assert_uint_eq(config->max_object_bytes, 65536);
	ck_assert_uint_eq(config->max_objects, 1);
	ck_assert_uint_eq(config->max_endpoints_per_service, 2);
	ck_assert_str_eq(config->master, "https://192.0.2.1");
	ck_assert(config->cleanup && config->init_only);
	ck_assert_str_eq(config->write_config_to, "/w");
	ck_assert_str_eq(config->scheduler, "mh");
	ck_assert_str_eq(config->feature_gates, "A=false,B=true");
	ck_assert_int_eq(config->local_mode, DETECT_INTERFACE_NAME_PREFIX);
	reading_close(&reading);
}
END_TEST

START_TEST(help_and_version_are_asked_for_whatever_else_is_missing)
{
	static const char *const lines[][3] = {{"--help", "--ipvs-sync-period=0", NULL},
	                                       {"-h", NULL},
	                                       {"--version", "--detect-local-mode=BridgeInterface", NULL},
	                                       {"--version=raw", NULL},
	                                       {"--help", "--config=/nowhere", NULL}};
	struct reading reading;
	reading_open(&reading, lines[_i]);
	ck_assert_texts(lines[_i][0], "", text_string(&reading.refusals));
	ck_assert(reading.config.help || reading.config.version);
	reading_close(&reading);
}
END_TEST

static const struct {
	const char *text;
	const char *address; /* NULL: refused */
	unsigned port;
} splits[] = {
        {"0.0.0.0:10256", "0.0.0.0", 10256},
        {"[::1]:1", "::1", 1},
        {"[::]:0", "::", 0},
        {"::1:80", NULL, 0},
        {"127.0.0.1", NULL, 0},
        {"", NULL, 0},
        {":1", NULL, 0},
};

START_TEST(an_address_is_split_from_its_port)
{
	struct address address;
	uint16_t port = 0;
	char text[ADDRESS_TEXT_SIZE];
	bool good = config_split_address(splits[_i].text, &address, &port);
	ck_assert_int_eq(good, splits[_i].address != NULL);
	if (!good)
		return;
	address_format(&address, text);
	ck_assert_str_eq(text, splits[_i].address);
	ck_assert_uint_eq(port, splits[_i].port);
}
END_TEST

START_TEST(the_same_words_can_be_read_again)
{
	static const char *const arguments[] = {"--ipvs_scheduler=a_b", "--ipvs-exclude-cidrs", "10.0.0.0/8",
	                                        NULL};
	struct reading reading;
	struct config again;
	reading_open(&reading, arguments);
	ck_assert_int_eq(config_read(4, reading.words, &again, reading_add_refusal, &reading.refusals), 0);
	ck_assert_str_eq(again.scheduler, "a_b");
	ck_assert_uint_eq(again.excluded.count, 1);
	config_done(&again);
	config_done(&again);
	reading_close(&reading);
}
END_TEST

/* --- the table itself */

/* kube-proxy's own, R14.2. */
static const char kube_proxy_flags[] =
        "bind-address bind-address-hard-fail boot-id-file cleanup cluster-cidr config config-sync-period "
        "conntrack-max-per-core conntrack-min conntrack-tcp-be-liberal conntrack-tcp-timeout-close-wait "
        "conntrack-tcp-timeout-established conntrack-udp-timeout conntrack-udp-timeout-stream "
        "detect-local-mode feature-gates healthz-bind-address healthz-port help hostname-override init-only "
        "iptables-localhost-nodeports iptables-masquerade-bit iptables-min-sync-period iptables-sync-period "
        "ipvs-exclude-cidrs ipvs-min-sync-period ipvs-scheduler ipvs-strict-arp ipvs-sync-period "
        "ipvs-tcp-timeout ipvs-tcpfin-timeout ipvs-udp-timeout kube-api-burst kube-api-content-type "
        "kube-api-qps kubeconfig log-flush-frequency log-json-info-buffer-size log-json-split-stream "
        "log-text-info-buffer-size log-text-split-stream logging-format machine-id-file masquerade-all "
        "master "
        "metrics-bind-address metrics-port nodeport-addresses oom-score-adj pod-bridge-interface "
        "pod-interface-name-prefix profiling proxy-mode show-hidden-metrics-for-version v version vmodule "
        "write-config-to ";
static const char our_flags[] = "allow-external-ips drain-on-delete drain-timeout ipvs-check-timeouts "
                                "ipvs-estimation ipvs-sloppy-sctp "
                                "ipvs-vip-binding manifests max-endpoints-per-service max-object-size "
                                "max-objects mode run-dir service-node-port-range takeover vip-ping ";

static int compare_words(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void list_rows(bool ours, struct text *ret_list)
{
	const char *names[CONFIG_ROWS_MOST];
	size_t count = 0;
	for (const struct config_row *row = config_rows; row->option.name; row++)
		if (*row->option.name && !(row->marks & CONFIG_OURS) == !ours)
			names[count++] = row->option.name;
	qsort(names, count, sizeof(*names), compare_words);
	for (size_t i = 0; i < count; i++)
		text_addf(ret_list, "%s ", names[i]);
}

START_TEST(the_flags_are_exactly_those_of_kube_proxy_and_ours)
{
	auto_text theirs = {0}, own = {0};
	list_rows(false, &theirs);
	list_rows(true, &own);
	ck_assert_texts("kube-proxy's", kube_proxy_flags, text_string(&theirs));
	ck_assert_texts("ours", our_flags, text_string(&own));
}
END_TEST

START_TEST(help_lists_exactly_these_flags)
{
	char *page = NULL, *rest;
	size_t size = 0, flags = 0, wanted = 0;
	FILE *file = open_memstream(&page, &size);
	options_print_help(&proxy_line, file);
	fclose(file);
	for (const char *lists[] = {kube_proxy_flags, our_flags, NULL}, **list = lists; *list; list++) {
		auto_free char *copy = memory_copy_text(*list);
		for (char *name = strtok_r(copy, " ", &rest); name; name = strtok_r(NULL, " ", &rest)) {
			char alone[96], valued[96];
			snprintf(alone, sizeof(alone), " --%s\n", name);
			snprintf(valued, sizeof(valued), " --%s ", name);
			ck_assert_msg(strstr(page, alone) || strstr(page, valued), "--%s is not in --help",
			              name);
			wanted++;
		}
	}
	for (char *line = strtok_r(page, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		flags +=
		        strncmp(line, "      --", 8) == 0 || (strncmp(line, "  -", 3) == 0 && line[4] == ',');
	ck_assert_uint_eq(flags, wanted);
	free(page);
}
END_TEST

START_TEST(every_row_is_whole)
{
	size_t count = 0;
	for (const struct config_row *row = config_rows; row->option.name; row++, count++) {
		const char *name = *row->option.name ? row->option.name : row->path;
		ck_assert_msg(*row->option.name || row->path, "row %zu has no name", count);
		ck_assert_msg(!*row->option.name || *row->option.help, "%s", name);
		ck_assert_msg(row->least <= row->most, "%s", name);
		/* What has an effect tells its default; a switch is off by default. */
		if (row->standard && *row->standard && *row->option.name && !(row->marks & CONFIG_INERT)) {
			const char *told = strstr(row->option.help, "default ");
			const char *value = row->standard;
			ck_assert_msg(told && strncmp(told + 8, value, strlen(value)) == 0,
			              "--%s does not tell its default %s", name, value);
		}
	}
	ck_assert_uint_lt(count, CONFIG_ROWS_MOST);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cmd config: flags");
	TCase *cases = tcase_create("flags");
	tcase_set_timeout(cases, 60);
	add_rows(cases, each_flag_sets_its_field, fields);
	add_rows(cases, each_wrong_value_is_refused_in_one_sentence, refusals);
	add_rows(cases, addresses_of_health_and_metrics_follow_from_several_flags, addresses);
	add_rows(cases, flags_without_meaning_are_accepted_with_one_warning, warnings);
	tcase_add_test(cases, our_own_flags_have_generous_defaults);
	tcase_add_test(cases, a_scheduler_a_mode_and_times_are_there_without_any_flag);
	tcase_add_test(cases, what_is_given_is_in_the_struct);
	tcase_add_loop_test(cases, help_and_version_are_asked_for_whatever_else_is_missing, 0, 5);
	add_rows(cases, an_address_is_split_from_its_port, splits);
	tcase_add_test(cases, the_same_words_can_be_read_again);
	tcase_add_test(cases, the_flags_are_exactly_those_of_kube_proxy_and_ours);
	tcase_add_test(cases, help_lists_exactly_these_flags);
	tcase_add_test(cases, every_row_is_whole);
	suite_add_tcase(suite, cases);
	return run_suite(suite);
}
