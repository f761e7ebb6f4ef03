/*
 * The configuration file: KubeProxyConfiguration v1alpha1 as YAML and JSON, what is beside it, what is refused; and the
 * same object written again.
 */
#include "config_reading.h"
#include "test_directory.h"

#include "base/memory.h"
#include "config_private.h"

#include <pthread.h>
#include <time.h>

#define add_rows(cases, test, table) \
	tcase_add_loop_test(cases, test, 0, (int)(sizeof(table) / sizeof(*(table))))

#define HEAD "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n"

static char folder[TEST_DIRECTORY_SIZE];
static char file_path[64];

static void make_folder(void)
{
	test_directory_make(folder);
	snprintf(file_path, sizeof(file_path), "%s/f", folder);
}

static void remove_folder(void)
{
	test_directory_remove(folder);
}

static void write_file(const char *content)
{
	ck_assert_int_eq(text_write_file(file_path, content, strlen(content)), 0);
}

/* The file's path, which differs each time, is told as F. */
static void shorten(struct text *text)
{
	auto_text shorter = {0};
	const char *rest = text_string(text), *found;
	for (; (found = strstr(rest, file_path)); rest = found + strlen(file_path)) {
		text_add_bytes(&shorter, rest, (size_t)(found - rest));
		text_add_char(&shorter, 'F');
	}
	text_add(&shorter, rest);
	text_clear(text);
	text_add(text, text_string(&shorter));
}

static void open_with_file(struct reading *reading, const char *content, const char *flags)
{
	char config[96];
	const char *arguments[20] = {config};
	auto_free char *line = memory_copy_text(flags);
	write_file(content);
	snprintf(config, sizeof(config), "--config=%s", file_path);
	reading_split(line, arguments + 1);
	reading_open(reading, arguments);
}

static void check_file(const char *content, const char *flags, const char *wanted)
{
	struct reading reading;
	auto_text got = {0};
	open_with_file(&reading, content, flags);
	reading_describe(&reading, &got);
	shorten(&got);
	ck_assert_texts(content, wanted, text_string(&got));
	reading_close(&reading);
}

struct row {
	const char *content;
	const char *wanted;
};

/* --- C110 (TestLoadConfig) */

static const struct row fields[] = {
        {HEAD, ""},
        {HEAD "clientConnection:\n  kubeconfig: /kc\n  qps: 0.5\n  burst: 100\n",
         "clientConnection.kubeconfig=\"/kc\"\nclientConnection.qps=0.5\nclientConnection.burst=100\n"},
        {HEAD "logging:\n  format: json\n  verbosity: 2\n", "logging.format=\"json\"\nlogging.verbosity=2\n"},
        {HEAD "hostnameOverride: n1\nbindAddress: 192.0.2.1\nbindAddressHardFail: true\n",
         "hostnameOverride=\"n1\"\nbindAddress=\"192.0.2.1\"\nbindAddressHardFail=true\n"},
        {HEAD "healthzBindAddress: 1.2.3.4:12345\nmetricsBindAddress: fd00:1::5\n",
         "healthzBindAddress=\"1.2.3.4:12345\"\nmetricsBindAddress=\"[fd00:1::5]:10249\"\n"},
        /* R14.5 */
        {HEAD "bindAddress: \"::\"\n",
         "bindAddress=\"::\"\nhealthzBindAddress=\"[::]:10256\"\nmetricsBindAddress=\"[::1]:10249\"\n"},
        {HEAD "bindAddress: 9.8.7.6\nhealthzBindAddress: '[fd00:1::5]:12345'\n",
         "bindAddress=\"9.8.7.6\"\nhealthzBindAddress=\"[fd00:1::5]:12345\"\n"},
        /* An empty address is the default in a file; port 0 switches it off. */
        {HEAD "healthzBindAddress: ''\nmetricsBindAddress: 127.0.0.1:0\n",
         "metricsBindAddress=\"0.0.0.0:0\"\n"},
        {HEAD "mode: ipvs\niptables:\n  masqueradeBit: 17\n  masqueradeAll: true\n",
         "iptables.masqueradeBit=17\niptables.masqueradeAll=true\n"},
        {HEAD "ipvs:\n  syncPeriod: 60s\n  minSyncPeriod: 10s\n  excludeCIDRs:\n  - 10.20.30.40/16\n"
              "  - fd00:1::0/64\n  scheduler: lc\n  strictARP: true\n  tcpTimeout: 1h\n  tcpFinTimeout: 1m\n"
              "  udpTimeout: 1s\n",
         "ipvs.syncPeriod=\"1m0s\"\nipvs.minSyncPeriod=\"10s\"\nipvs.scheduler=\"lc\"\n"
         "ipvs.excludeCIDRs=[\"10.20.0.0/16\",\"fd00:1::/64\"]\nipvs.strictARP=true\n"
         "ipvs.tcpTimeout=\"1h0m0s\"\nipvs.tcpFinTimeout=\"1m0s\"\nipvs.udpTimeout=\"1s\"\n"},
        {HEAD "detectLocalMode: BridgeInterface\ndetectLocal:\n  bridgeInterface: cbr0\n"
              "  interfaceNamePrefix: veth\n",
         "detectLocalMode=\"BridgeInterface\"\ndetectLocal.bridgeInterface=\"cbr0\"\n"
         "detectLocal.interfaceNamePrefix=\"veth\"\n"},
        {HEAD "clusterCIDR: 1.2.3.0/24,fd00:1::0/64\nnodePortAddresses: [10.20.30.40/16, 'fd00:1::0/64']\n",
         "clusterCIDR=\"1.2.3.0/24,fd00:1::/64\"\nnodePortAddresses=[\"10.20.0.0/16\",\"fd00:1::/64\"]\n"},
        {HEAD "nodePortAddresses: [primary]\n", "nodePortAddresses=[\"primary\"]\n"},
        {HEAD "oomScoreAdj: 17\nconntrack:\n  maxPerCore: 2\n  min: 1\n  tcpCloseWaitTimeout: 10s\n"
              "  tcpEstablishedTimeout: 20s\n  tcpBeLiberal: true\n  udpTimeout: 30s\n"
              "  udpStreamTimeout: 40s\n",
         "oomScoreAdj=17\nconntrack.maxPerCore=2\nconntrack.min=1\n"
         "conntrack.tcpEstablishedTimeout=\"20s\"\nconntrack.tcpCloseWaitTimeout=\"10s\"\n"
         "conntrack.tcpBeLiberal=true\nconntrack.udpTimeout=\"30s\"\nconntrack.udpStreamTimeout=\"40s\"\n"},
        /* null is the default, 0 is 0. */
        {HEAD "conntrack: {maxPerCore: null, min: 0, tcpEstablishedTimeout: null, tcpCloseWaitTimeout: 0s}\n",
         "conntrack.min=0\nconntrack.tcpCloseWaitTimeout=\"0s\"\n"},
        {HEAD "conntrack: null\nipvs:\nnodePortAddresses: []\nfeatureGates: {}\n", ""},
        {"{\"kind\": \"KubeProxyConfiguration\",\n\t\"apiVersion\": "
         "\"kubeproxy.config.k8s.io/v1alpha1\",\n\t\"mode\": \"ipvs\", \"ipvs\": {\"scheduler\": "
         "\"m\\u0068\"}}",
         "ipvs.scheduler=\"mh\"\n"},
};

START_TEST(each_field_of_the_file_is_read)
{
	check_file(fields[_i].content, "", fields[_i].wanted);
}
END_TEST

/* What an installer writes, with every field that it leaves to the defaults. */
static const char installed[] = "apiVersion: kubeproxy.config.k8s.io/v1alpha1\n"
                                "bindAddress: 0.0.0.0\n"
                                "bindAddressHardFail: false\n"
                                "clientConnection:\n"
                                "  acceptContentTypes: \"\"\n"
                                "  burst: 0\n"
                                "  contentType: \"\"\n"
                                "  kubeconfig: /var/lib/kube-proxy/kubeconfig.conf\n"
                                "  qps: 0\n"
                                "clusterCIDR: 10.244.0.0/16\n"
                                "configSyncPeriod: 0s\n"
                                "conntrack:\n"
                                "  maxPerCore: null\n"
                                "  min: null\n"
                                "  tcpBeLiberal: false\n"
                                "  tcpCloseWaitTimeout: null\n"
                                "  tcpEstablishedTimeout: null\n"
                                "  udpStreamTimeout: 0s\n"
                                "  udpTimeout: 0s\n"
                                "detectLocal:\n"
                                "  bridgeInterface: \"\"\n"
                                "  interfaceNamePrefix: \"\"\n"
                                "detectLocalMode: \"\"\n"
                                "enableProfiling: false\n"
                                "healthzBindAddress: \"\"\n"
                                "hostnameOverride: \"\"\n"
                                "iptables:\n"
                                "  localhostNodePorts: null\n"
                                "  masqueradeAll: false\n"
                                "  masqueradeBit: null\n"
                                "  minSyncPeriod: 0s\n"
                                "  syncPeriod: 0s\n"
                                "ipvs:\n"
                                "  excludeCIDRs: null\n"
                                "  minSyncPeriod: 0s\n"
                                "  scheduler: \"\"\n"
                                "  strictARP: false\n"
                                "  syncPeriod: 0s\n"
                                "  tcpFinTimeout: 0s\n"
                                "  tcpTimeout: 0s\n"
                                "  udpTimeout: 0s\n"
                                "kind: KubeProxyConfiguration\n"
                                "logging:\n"
                                "  flushFrequency: 0\n"
                                "  options:\n"
                                "    json:\n"
                                "      infoBufferSize: \"0\"\n"
                                "    text:\n"
                                "      infoBufferSize: \"0\"\n"
                                "  verbosity: 0\n"
                                "metricsBindAddress: \"\"\n"
                                "mode: ipvs\n"
                                "nftables:\n"
                                "  masqueradeAll: false\n"
                                "  masqueradeBit: null\n"
                                "  minSyncPeriod: 0s\n"
                                "  syncPeriod: 0s\n"
                                "nodePortAddresses: null\n"
                                "oomScoreAdj: null\n"
                                "portRange: \"\"\n"
                                "showHiddenMetricsForVersion: \"\"\n"
                                "winkernel:\n"
                                "  enableDSR: false\n"
                                "  forwardHealthCheckVip: false\n"
                                "  networkName: \"\"\n"
                                "  rootHnsEndpointName: \"\"\n"
                                "  sourceVip: \"\"\n";

START_TEST(the_file_that_an_installer_writes_means_the_defaults_and_is_not_worth_a_warning)
{
	check_file(installed, "",
	           "clientConnection.kubeconfig=\"/var/lib/kube-proxy/kubeconfig.conf\"\n"
	           "clusterCIDR=\"10.244.0.0/16\"\n");
}
END_TEST

/* --- warnings (R14.2, R14.6) */

static const struct row warnings[] = {
        {HEAD "ipvs:\n  schedular: mh\n", "warning: F:4: ipvs.schedular: there is no such field, so it "
                                          "counts for nothing; perhaps it should be "
                                          "ipvs.scheduler\n"},
        {HEAD "strictARP: true\n",
         "warning: F:3: strictARP: there is no such field, so it counts for nothing; perhaps it should be "
         "ipvs.strictARP\n"},
        {HEAD "whatever:\n  deep: [1]\n",
         "warning: F:3: whatever: there is no such field, so it counts for nothing\n"},
        {HEAD "ipvs:\n  scheduler: mh\n  strictARP: true\n  scheduler: lc\n",
         "warning: F:6: ipvs.scheduler: this field stands here for the second time; the last one counts\n"
         "ipvs.scheduler=\"lc\"\nipvs.strictARP=true\n"},
        {HEAD "portRange: 1-2\nwindowsRunAsService: true\nnftables: {syncPeriod: 1s, masqueradeBit: 14}\n"
              "winkernel: {enableDSR: true, sourceVip: \"\"}\nfeatureGates: {A: true, B: false}\n",
         "warning: F: accepted, but of no meaning here: portRange, windowsRunAsService, nftables.syncPeriod, "
         "winkernel.enableDSR, featureGates\n"
         "featureGates={\"A\":true,\"B\":false}\nnftables.syncPeriod=\"1s\"\nwinkernel.enableDSR=true\n"
         "portRange=\"1-2\"\nwindowsRunAsService=true\n"},
        {HEAD "logging:\n  flushFrequency: 1000000000\n  vmodule: [{filePattern: a, verbosity: 2}]\n"
              "  options: {text: {splitStream: true, infoBufferSize: 64Ki}, json: {infoBufferSize: 4096}}\n",
         "warning: F: accepted, but of no meaning here: logging.flushFrequency, logging.vmodule, "
         "logging.options.text.splitStream, logging.options.text.infoBufferSize, "
         "logging.options.json.infoBufferSize\n"
         "logging.flushFrequency=\"1s\"\nlogging.vmodule=[{\"filePattern\":\"a\",\"verbosity\":2}]\n"
         "logging.options.text.splitStream=true\nlogging.options.text.infoBufferSize=\"64Ki\"\n"
         "logging.options.json.infoBufferSize=\"4096\"\n"},
};

START_TEST(fields_that_are_unknown_doubled_or_without_meaning_are_tolerated_with_a_warning)
{
	check_file(warnings[_i].content, "", warnings[_i].wanted);
}
END_TEST

/* --- what is refused; C110 (TestLoadConfigFailures, TestValidate*) */

#define NOT_TEXT   " a text in quotes belongs here\n"
#define NOT_BOOL   " true or false, without quotes, belongs here\n"
#define NOT_NUMBER " a whole number without quotes belongs here\n"
#define NOT_LIST   " a list of texts, as [10.0.0.0/8], belongs here\n"

static const struct row refusals[] = {
        {"kind: KubeProxyConfiguration\n",
         "F:1: apiVersion: this field is missing; it has to be kubeproxy.config.k8s.io/v1alpha1\n"},
        {"apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeSchedulerConfiguration\n",
         "F:2: kind: \"KubeSchedulerConfiguration\" is not what is read here; it has to be "
         "KubeProxyConfiguration\n"},
        {"", "F:1: apiVersion: this field is missing; it has to be kubeproxy.config.k8s.io/v1alpha1\n"
             "F:1: kind: this field is missing; it has to be KubeProxyConfiguration\n"},
        {"apiVersion: 7\nkind: KubeProxyConfiguration\n",
         "F:1: apiVersion: \"(no text)\" is not what is read here; it has to be "
         "kubeproxy.config.k8s.io/v1alpha1\n"},
        {"bindAddress: ::bad\nkind: [\n",
         "F:3: not valid YAML: did not find expected node content while parsing a flow node\n"},
        {"- a\n", "F:1: this is a list, but fields belong here, as in \"kind: Config\"\n"},
        {HEAD "hostnameOverride: 123\n", "F:3: hostnameOverride:" NOT_TEXT},
        {HEAD "bindAddressHardFail: \"true\"\n", "F:3: bindAddressHardFail:" NOT_BOOL},
        {HEAD "oomScoreAdj: \"-999\"\n", "F:3: oomScoreAdj:" NOT_NUMBER},
        {HEAD "oomScoreAdj: 1001\n", "F:3: oomScoreAdj: 1001 is not within -1000 and 1000\n"},
        {HEAD "oomScoreAdj: 99999999999\n", "F:3: oomScoreAdj: \"99999999999\" is not a whole number\n"},
        {HEAD "clientConnection:\n  qps: fast\n",
         "F:4: clientConnection.qps: a number without quotes belongs here\n"},
        {HEAD "clientConnection:\n  burst: -1\n",
         "F:4: clientConnection.burst: -1 is too small: 0 is the least\n"},
        {HEAD "clientConnection: /kc\n", "F:3: clientConnection: fields belong below this one\n"},
        {HEAD "ipvs:\n  syncPeriod: 30\n",
         "F:4: ipvs.syncPeriod: a duration with its unit, as 30s, belongs here\n"},
        {HEAD "ipvs:\n  syncPeriod: 30x\n",
         "F:4: ipvs.syncPeriod: \"30x\" is not a duration: write it as 30s, 500ms or 1h30m\n"},
        {HEAD "ipvs:\n  tcpTimeout: -1s\n",
         "F:4: ipvs.tcpTimeout: \"-1s\" is below zero; 0 or more is allowed\n"},
        {HEAD "ipvs:\n  syncPeriod: 1s\n  minSyncPeriod: 5s\n",
         "F:5: ipvs.minSyncPeriod: it must not be longer than ipvs.syncPeriod\n"},
        {HEAD "ipvs:\n  minSyncPeriod: 1m\n",
         "F:4: ipvs.minSyncPeriod: it must not be longer than ipvs.syncPeriod\n"},
        {HEAD "ipvs:\n  excludeCIDRs: 10.0.0.0/8\n", "F:4: ipvs.excludeCIDRs:" NOT_LIST},
        {HEAD "ipvs:\n  excludeCIDRs:\n  - 10.0.0.0/8\n  - 10.0.0.0\n",
         "F:6: ipvs.excludeCIDRs[1]: \"10.0.0.0\" is not a CIDR: write ADDRESS/BITS, as 10.0.0.0/8 or "
         "fd00::/8\n"},
        {HEAD "ipvs:\n  excludeCIDRs: [7, \"\", \"10.0.0.0/8,10.0.0.0/8\"]\n",
         "F:4: ipvs.excludeCIDRs[0]:" NOT_LIST "F:4: ipvs.excludeCIDRs[1]:" NOT_LIST
         "F:4: ipvs.excludeCIDRs[2]:" NOT_LIST},
        {HEAD "nodePortAddresses: [primary, 10.0.0.0/8]\n",
         "F:3: nodePortAddresses[1]: \"primary\" stands alone: give either it or CIDRs\n"},
        {HEAD "clusterCIDR: [10.0.0.0/8]\n", "F:3: clusterCIDR:" NOT_TEXT},
        {HEAD "clusterCIDR: 10.0.0.0/8,10.1.0.0/16\n",
         "F:3: clusterCIDR: both CIDRs are IPv4: give one, or one IPv4 and one IPv6 CIDR\n"},
        {HEAD "detectLocalMode: BridgeInterface\n",
         "F:1: detectLocal.bridgeInterface: it is missing: BridgeInterface needs it to know local pods\n"},
        {HEAD "detectLocalMode: Any\n",
         "F:3: detectLocalMode: \"Any\" is none of what is possible: give ClusterCIDR, NodeCIDR, "
         "BridgeInterface or InterfaceNamePrefix\n"},
        {HEAD "mode: iptables\n",
         "F:3: mode: \"iptables\" is not what this program does: kube-ipvs makes Services work with IPVS and "
         "nothing else; give \"ipvs\", or run kube-proxy for its other modes\n"},
        {HEAD "bindAddress: host\n", "F:3: bindAddress: \"host\" is not an IP address\n"},
        {HEAD "metricsBindAddress: '[fd00:1::5]'\n", "F:3: metricsBindAddress: \"[fd00:1::5]\" is not an "
                                                     "address with a port: write it as 0.0.0.0:10256 or "
                                                     "[::]:10256; port 0 switches it off\n"},
        {HEAD "iptables: {masqueradeBit: 32}\n", "F:3: iptables.masqueradeBit: 32 is not within 0 and 31\n"},
        {HEAD "featureGates: {A: maybe}\n",
         "F:3: featureGates: a mapping of names to true or false belongs here\n"},
        {HEAD "logging: {vmodule: [{filePattern: a}], format: xml, verbosity: -1}\n",
         "F:3: logging.vmodule[0]: a list of filePattern and verbosity belongs here\n"
         "F:3: logging.format: \"xml\" is none of what is possible: give text or json\n"
         "F:3: logging.verbosity: \"-1\" is not a number from 0 to 4294967295\n"},
        {HEAD "hostnameOverride: ' '\n", "F:3: hostnameOverride: the name is blank; give the node's name, or "
                                         "leave it out to use the host name\n"},
        /* All that is wrong is told. */
        {HEAD "oomScoreAdj: x\nipvs:\n  tcpTimeout: 1\nconntrack:\n  min: -1\ndetectLocalMode: "
              "InterfaceNamePrefix\n",
         "F:3: oomScoreAdj:" NOT_NUMBER
         "F:5: ipvs.tcpTimeout: a duration with its unit, as 30s, belongs here\n"
         "F:7: conntrack.min: -1 is too small: 0 is the least\n"
         "F:1: detectLocal.interfaceNamePrefix: it is missing: InterfaceNamePrefix needs it to know local "
         "pods\n"},
};

START_TEST(what_is_wrong_in_the_file_is_refused_with_file_line_and_path)
{
	struct reading reading;
	auto_text got = {0};
	open_with_file(&reading, refusals[_i].content, "");
	text_add(&got, text_string(&reading.refusals));
	shorten(&got);
	ck_assert_texts(refusals[_i].content, refusals[_i].wanted, text_string(&got));
	ck_assert_int_eq(reading.result, FAULT_REFUSED);
	reading_close(&reading);
}
END_TEST

START_TEST(of_very_much_that_is_wrong_the_first_is_told)
{
	struct reading reading;
	auto_text content = {0};
	size_t lines = 0;
	text_add(&content, HEAD "ipvs:\n  excludeCIDRs:\n");
	for (int i = 0; i < 20000; i++)
		text_addf(&content, "  - %d\n", i);
	for (int i = 0; i < 20000; i++)
		text_addf(&content, "unknown%d: 1\n", i);
	open_with_file(&reading, text_string(&content), "");
	for (const char *c = text_string(&reading.refusals); *c; c++)
		lines += *c == '\n';
	ck_assert_uint_eq(lines, 51);
	ck_assert_ptr_nonnull(strstr(text_string(&reading.refusals), ": more is wrong; it is not told\n"));
	ck_assert_uint_eq(reading.config.warning_count, 51);
	reading_close(&reading);
}
END_TEST

START_TEST(a_file_that_is_not_there_is_refused)
{
	static const char *const arguments[] = {"--config=/nowhere/f", NULL};
	struct reading reading;
	reading_open(&reading, arguments);
	ck_assert_texts("no file", "/nowhere/f: the file cannot be read: No such file or directory\n",
	                text_string(&reading.refusals));
	reading_close(&reading);
}
END_TEST

static void *put_back(void *unused)
{
	const struct timespec moment = {.tv_nsec = 100 * 1000000};
	nanosleep(&moment, NULL);
	write_file(HEAD "hostnameOverride: n1\n");
	return unused;
}

START_TEST(a_file_that_is_gone_for_a_moment_is_read_when_it_is_back)
{
	char config[96];
	const char *arguments[] = {config, NULL};
	struct reading reading;
	pthread_t thread;
	snprintf(config, sizeof(config), "--config=%s", file_path);
	ck_assert_int_eq(pthread_create(&thread, NULL, put_back, NULL), 0);
	reading_open(&reading, arguments);
	pthread_join(thread, NULL);
	ck_assert_texts("refusals", "", text_string(&reading.refusals));
	ck_assert_texts("the name", "n1", reading.config.hostname_override);
	reading_close(&reading);
}
END_TEST

/* --- precedence (R14.1); C110 (TestProcessHostnameOverrideFlag, TestProcessV1Alpha1) */

#define INERT " accepted, but of no meaning here; they can be left out\n"

static const struct {
	const char *content, *flags, *wanted;
} beside[] = {
        {HEAD "hostnameOverride: from-file\n", "--hostname-override=from-flag",
         "hostnameOverride=\"from-flag\"\n"},
        {HEAD "hostnameOverride: from-file\n", "--hostname-override=", "hostnameOverride=\"from-file\"\n"},
        {HEAD "hostnameOverride: from-file\n", "", "hostnameOverride=\"from-file\"\n"},
        {HEAD "ipvs: {scheduler: mh}\n", "--ipvs-scheduler=lc --cluster-cidr=10.0.0.0/8 --ipvs-scheduler=sh",
         "warning: --ipvs-scheduler, --cluster-cidr: ignored, because --config replaces them; write them "
         "into "
         "F\nipvs.scheduler=\"mh\"\n"},
        {HEAD, "--ipvs-exclude-cidrs=10.0.0.0/8 --nodeport-addresses=primary",
         "warning: --ipvs-exclude-cidrs, --nodeport-addresses: ignored, because --config replaces them; "
         "write "
         "them into F\n"},
        {HEAD, "--healthz-port=1",
         "warning: --healthz-port: ignored, because --config replaces them; write them into F\n"},
        {HEAD "logging: {verbosity: 1, format: json}\n", "",
         "logging.format=\"json\"\nlogging.verbosity=1\n"},
        {HEAD "logging: {verbosity: 1, format: json}\n", "-v3 --logging-format=text",
         "logging.verbosity=3\n"},
        {HEAD "logging: {verbosity: 1}\n", "--logging-format=json",
         "logging.format=\"json\"\nlogging.verbosity=1\n"},
        {HEAD "logging: {vmodule: [{filePattern: b, verbosity: 1}]}\n", "--vmodule=a=2",
         "warning: --vmodule:" INERT "warning: F: accepted, but of no meaning here: logging.vmodule\n"
         "logging.vmodule=[{\"filePattern\":\"a\",\"verbosity\":2},{\"filePattern\":\"b\",\"verbosity\":1}]"
         "\n"},
        {HEAD "logging: {flushFrequency: 7s}\n", "--log-flush-frequency=9s",
         "warning: --log-flush-frequency:" INERT
         "warning: F: accepted, but of no meaning here: logging.flushFrequency\n"
         "logging.flushFrequency=\"9s\"\n"},
        {HEAD "clientConnection: {kubeconfig: /kc}\n", "--kubeconfig=/other --master=https://192.0.2.1",
         "warning: --kubeconfig: ignored, because --config replaces them; write them into F\n"
         "clientConnection.kubeconfig=\"/kc\"\n"},
        /* A flag that would be ignored has to be right all the same. */
        {HEAD "oomScoreAdj: 1001\n", "--oom-score-adj=-1001",
         "--oom-score-adj: -1001 is not within -1000 and 1000\n"
         "F:3: oomScoreAdj: 1001 is not within -1000 and 1000\n"
         "warning: --oom-score-adj: ignored, because --config replaces them; write them into F\n"},
};

START_TEST(the_file_replaces_all_flags_but_those_that_stand_beside_it)
{
	check_file(beside[_i].content, beside[_i].flags, beside[_i].wanted);
}
END_TEST

START_TEST(what_no_field_has_stands_beside_the_file)
{
	struct reading reading;
	open_with_file(&reading, HEAD,
	               "--manifests=/m --run-dir=/r --max-objects=7 --max-object-size=1Mi "
	               "--max-endpoints-per-service=8 --master=https://192.0.2.1 --cleanup --init-only "
	               "--write-config-to=/w");
	const struct config *config = &reading.config;
	ck_assert_texts("refusals", "", text_string(&reading.refusals));
	ck_assert_uint_eq(config->warning_count, 0);
	ck_assert_str_eq(config->config_file, file_path);
	ck_assert_str_eq(config->manifests, "/m");
	ck_assert_str_eq(config->run_directory, "/r");
	ck_assert_uint_eq(config->max_objects, 7);
	ck_assert_uint_eq(config->max_object_bytes, 1 << 20);
	ck_assert_uint_eq(config->max_endpoints_per_service, 8);
	ck_assert_str_eq(config->master, "https://192.0.2.1");
	ck_assert(config->cleanup && config->init_only);
	ck_assert_str_eq(config->write_config_to, "/w");
	reading_close(&reading);
}
END_TEST

/* --- rendering (R14.15, --write-config-to) */

START_TEST(configz_is_what_kube_proxy_answers_for_the_same_settings)
{
	/* test/data/kube-proxy/configz: recorded from a running kube-proxy v1.36. */
	static const char *const arguments[] = {"--kubeconfig=/kc",
	                                        "-v=2",
	                                        "--hostname-override=n1",
	                                        "--healthz-bind-address=127.0.0.1:10256",
	                                        "--proxy-mode=ipvs",
	                                        "--cluster-cidr=10.244.0.0/16,fd00:10:244::/48",
	                                        NULL};
	struct reading reading;
	auto_text got = {0};
	char *recorded = read_test_file(TEST_DATA "/data/kube-proxy/configz");
	recorded[strcspn(recorded, "\n")] = '\0';
	reading_open(&reading, arguments);
	ck_assert_texts("refusals", "", text_string(&reading.refusals));
	config_render_configz(&reading.config, &got);
	ck_assert_texts("configz", recorded, text_string(&got));
	free(recorded);
	reading_close(&reading);
}
END_TEST

static const char *const settings[] = {
        "",
        "--healthz-port=0 --metrics-bind-address= --bind-address=fd00::1",
        "--nodeport-addresses=primary --ipvs-exclude-cidrs=10.0.0.0/8,fd00::/8 "
        "--cluster-cidr=10.0.0.0/8,fd00::/8",
        "--feature-gates=A=true,B=false --vmodule=a*=1,b=2 --log-text-split-stream "
        "--log-json-info-buffer-size=1Ki",
        "--kube-api-qps=0.1 --kube-api-burst=7 --kubeconfig=/a_b: --ipvs-sync-period=1h1m1s "
        "--conntrack-min=0",
        "--ipvs-scheduler=no --hostname-override=0x10 --pod-bridge-interface=~ "
        "--pod-interface-name-prefix=\"\\",
        "--ipvs-min-sync-period=1500ms --ipvs-udp-timeout=999ms --conntrack-udp-timeout=90061001ms "
        "--oom-score-adj=0",
        "--detect-local-mode=InterfaceNamePrefix --pod-interface-name-prefix=\xc3\xa4* "
        "--iptables-masquerade-bit=0",
        "--iptables-localhost-nodeports=false --iptables-sync-period=1s --profiling --masquerade-all -v9",
        "--logging-format=json --log-flush-frequency=1s --config-sync-period=1m --kube-api-content-type=- ",
};

START_TEST(what_is_written_reads_back_as_the_same)
{
	struct reading first, second;
	auto_text yaml = {0}, before = {0}, after = {0};
	const char *arguments[20];
	auto_free char *line = memory_copy_text(settings[_i]);
	reading_split(line, arguments);
	reading_open(&first, arguments);
	ck_assert_texts("refusals", "", text_string(&first.refusals));
	config_render_yaml(&first.config, &yaml);
	config_render_configz(&first.config, &before);
	open_with_file(&second, text_string(&yaml), "");
	ck_assert_texts(text_string(&yaml), "", text_string(&second.refusals));
	config_render_configz(&second.config, &after);
	ck_assert_texts(settings[_i], text_string(&before), text_string(&after));
	reading_close(&first);
	reading_close(&second);
}
END_TEST

/* --- kube-ipvs.conf(5) */

#define PAGE TEST_DATA "/../man/kube-ipvs.conf.5"

START_TEST(the_manual_names_exactly_the_fields_that_are_read)
{
	auto_text fields_read = {0}, named = {0};
	char *page = read_test_file(PAGE), *rest;
	for (const struct config_row *row = config_rows; row->option.name; row++)
		if (row->path)
			text_addf(&fields_read, "%s\n", row->path);
	for (char *line = strtok_r(page, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		if (strncmp(line, ".It Va ", 7) == 0)
			text_addf(&named, "%s\n", line + 7);
	ck_assert_texts("fields", text_string(&fields_read), text_string(&named));
	free(page);
}
END_TEST

/* The page's words on one field. */
static char *words_on(const char *page, const char *path)
{
	auto_text start = {0};
	text_addf(&start, ".It Va %s\n", path);
	const char *found = strstr(page, text_string(&start));
	ck_assert_msg(found, "%s is not in the manual", path);
	found += start.length;
	const char *end = strstr(found, "\n.It ");
	return strndup(found, end ? (size_t)(end - found) + 1 : strlen(found));
}

static void check_words(const struct config_row *row, const char *words)
{
	auto_text flag = {0}, standard = {0};
	const char *value = row->standard;
	text_addf(&flag, "Flag:\n.Fl Fl %s .\n", row->option.name);
	if (!value || !*value)
		value = row->option.kind == OPTION_SWITCH ? "false" : "none";
	if (row->option.kind == OPTION_LISTEN)
		value = strstr(row->path, "health") ? "0.0.0.0:10256, or" : "127.0.0.1:10249, or";
	text_addf(&standard, "Default: %s%s", *value == '-' ? "\\" : "", value);
	if (*row->option.name)
		ck_assert_msg(strstr(words, text_string(&flag)), "%s: the flag is missing", row->path);
	else
		ck_assert_msg(!strstr(words, "Flag:"), "%s: there is no flag", row->path);
	ck_assert_msg(strstr(words, text_string(&standard)), "%s: \"%s\" is missing", row->path,
	              text_string(&standard));
	ck_assert_msg(!strstr(words, "No effect here.") == !(row->marks & CONFIG_INERT), "%s: effect",
	              row->path);
}

START_TEST(the_manual_tells_each_fields_flag_default_and_whether_it_has_an_effect)
{
	char *page = read_test_file(PAGE);
	for (const struct config_row *row = config_rows; row->option.name; row++) {
		if (!row->path)
			continue;
		char *words = words_on(page, row->path);
		check_words(row, words);
		free(words);
	}
	free(page);
}
END_TEST

START_TEST(the_example_of_the_manual_is_read_without_a_warning)
{
	static const char start[] = ".Bd -literal -offset indent\napiVersion";
	struct reading reading;
	char *page = read_test_file(PAGE);
	char *example = strstr(page, start);
	ck_assert_ptr_nonnull(example);
	example = strchr(example, '\n') + 1;
	*strstr(example, ".Ed\n") = '\0';
	open_with_file(&reading, example, "");
	ck_assert_texts("refusals", "", text_string(&reading.refusals));
	ck_assert_uint_eq(reading.config.warning_count, 0);
	ck_assert_str_eq(reading.config.scheduler, "lc");
	reading_close(&reading);
	free(page);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cmd config: file");
	TCase *cases = tcase_create("file");
	tcase_set_timeout(cases, 60);
	tcase_add_checked_fixture(cases, make_folder, remove_folder);
	add_rows(cases, each_field_of_the_file_is_read, fields);
	tcase_add_test(cases,
	               the_file_that_an_installer_writes_means_the_defaults_and_is_not_worth_a_warning);
	add_rows(cases, fields_that_are_unknown_doubled_or_without_meaning_are_tolerated_with_a_warning,
	         warnings);
	add_rows(cases, what_is_wrong_in_the_file_is_refused_with_file_line_and_path, refusals);
	tcase_add_test(cases, of_very_much_that_is_wrong_the_first_is_told);
	tcase_add_test(cases, a_file_that_is_not_there_is_refused);
	tcase_add_test(cases, a_file_that_is_gone_for_a_moment_is_read_when_it_is_back);
	add_rows(cases, the_file_replaces_all_flags_but_those_that_stand_beside_it, beside);
	tcase_add_test(cases, what_no_field_has_stands_beside_the_file);
	tcase_add_test(cases, configz_is_what_kube_proxy_answers_for_the_same_settings);
	add_rows(cases, what_is_written_reads_back_as_the_same, settings);
	tcase_add_test(cases, the_manual_names_exactly_the_fields_that_are_read);
	tcase_add_test(cases, the_manual_tells_each_fields_flag_default_and_whether_it_has_an_effect);
	tcase_add_test(cases, the_example_of_the_manual_is_read_without_a_warning);
	suite_add_tcase(suite, cases);
	return run_suite(suite);
}
