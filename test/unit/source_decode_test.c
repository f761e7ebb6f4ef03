/*
 * What becomes of each kind. Manifests are YAML here because they are short that way.
 */
#include "source/manifest.h"
#include "source_print.h"
#include "support.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct row {
	const char *name;
	const char *manifest;
	const char *wanted;
};

/* What the text is decoded to, or the fault. */
static void check_text(const char *name, const char *file, const char *manifest, const char *wanted)
{
	struct decoded decoded;
	struct fault fault = {0};
	auto_text got = {0};
	char line[FAULT_TEXT_SIZE];
	if (manifest_decode(file, manifest, strlen(manifest), &decoded, &fault))
		text_addf(&got, "%s\n", fault_format(&fault, line));
	print_decoded(&got, &decoded);
	ck_assert_texts(name, wanted, text_string(&got));
	decoded_done(&decoded);
}

#define SERVICE(spec) "kind: Service\napiVersion: v1\nmetadata: {name: web}\nspec: " spec "\n"

static const struct row services[] = {
        {"the least that a Service needs", SERVICE("{clusterIP: 10.96.0.1, ports: [{port: 80}]}"),
         "service default/web ClusterIP ips 10.96.0.1 IPv4 port :80/TCP\n"},
        {"a namespace, a time, labels and annotations",
         "kind: Service\napiVersion: v1\n"
         "metadata:\n"
         "  name: web\n"
         "  namespace: prod\n"
         "  creationTimestamp: 2026-11-21T08:02:01Z\n"
         "  labels: {service.kubernetes.io/service-proxy-name: ''}\n"
         "  annotations: {kube-ipvs.io/scheduler: sh, kube-ipvs.io/scheduler-flags: "
         "'sh-port,sh-fallback'}\n"
         "spec: {clusterIP: 10.96.0.1, ports: [{port: 80}]}\n",
         "service prod/web ClusterIP created 1795248121 ips 10.96.0.1 IPv4 port :80/TCP "
         "elsewhere"
         " scheduler sh flags sh-port,sh-fallback\n"},
        {"a time with a fraction and an offset",
         "kind: Service\napiVersion: v1\nmetadata: {name: web, creationTimestamp: "
         "'1970-01-01T02:00:01.5+02:00'}\n"
         "spec: {clusterIP: 10.96.0.1, ports: [{port: 80}]}\n",
         "service default/web ClusterIP created 1 ips 10.96.0.1 IPv4 port :80/TCP\n"},
        {"null and empty stand for absent",
         "kind: Service\napiVersion: v1\nmetadata: {name: web, namespace: '', "
         "creationTimestamp: null, labels: ~}\n"
         "spec: {type: '', clusterIP: 10.96.0.1, externalIPs: null, sessionAffinity: '', "
         "selector: {},"
         " ports: [{port: 80, name: null, protocol: '', nodePort: null}]}\nstatus: null\n",
         "service default/web ClusterIP ips 10.96.0.1 IPv4 port :80/TCP\n"},
        {"several ports with names, protocols and node ports",
         SERVICE("{type: NodePort, clusterIP: 10.96.0.1, selector: {a: b}, ports: ["
                 "{name: web, port: 80, nodePort: 30080}, {name: dns, port: 53, protocol: "
                 "UDP, nodePort: 30053}, "
                 "{name: dns-tcp, port: 53}, {name: s, port: 5, protocol: SCTP}]}"),
         "service default/web NodePort ips 10.96.0.1 IPv4 port web:80/TCP@30080 port "
         "dns:53/UDP@30053"
         " port dns-tcp:53/TCP port s:5/SCTP selector\n"},
        {"both families, named and not",
         SERVICE("{clusterIP: 'fd00::1', clusterIPs: ['fd00::1', 10.96.0.1], ports: [{port: "
                 "80}]}") "---\n" SERVICE("{clusterIP: 10.96.0.1, clusterIPs: [10.96.0.1, "
                                          "'fd00::1'], ipFamilies: [IPv4, IPv6], ports: "
                                          "[{port: 80}]}"),
         "service default/web ClusterIP ips fd00::1 10.96.0.1 IPv6 IPv4 port :80/TCP\n"
         "service default/web ClusterIP ips 10.96.0.1 fd00::1 IPv4 IPv6 port :80/TCP\n"},
        {"an address with leading zeros (R0.3)", SERVICE("{clusterIP: 010.096.000.001, ports: [{port: 80}]}"),
         "service default/web ClusterIP ips 10.96.0.1 IPv4 port :80/TCP\n"},
        {"affinity with its timeout, and with the default of three hours (Q-30)",
         SERVICE("{clusterIP: 10.96.0.1, ports: [{port: 80}], sessionAffinity: ClientIP, "
                 "sessionAffinityConfig: "
                 "{clientIP: {timeoutSeconds: 60}}}") "---\n" SERVICE("{clusterIP: "
                                                                      "10.96.0.1, ports: "
                                                                      "[{port: "
                                                                      "80}], "
                                                                      "sessionAffinity: "
                                                                      "ClientIP}"),
         "service default/web ClusterIP ips 10.96.0.1 IPv4 port :80/TCP affinity 60s\n"
         "service default/web ClusterIP ips 10.96.0.1 IPv4 port :80/TCP affinity 10800s\n"},
        {"everything that lets outside clients in",
         SERVICE("{type: LoadBalancer, clusterIP: 10.96.0.1, ports: [{port: 80, nodePort: "
                 "30080}],"
                 " externalIPs: [192.0.2.1, '2001:db8::1'], externalTrafficPolicy: Local,"
                 " internalTrafficPolicy: Local, healthCheckNodePort: 31000,"
                 " loadBalancerSourceRanges: [' 198.51.100.7/24 ', '2001:db8::/32']}\n"
                 "status: {loadBalancer: {ingress: [{ip: 203.0.113.1}, {hostname: "
                 "lb.example}, "
                 "{ip: 203.0.113.2, ipMode: Proxy}, {ip: 203.0.113.3, ipMode: VIP}]}}"),
         "service default/web LoadBalancer ips 10.96.0.1 IPv4 external 192.0.2.1 2001:db8::1 "
         "ingress 203.0.113.1"
         " proxied 203.0.113.2 ingress 203.0.113.3 from 198.51.100.0/24 from 2001:db8::/32 "
         "port :80/TCP@30080"
         " internal-local external-local health 31000\n"},
        {"headless and ExternalName Services may lack ports and addresses",
         SERVICE("{clusterIP: None}") "---\n" SERVICE("{type: ExternalName, externalName: a.example}"),
         "service default/web ClusterIP headless\nservice default/web ExternalName\n"},
        {"unknown fields are skipped (R1.11)",
         SERVICE("{clusterIP: 10.96.0.1, colour: red, ports: [{port: 80, targetPort: http, "
                 "appProtocol: x}]}"),
         "service default/web ClusterIP ips 10.96.0.1 IPv4 port :80/TCP\n"},
        {"a name may begin with a digit",
         "kind: Service\napiVersion: v1\nmetadata: {name: 1web}\nspec: {clusterIP: "
         "10.96.0.1, ports: [{port: 80}]}\n",
         "service default/1web ClusterIP ips 10.96.0.1 IPv4 port :80/TCP\n"},
};

START_TEST(a_service_keeps_what_the_rules_read)
{
	check_text(services[_i].name, "a.yaml", services[_i].manifest, services[_i].wanted);
}
END_TEST

#define SLICE(rest)                                              \
	"kind: EndpointSlice\napiVersion: discovery.k8s.io/v1\n" \
	"metadata: {name: web-1, labels: {kubernetes.io/service-name: web}}\n" rest "\n"

static const struct row slices[] = {
        {"conditions have their defaults (R1.20)",
         SLICE("addressType: IPv4\nports: [{name: '', port: 80}]\n"
               "endpoints: [{addresses: [10.0.0.1]}, {addresses: [10.0.0.2], conditions: {ready: null}}, "
               "{addresses: [10.0.0.3], conditions: {ready: false}}, "
               "{addresses: [10.0.0.4], conditions: {ready: false, serving: true, terminating: true}}, "
               "{addresses: [10.0.0.5], conditions: {serving: false}}]"),
         "slice default/web-1 of web IPv4 port :80/TCP [ 10.0.0.1 ready serving ] [ 10.0.0.2 ready serving ]"
         " [ 10.0.0.3 serving ] [ 10.0.0.4 serving terminating ] [ 10.0.0.5 ready ]\n"},
        {"nodes, hints, and only the first address (R1.17)",
         SLICE("addressType: IPv6\nports: [{name: a, port: 80, protocol: UDP}, {name: b}]\n"
               "endpoints: [{addresses: ['fd00::1', 'fd00::2'], nodeName: n1, zone: z, "
               "hints: {forZones: [{name: z1}, {name: z2}], forNodes: [{name: n1}]}}, "
               "{addresses: ['fd00::3'], hints: {}}]"),
         "slice default/web-1 of web IPv6 port a:80/UDP port b:0/TCP [ fd00::1 ready serving on n1 zone z1 "
         "zone z2"
         " node n1 ] [ fd00::3 ready serving ]\n"},
        {"the API server's defaults of a port: name '', TCP",
         SLICE("addressType: IPv4\nports: [{port: 80}]\nendpoints: null"),
         "slice default/web-1 of web IPv4 port :80/TCP\n"},
        {"names instead of addresses: another family (R0.4)",
         SLICE("addressType: FQDN\nendpoints: [{addresses: [a.example]}]"),
         "slice default/web-1 of web other [ - ready serving ]\n"},
        {"no label, no Service (R1.12)",
         "kind: EndpointSlice\napiVersion: discovery.k8s.io/v1\nmetadata: {name: x.y, namespace: prod}\n"
         "addressType: IPv4\n",
         "slice prod/x.y of - IPv4\n"},
        {"slices of headless Services are left out (R1.2)",
         "kind: EndpointSlice\napiVersion: discovery.k8s.io/v1\n"
         "metadata: {name: web-1, labels: {kubernetes.io/service-name: web, service.kubernetes.io/headless: "
         "''}}\n"
         "addressType: IPv4\n",
         ""},
};

START_TEST(a_slice_keeps_what_the_rules_read)
{
	check_text(slices[_i].name, "a.yaml", slices[_i].manifest, slices[_i].wanted);
}
END_TEST

/* What the annotation becomes; fractions are kept to the nanosecond (R1.28). */
static const struct {
	const char *annotations;
	int64_t trigger_ns;
} triggers[] = {
        {"{}", 0},
        {"null", 0},
        {"{endpoints.kubernetes.io/last-change-trigger-time: 2026-11-21T08:02:01Z}", 1795248121000000000},
        {"{endpoints.kubernetes.io/last-change-trigger-time: 2026-11-21T08:02:01.5Z}", 1795248121500000000},
        {"{endpoints.kubernetes.io/last-change-trigger-time: 2026-11-21T08:02:01.000000001Z}",
         1795248121000000001},
        {"{endpoints.kubernetes.io/last-change-trigger-time: 2026-11-21T08:02:01.1234567899Z}",
         1795248121123456789},
        {"{endpoints.kubernetes.io/last-change-trigger-time: '2026-11-21T10:02:01.25+02:00'}",
         1795248121250000000},
        {"{endpoints.kubernetes.io/last-change-trigger-time: '2026-11-21T04:32:01-03:30'}",
         1795248121000000000},
        {"{endpoints.kubernetes.io/last-change-trigger-time: ''}", 0},
        {"{endpoints.kubernetes.io/last-change-trigger-time: yesterday}", 0},
        {"{endpoints.kubernetes.io/last-change-trigger-time: 2026-11-21T08:02:01.Z}", 0},
        {"{endpoints.kubernetes.io/last-change-trigger-time: 2026-11-21T08:02:01}", 0},
        {"{endpoints.kubernetes.io/last-change-trigger-time: 2026-13-21T08:02:01Z}", 0},
        {"{endpoints.kubernetes.io/last-change-trigger-time: 9999-11-21T08:02:01Z}", 0},
        {"{endpoints.kubernetes.io/last-change-trigger-time: 1795248121}", 0},
};

static void trigger_must_be(const char *manifest, int64_t trigger_ns)
{
	struct decoded decoded;
	struct fault fault = {0};
	char line[FAULT_TEXT_SIZE];
	int r = manifest_decode("a.yaml", manifest, strlen(manifest), &decoded, &fault);
	ck_assert_msg(r == 0, "%s\n%s", manifest, fault_format(&fault, line));
	ck_assert_uint_eq(decoded.slice_count, 1);
	ck_assert_msg(decoded.slices[0]->trigger_ns == trigger_ns, "%s\nwanted %" PRId64 ", got %" PRId64,
	              manifest, trigger_ns, decoded.slices[0]->trigger_ns);
	decoded_done(&decoded);
}

START_TEST(a_trigger_time_is_read_and_an_unreadable_one_counts_as_absent)
{
	auto_text slice = {0}, mirrored = {0};
	text_addf(&slice,
	          "kind: EndpointSlice\napiVersion: discovery.k8s.io/v1\naddressType: IPv4\n"
	          "metadata: {name: web-1, annotations: %s}\n",
	          triggers[_i].annotations);
	text_addf(&mirrored,
	          "kind: Endpoints\napiVersion: v1\nsubsets: [{addresses: [{ip: 10.0.0.1}]}]\n"
	          "metadata: {name: web, annotations: %s}\n",
	          triggers[_i].annotations);
	trigger_must_be(text_string(&slice), triggers[_i].trigger_ns);
	trigger_must_be(text_string(&mirrored), triggers[_i].trigger_ns);
}
END_TEST

#define ENDPOINTS(metadata, subsets) \
	"kind: Endpoints\napiVersion: v1\nmetadata: {name: web" metadata "}\nsubsets: " subsets "\n"

static const struct row endpoints[] = {
        {"a slice for each subset and family, ready or not",
         ENDPOINTS("",
                   "[{addresses: [{ip: 10.0.0.1, nodeName: n1}, {ip: 'fd00::1'}], "
                   "notReadyAddresses: [{ip: 10.0.0.2}], ports: [{name: a, port: 80}, {name: b, port: 53, "
                   "protocol: UDP}]}, {addresses: [{ip: 10.0.0.1}], ports: [{name: a, port: 81}]}]"),
         "slice default/web/0-IPv4-0 of web IPv4 mirrored port a:80/TCP port b:53/UDP [ 10.0.0.1 ready "
         "serving on n1 ]"
         " [ 10.0.0.2 serving ]\n"
         "slice default/web/0-IPv6-0 of web IPv6 mirrored port a:80/TCP port b:53/UDP [ fd00::1 ready "
         "serving ]\n"
         "slice default/web/1-IPv4-0 of web IPv4 mirrored port a:81/TCP [ 10.0.0.1 ready serving ]\n"},
        {"no subsets, no slices", ENDPOINTS("", "null"), ""},
        {"what says that it is not to be mirrored",
         ENDPOINTS(", labels: {endpointslice.kubernetes.io/skip-mirror: 'true'}",
                   "[{addresses: [{ip: 10.0.0.1}]}]"),
         ""},
        {"any other value of that label says nothing",
         ENDPOINTS(", labels: {endpointslice.kubernetes.io/skip-mirror: 'false'}",
                   "[{addresses: [{ip: 10.0.0.1}]}]"),
         "slice default/web/0-IPv4-0 of web IPv4 mirrored [ 10.0.0.1 ready serving ]\n"},
        {"the lock of a leader election",
         ENDPOINTS(", annotations: {control-plane.alpha.kubernetes.io/leader: '{}'}",
                   "[{addresses: [{ip: 10.0.0.1}]}]"),
         ""},
};

START_TEST(endpoints_are_mirrored_into_slices)
{
	check_text(endpoints[_i].name, "a.yaml", endpoints[_i].manifest, endpoints[_i].wanted);
}
END_TEST

START_TEST(more_than_a_thousand_addresses_go_into_further_slices)
{
	auto_text manifest = {0};
	struct decoded decoded;
	text_add(&manifest,
	         "{kind: Endpoints, apiVersion: v1, metadata: {name: web}, subsets: [{addresses: [");
	for (unsigned i = 0; i < 2001; i++)
		text_addf(&manifest, "{ip: 10.1.%u.%u},", i / 250, i % 250);
	text_add(&manifest, "]}]}");
	ck_assert_int_eq(manifest_decode("a.yaml", manifest.bytes, manifest.length, &decoded, NULL), 0);
	ck_assert_uint_eq(decoded.slice_count, 3);
	ck_assert_uint_eq(decoded.slices[0]->endpoint_count, 1000);
	ck_assert_uint_eq(decoded.slices[1]->endpoint_count, 1000);
	ck_assert_uint_eq(decoded.slices[2]->endpoint_count, 1);
	ck_assert_str_eq(decoded.slices[2]->name.name, "web/0-IPv4-2");
	decoded_done(&decoded);
}
END_TEST

static const struct row others[] = {
        {"a node: internal addresses before external ones, its zone",
         "kind: Node\napiVersion: v1\nmetadata: {name: n1, labels: {topology.kubernetes.io/zone: z}}\n"
         "status: {addresses: [{type: ExternalIP, address: 192.0.2.1}, {type: Hostname, address: n1}, "
         "{type: InternalIP, address: 10.0.0.1}, {type: InternalIP, address: nonsense}, "
         "{type: InternalIP, address: 'fd00::1'}]}\n",
         "node n1 zone 'z' 10.0.0.1 fd00::1 192.0.2.1\n"},
        {"an empty zone is a zone (R1.34)",
         "kind: Node\napiVersion: v1\nmetadata: {name: n1.example, labels: {topology.kubernetes.io/zone: "
         "''}}\n",
         "node n1.example zone ''\n"},
        {"a node's pod prefixes, in order",
         "kind: Node\napiVersion: v1\nmetadata: {name: n1}\nspec: {podCIDR: 10.244.9.0/24, podCIDRs: ["
         "'fd00:10:244:1::/64', nonsense, 10.244.1.0/24]}\n",
         "node n1 pods fd00:10:244:1::/64 pods 10.244.1.0/24\n"},
        {"a node's only pod prefix",
         "kind: Node\napiVersion: v1\nmetadata: {name: n1}\nspec: {podCIDR: 10.244.1.0/24, podCIDRs: []}\n",
         "node n1 pods 10.244.1.0/24\n"},
        {"a node that is being deleted",
         "kind: Node\napiVersion: v1\nmetadata: {name: n1, deletionTimestamp: '2026-11-21T08:00:00Z'}\n",
         "node n1 deleting\n"},
        {"a node that the autoscaler is about to delete (R12.6)",
         "kind: Node\napiVersion: v1\nmetadata: {name: n1, deletionTimestamp: null}\nspec: {taints: [{key: "
         "other, "
         "effect: NoSchedule}, {key: ToBeDeletedByClusterAutoscaler, value: '1', effect: NoSchedule}]}\n",
         "node n1 to-be-deleted\n"},
        {"a node with other taints",
         "kind: Node\napiVersion: v1\nmetadata: {name: n1}\nspec: {taints: [{key: "
         "node.kubernetes.io/unreachable, effect: NoExecute}]}\n",
         "node n1\n"},
        {"other kinds are counted",
         "kind: Pod\napiVersion: v1\n---\nkind: Service\napiVersion: serving.knative.dev/v1\nmetadata: {}\n",
         "ignored 2\n"},
        {"lists, and lists in lists",
         "kind: List\napiVersion: v1\nitems:\n- {kind: NodeList, apiVersion: v1, items: [{metadata: {name: "
         "n1}}]}\n"
         "- {kind: Node, apiVersion: v1, metadata: {name: n2}}\n- {kind: ConfigMap}\n",
         "node n1\nnode n2\nignored 1\n"},
        {"lists without items",
         "kind: List\n---\nkind: ServiceList\nitems: []\n---\nkind: NodeList\nitems: null\n", ""},
        {"empty documents and comments", "# nothing\n---\n# still\n---\n---\n", ""},
        {"nothing at all", "", ""},
};

START_TEST(other_objects_and_lists_are_read)
{
	check_text(others[_i].name, "a.yaml", others[_i].manifest, others[_i].wanted);
}
END_TEST

static const struct {
	const char *file;
	size_t services, slices, nodes;
} recorded[] = {
        {"services-list.json", 19, 0, 0}, {"endpointslices-list.json", 0, 19, 0}, {"node-list.json", 0, 0, 1},
        {"dual-stack.json", 2, 3, 1},     {"zone-hints.json", 2, 2, 1},
};

START_TEST(what_a_real_api_server_sent_is_read)
{
	char path[512];
	struct decoded decoded;
	struct fault fault = {0};
	snprintf(path, sizeof(path), "%s/unit/data/source/%s", TEST_DATA, recorded[_i].file);
	char *text = read_test_file(path);
	int r = manifest_decode(path, text, strlen(text), &decoded, &fault);
	ck_assert_msg(r == 0, "%s: %s", fault.place, fault.sentence);
	ck_assert_uint_eq(decoded.service_count, recorded[_i].services);
	ck_assert_uint_eq(decoded.slice_count, recorded[_i].slices);
	ck_assert_uint_eq(decoded.node_count, recorded[_i].nodes);
	ck_assert_uint_eq(decoded.ignored, 0);
	/* The same text is YAML too. */
	auto_text as_json = {0}, as_yaml = {0};
	print_decoded(&as_json, &decoded);
	decoded_done(&decoded);
	r = manifest_decode("a.yaml", text, strlen(text), &decoded, &fault);
	ck_assert_msg(r == 0, "%s: %s", fault.place, fault.sentence);
	print_decoded(&as_yaml, &decoded);
	ck_assert_texts(recorded[_i].file, text_string(&as_json), text_string(&as_yaml));
	decoded_done(&decoded);
	free(text);
}
END_TEST

START_TEST(a_typed_lists_item_takes_the_kind_that_stands_in)
{
	json_t *value = json_loads("{\"metadata\":{\"name\":\"n1\"}}", 0, NULL);
	struct decoded decoded = {0};
	struct fault fault = {0};
	ck_assert_int_eq(decode_object(value, "Node", "v1", &decoded, &fault), 0);
	ck_assert_uint_eq(decoded.node_count, 1);
	ck_assert_int_eq(decode_object(value, NULL, NULL, &decoded, &fault), FAULT_REFUSED);
	ck_assert_str_eq(fault.field, "kind");
	ck_assert_int_eq(decode_object(value, "Node", "v1", &decoded, NULL), 0);
	ck_assert_int_eq(decode_object(value, "Node", "v9", &decoded, NULL), FAULT_REFUSED);
	ck_assert_uint_eq(decoded.node_count, 2);
	decoded_done(&decoded);
	json_decref(value);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("source: decode");
	TCase *kinds = tcase_create("kinds");
	tcase_add_loop_test(kinds, a_service_keeps_what_the_rules_read, 0,
	                    sizeof(services) / sizeof(*services));
	tcase_add_loop_test(kinds, a_slice_keeps_what_the_rules_read, 0, sizeof(slices) / sizeof(*slices));
	tcase_add_loop_test(kinds, a_trigger_time_is_read_and_an_unreadable_one_counts_as_absent, 0,
	                    sizeof(triggers) / sizeof(*triggers));
	tcase_add_loop_test(kinds, endpoints_are_mirrored_into_slices, 0,
	                    sizeof(endpoints) / sizeof(*endpoints));
	tcase_add_test(kinds, more_than_a_thousand_addresses_go_into_further_slices);
	tcase_add_loop_test(kinds, other_objects_and_lists_are_read, 0, sizeof(others) / sizeof(*others));
	tcase_add_loop_test(kinds, what_a_real_api_server_sent_is_read, 0,
	                    sizeof(recorded) / sizeof(*recorded));
	tcase_add_test(kinds, a_typed_lists_item_takes_the_kind_that_stands_in);
	suite_add_tcase(suite, kinds);
	return run_suite(suite);
}
