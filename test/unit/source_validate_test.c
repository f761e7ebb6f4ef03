/*
 * What is refused, with which words, and at which line.
 */
#include "source/manifest.h"
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The manifest's text, and "line: field: sentence". */
struct row {
	const char *manifest;
	const char *wanted;
};

static void check_refusal(const char *file, const struct row *row)
{
	struct decoded decoded;
	struct fault fault = {0};
	char line[FAULT_TEXT_SIZE] = "accepted";
	if (manifest_decode(file, row->manifest, strlen(row->manifest), &decoded, &fault))
		fault_format(&fault, line);
	ck_assert_texts(row->manifest, row->wanted, line);
	ck_assert_uint_eq(decoded.service_count + decoded.slice_count + decoded.node_count, 0);
	decoded_done(&decoded);
}

/* A Service whose spec begins on line 5. */
#define SERVICE                   \
	"kind: Service\n"         \
	"apiVersion: v1\n"        \
	"metadata: {name: web}\n" \
	"spec:\n"
#define IP    "  clusterIP: 10.96.0.1\n"
#define PORTS "  ports: [{port: 80}]\n"
#define WEB   "Service \"default/web\": "

static const struct row services[] = {
        {SERVICE IP "  ports:\n  - name: a\n    port: 70000\n",
         "a.yaml:8: spec.ports[0].port: " WEB "Invalid value: 70000: must be between 1 and 65535, inclusive"},
        {SERVICE IP "  ports:\n  - {name: a, port: 1}\n  - name: b\n    port: 0\n",
         "a.yaml:9: spec.ports[1].port: " WEB "Invalid value: 0: must be between 1 and 65535, inclusive"},
        {SERVICE IP "  ports:\n  - name: a\n",
         "a.yaml:7: spec.ports[0].port: " WEB "Invalid value: 0: must be between 1 and 65535, inclusive"},
        {SERVICE IP "  ports:\n  - port: 1\n    nodePort: -1\n",
         "a.yaml:8: spec.ports[0].nodePort: " WEB
         "Invalid value: -1: must be between 1 and 65535, inclusive"},
        {SERVICE IP "  ports: [{port: 9223372036854775807}]\n",
         "a.yaml:6: spec.ports[0].port: " WEB
         "Invalid value: 9223372036854775807: must be between 1 and 65535, inclusive"},
        {SERVICE IP "  ports: [{port: 80, protocol: tcp}]\n",
         "a.yaml:6: spec.ports[0].protocol: " WEB
         "Unsupported value: \"tcp\": supported values: \"SCTP\", \"TCP\", \"UDP\""},
        {SERVICE IP "  ports:\n  - {name: a, port: 1}\n  - {name: a, port: 2}\n",
         "a.yaml:8: spec.ports[1].name: " WEB "Duplicate value: \"a\""},
        {SERVICE IP "  ports:\n  - {name: a, port: 1}\n  - {name: b, port: 1}\n",
         "a.yaml:8: spec.ports[1]: " WEB "Duplicate value: {\"protocol\":\"TCP\",\"port\":1}"},
        {SERVICE IP
         "  ports:\n  - {name: a, port: 1, nodePort: 30001}\n  - {name: b, port: 2, nodePort: 30001}\n",
         "a.yaml:8: spec.ports[1].nodePort: " WEB
         "Duplicate value: {\"protocol\":\"TCP\",\"nodePort\":30001}"},
        {SERVICE IP "  ports:\n  - {name: a, port: 1}\n  - {port: 2}\n",
         "a.yaml:8: spec.ports[1].name: " WEB
         "Required value: a Service with several ports names each of them"},
        {SERVICE IP "  ports: [{name: A_b, port: 80}]\n",
         "a.yaml:6: spec.ports[0].name: " WEB "Invalid value: \"A_b\": must consist of lower case letters, "
         "digits and '-', and begin and end with a "
         "letter or a digit (an RFC 1123 label)"},
        {SERVICE IP
         "  ports: [{name: a123456789012345678901234567890123456789012345678901234567890123, port: 80}]\n",
         "a.yaml:6: spec.ports[0].name: " WEB
         "Invalid value: \"a123456789012345678901234567890123456789012345678901234567890123\": must be no "
         "more "
         "than 63 bytes"},
        {SERVICE IP "  ports:\n  - port: 80\n    name: 80\n",
         "a.yaml:8: spec.ports[0].name: " WEB
         "Invalid value: 80: a number where text belongs; write it in quotes: \"80\""},
        {SERVICE IP "  ports: [{port: '80'}]\n",
         "a.yaml:6: spec.ports[0].port: " WEB "Invalid value: \"80\": text where a whole number belongs"},
        {SERVICE IP "  ports: [80]\n",
         "a.yaml:6: spec.ports[0]: " WEB "Invalid value: 80: a number where an object belongs"},
        {SERVICE IP "  ports: {port: 80}\n",
         "a.yaml:6: spec.ports: " WEB "Invalid value: an object where a list belongs"},
        {SERVICE IP, "a.yaml:4: spec.ports: " WEB "Required value"},
        {SERVICE PORTS, "a.yaml:4: spec.clusterIP: " WEB
                        "Required value: nothing allocates one here, so give an address or \"None\""},
        {SERVICE "  clusterIP: ''\n  type: NodePort\n" PORTS,
         "a.yaml:5: spec.clusterIP: " WEB
         "Required value: nothing allocates one here, so give an address or \"None\""},
        {SERVICE "  clusterIP: None\n  type: NodePort\n" PORTS,
         "a.yaml:5: spec.clusterIP: " WEB
         "Invalid value: \"None\": may not be set to 'None' for NodePort services"},
        {SERVICE "  clusterIP: 10.96.0\n" PORTS,
         "a.yaml:5: spec.clusterIP: " WEB
         "Invalid value: \"10.96.0\": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"},
        {SERVICE "  clusterIP: 127.0.0.1\n" PORTS,
         "a.yaml:5: spec.clusterIP: " WEB
         "Invalid value: \"127.0.0.1\": may not be in the loopback range (127.0.0.0/8, ::1/128)"},
        {SERVICE IP "  clusterIPs: [10.96.0.2]\n" PORTS,
         "a.yaml:6: spec.clusterIPs[0]: " WEB
         "Invalid value: \"10.96.0.2\": first value must match `clusterIP`"},
        {SERVICE IP "  clusterIPs: [10.96.0.1, 10.96.0.2]\n" PORTS,
         "a.yaml:6: spec.clusterIPs[1]: " WEB
         "Invalid value: \"10.96.0.2\": may specify no more than one IP for each IP family"},
        {SERVICE IP "  clusterIPs: [10.96.0.1, 'fd00::1', 10.96.0.3]\n" PORTS,
         "a.yaml:6: spec.clusterIPs: " WEB "Too many: 3: must have at most 2 items"},
        {SERVICE IP "  ipFamilies: [IPv6]\n" PORTS,
         "a.yaml:5: spec.clusterIP: " WEB
         "Invalid value: \"10.96.0.1\": expected an IPv6 value as indicated by `ipFamilies`"},
        {SERVICE IP "  ipFamilies: [ipv4]\n" PORTS,
         "a.yaml:6: spec.ipFamilies[0]: " WEB
         "Unsupported value: \"ipv4\": supported values: \"IPv4\", \"IPv6\""},
        {SERVICE IP "  ipFamilies: [IPv4, IPv4]\n" PORTS,
         "a.yaml:6: spec.ipFamilies[1]: " WEB "Duplicate value: \"IPv4\""},
        {SERVICE IP "  externalIPs:\n  - 192.0.2.1\n  - ::1\n" PORTS,
         "a.yaml:8: spec.externalIPs[1]: " WEB
         "Invalid value: \"::1\": may not be in the loopback range (127.0.0.0/8, ::1/128)"},
        {SERVICE IP "  externalIPs: [0.0.0.0]\n" PORTS,
         "a.yaml:6: spec.externalIPs[0]: " WEB
         "Invalid value: \"0.0.0.0\": may not be unspecified (0.0.0.0 or ::)"},
        {SERVICE IP "  externalIPs: ['fe80::1']\n" PORTS,
         "a.yaml:6: spec.externalIPs[0]: " WEB
         "Invalid value: \"fe80::1\": may not be in the link-local range (169.254.0.0/16, fe80::/10)"},
        {SERVICE IP "  externalIPs: [224.0.0.5]\n" PORTS,
         "a.yaml:6: spec.externalIPs[0]: " WEB "Invalid value: \"224.0.0.5\": may not be in the link-local "
         "multicast range (224.0.0.0/24, ff02::/16)"},
        {SERVICE IP "  externalIPs: [192.0.2.0/24]\n" PORTS,
         "a.yaml:6: spec.externalIPs[0]: " WEB
         "Invalid value: \"192.0.2.0/24\": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"},
        {SERVICE IP "  loadBalancerSourceRanges: [10.0.0.0]\n" PORTS,
         "a.yaml:6: spec.loadBalancerSourceRanges[0]: " WEB
         "Invalid value: \"10.0.0.0\": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"},
        {SERVICE IP PORTS "  sessionAffinity: ClientIP\n  sessionAffinityConfig:\n    clientIP:\n"
                          "      timeoutSeconds: 86401\n",
         "a.yaml:10: spec.sessionAffinityConfig.clientIP.timeoutSeconds: " WEB
         "Invalid value: 86401: must be greater than 0 and less than or equal to 86400"},
        {SERVICE IP PORTS
         "  sessionAffinity: ClientIP\n  sessionAffinityConfig: {clientIP: {timeoutSeconds: 0}}\n",
         "a.yaml:8: spec.sessionAffinityConfig.clientIP.timeoutSeconds: " WEB
         "Invalid value: 0: must be greater than 0 and less than or equal to 86400"},
        {SERVICE IP PORTS "  sessionAffinity: clientip\n",
         "a.yaml:7: spec.sessionAffinity: " WEB
         "Unsupported value: \"clientip\": supported values: \"ClientIP\", \"None\""},
        {SERVICE IP PORTS "  type: Nodeport\n",
         "a.yaml:7: spec.type: " WEB "Unsupported value: \"Nodeport\": supported values: \"ClusterIP\", "
         "\"ExternalName\", \"LoadBalancer\", \"NodePort\""},
        {SERVICE IP PORTS "  externalTrafficPolicy: local\n",
         "a.yaml:7: spec.externalTrafficPolicy: " WEB
         "Unsupported value: \"local\": supported values: \"Cluster\", \"Local\""},
        {SERVICE IP PORTS "  internalTrafficPolicy: true\n",
         "a.yaml:7: spec.internalTrafficPolicy: " WEB
         "Invalid value: true: a boolean where text belongs; write it in quotes: \"true\""},
        {SERVICE IP PORTS "  healthCheckNodePort: 65536\n",
         "a.yaml:7: spec.healthCheckNodePort: " WEB
         "Invalid value: 65536: must be between 1 and 65535, inclusive"},
        {SERVICE IP PORTS "status: {loadBalancer: {ingress: [{ip: 1.2.3}]}}\n",
         "a.yaml:7: status.loadBalancer.ingress[0].ip: " WEB
         "Invalid value: \"1.2.3\": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"},
        {SERVICE IP PORTS "status: {loadBalancer: {ingress: [{ip: 192.0.2.1, ipMode: DSR}]}}\n",
         "a.yaml:7: status.loadBalancer.ingress[0].ipMode: " WEB
         "Unsupported value: \"DSR\": supported values: \"Proxy\", \"VIP\""},
        {"kind: Service\napiVersion: v1\nmetadata:\n  name: web\n  annotations:\n    a: b\n"
         "    kube-ipvs.io/scheduler: 1\nspec: {clusterIP: 10.96.0.1, ports: [{port: 80}]}\n",
         "a.yaml:7: metadata.annotations.kube-ipvs.io/scheduler: " WEB
         "Invalid value: 1: a number where text belongs; write it in quotes: \"1\""},
};

START_TEST(a_service_is_refused_in_the_api_servers_words)
{
	check_refusal("a.yaml", &services[_i]);
}
END_TEST

#define SLICE                               \
	"kind: EndpointSlice\n"             \
	"apiVersion: discovery.k8s.io/v1\n" \
	"metadata: {name: web-1}\n"
#define IPV4 "addressType: IPv4\n"
#define WEB1 "EndpointSlice \"default/web-1\": "

static const struct row slices[] = {
        {SLICE, "a.yaml:1: addressType: " WEB1 "Required value: one of \"IPv4\", \"IPv6\", \"FQDN\""},
        {SLICE "addressType: ipv4\n",
         "a.yaml:4: addressType: " WEB1
         "Unsupported value: \"ipv4\": supported values: \"FQDN\", \"IPv4\", \"IPv6\""},
        {SLICE IPV4 "endpoints:\n- addresses:\n  - fd00::1\n",
         "a.yaml:7: endpoints[0].addresses[0]: " WEB1
         "Invalid value: \"fd00::1\": must be a valid IPv4 address"},
        {SLICE "addressType: IPv6\nendpoints:\n- addresses: [10.0.0.1]\n",
         "a.yaml:6: endpoints[0].addresses[0]: " WEB1
         "Invalid value: \"10.0.0.1\": must be a valid IPv6 address"},
        {SLICE IPV4 "endpoints:\n- addresses: [10.0.0.1]\n- addresses: [10.0.0.2, 127.1.2.3]\n",
         "a.yaml:7: endpoints[1].addresses[1]: " WEB1
         "Invalid value: \"127.1.2.3\": may not be in the loopback range (127.0.0.0/8, ::1/128)"},
        {SLICE IPV4 "endpoints:\n- addresses: [169.254.169.254]\n",
         "a.yaml:6: endpoints[0].addresses[0]: " WEB1 "Invalid value: \"169.254.169.254\": may not be in the "
         "link-local range (169.254.0.0/16, fe80::/10)"},
        {SLICE IPV4 "endpoints:\n- addresses: [224.0.0.251]\n",
         "a.yaml:6: endpoints[0].addresses[0]: " WEB1
         "Invalid value: \"224.0.0.251\": may not be in the link-local "
         "multicast range (224.0.0.0/24, ff02::/16)"},
        {SLICE "addressType: IPv6\nendpoints:\n- addresses: ['ff02::1']\n",
         "a.yaml:6: endpoints[0].addresses[0]: " WEB1
         "Invalid value: \"ff02::1\": may not be in the link-local "
         "multicast range (224.0.0.0/24, ff02::/16)"},
        {SLICE "addressType: IPv6\nendpoints:\n- addresses: ['::']\n",
         "a.yaml:6: endpoints[0].addresses[0]: " WEB1
         "Invalid value: \"::\": may not be unspecified (0.0.0.0 or ::)"},
        {SLICE IPV4 "endpoints:\n- nodeName: n1\n",
         "a.yaml:6: endpoints[0].addresses: " WEB1 "Required value: must contain at least 1 address"},
        {SLICE IPV4 "endpoints:\n- addresses: [10.0.0.1]\n  conditions:\n    ready: 'true'\n",
         "a.yaml:8: endpoints[0].conditions.ready: " WEB1
         "Invalid value: \"true\": text where true or false belongs"},
        {SLICE IPV4 "endpoints:\n- addresses: [10.0.0.1]\n  hints:\n    forZones:\n    - name: a\n    - {}\n",
         "a.yaml:10: endpoints[0].hints.forZones[1].name: " WEB1 "Required value"},
        {SLICE IPV4 "ports:\n- port: 65536\n",
         "a.yaml:6: ports[0].port: " WEB1 "Invalid value: 65536: must be between 1 and 65535, inclusive"},
        {SLICE IPV4 "ports:\n- {port: 80}\n- {port: 81}\n",
         "a.yaml:7: ports[1].name: " WEB1 "Duplicate value: \"\""},
        {SLICE IPV4 "ports: [{port: 80, protocol: ICMP}]\n",
         "a.yaml:5: ports[0].protocol: " WEB1
         "Unsupported value: \"ICMP\": supported values: \"SCTP\", \"TCP\", \"UDP\""},
        {"kind: Endpoints\napiVersion: v1\nmetadata: {name: web}\nsubsets:\n- ports: [{port: 80}]\n",
         "a.yaml:5: subsets[0]: Endpoints \"default/web\": Required value: must specify `addresses` or "
         "`notReadyAddresses`"},
        {"kind: Endpoints\napiVersion: v1\nmetadata: {name: web}\nsubsets:\n- addresses:\n  - ip: 10.0.0.1\n"
         "  - ip: ::1\n",
         "a.yaml:7: subsets[0].addresses[1].ip: Endpoints \"default/web\": Invalid value: \"::1\": may not "
         "be in the "
         "loopback range (127.0.0.0/8, ::1/128)"},
        {"kind: Endpoints\napiVersion: v1\nmetadata: {name: web}\nsubsets:\n- notReadyAddresses: [{}]\n",
         "a.yaml:5: subsets[0].notReadyAddresses[0].ip: Endpoints \"default/web\": Required value"},
        {"kind: Endpoints\napiVersion: v1\nmetadata: {name: web}\nsubsets:\n- addresses: [{ip: 10.0.0.1}]\n"
         "  ports:\n  - {name: a, port: 1}\n  - {port: 2}\n",
         "a.yaml:8: subsets[0].ports[1].name: Endpoints \"default/web\": Required value: of several ports "
         "each has a "
         "name"},
};

START_TEST(slices_and_endpoints_are_refused_in_the_api_servers_words)
{
	check_refusal("a.yaml", &slices[_i]);
}
END_TEST

static const struct row objects[] = {
        {"apiVersion: v1\n", "a.yaml:1: kind: object: Required value: e.g. Service or EndpointSlice"},
        {"kind: Service\n", "a.yaml:1: apiVersion: Service: Required value: must be \"v1\""},
        {"kind: EndpointSlice\napiVersion: discovery.k8s.io/v1beta1\n",
         "a.yaml:2: apiVersion: EndpointSlice: Unsupported value: \"discovery.k8s.io/v1beta1\": supported "
         "values: "
         "\"discovery.k8s.io/v1\""},
        {"kind: Service\napiVersion: v2\n",
         "a.yaml:2: apiVersion: Service: Unsupported value: \"v2\": supported values: \"v1\""},
        {"kind: EndpointSlice\napiVersion: v1\n",
         "a.yaml:2: apiVersion: EndpointSlice: Unsupported value: \"v1\": "
         "supported values: \"discovery.k8s.io/v1\""},
        {"kind: Service\napiVersion: v1\n", "a.yaml:1: metadata.name: Service: Required value"},
        {"kind: Service\napiVersion: v1\nmetadata:\n  namespace: x\n",
         "a.yaml:3: metadata.name: Service: Required value"},
        {"kind: Node\napiVersion: v1\nmetadata:\n  name: n1\nspec:\n  podCIDRs: [7]\n",
         "a.yaml:6: spec.podCIDRs[0]: Node \"n1\": Invalid value: 7: a number where text belongs; write it "
         "in quotes: \"7\""},
        {"kind: Node\napiVersion: v1\nmetadata:\n  name: n1\nspec:\n  taints:\n  - 7\n",
         "a.yaml:7: spec.taints[0]: Node \"n1\": Invalid value: 7: a number where an object belongs"},
        {"kind: Node\napiVersion: v1\nmetadata:\n  name: n1\n  deletionTimestamp: 7\n",
         "a.yaml:5: metadata.deletionTimestamp: Node \"n1\": Invalid value: 7: a number where text belongs; "
         "write it in quotes: \"7\""},
        {"kind: Node\napiVersion: v1\nmetadata:\n  name: N1\n",
         "a.yaml:4: metadata.name: Node: Invalid value: \"N1\": must be lower case letters, digits, "
         "'-' and "
         "'.', begin and end with a letter or a digit, and have at most 253 characters (an RFC 1123 "
         "subdomain)"},
        {"kind: Service\napiVersion: v1\nmetadata:\n  name: a.b\n",
         "a.yaml:4: metadata.name: Service: Invalid value: \"a.b\": must be lower case "
         "letters, "
         "digits and '-', begin and end with a letter or a digit, and have at most 63 characters (an RFC "
         "1123 "
         "label)"},
        {"kind: Service\napiVersion: v1\nmetadata:\n  name: web\n  namespace: -x\n",
         "a.yaml:5: metadata.namespace: Service: Invalid value: \"-x\": must be lower case letters, digits "
         "and '-', "
         "begin and end with a letter or a digit, and have at most 63 characters (an RFC 1123 label)"},
        {"kind: Service\napiVersion: v1\nmetadata:\n  name: web\n  creationTimestamp: yesterday\n",
         "a.yaml:5: metadata.creationTimestamp: Service \"default/web\": Invalid value: \"yesterday\": must "
         "be a "
         "time such as 2006-01-02T15:04:05Z (RFC 3339)"},
        {"kind: Service\napiVersion: v1\nmetadata:\n  name: web\n  creationTimestamp: "
         "2026-11-21T08:02:01.Z\n",
         "a.yaml:5: metadata.creationTimestamp: Service \"default/web\": Invalid value: "
         "\"2026-11-21T08:02:01.Z\": must be a time such as 2006-01-02T15:04:05Z (RFC 3339)"},
        {"kind: Service\napiVersion: v1\nmetadata: web\n",
         "a.yaml:3: metadata: Service: Invalid value: \"web\": text where an object belongs"},
        {"kind: 1\n",
         "a.yaml:1: kind: object: Invalid value: 1: a number where text belongs; write it in quotes: "
         "\"1\""},
        {"- kind: Service\n", "a.yaml:1: object: Invalid value: a list where an object belongs"},
        {"kind: List\nitems: {}\n", "a.yaml:2: items: object: Invalid value: an object where a list belongs"},
        {"kind: Node\napiVersion: v1\nmetadata: {name: n1}\n---\nkind: List\nitems:\n"
         "- {kind: Node, apiVersion: v1, metadata: {name: n2}}\n- kind: Service\n  apiVersion: v1\n"
         "  metadata: {name: web}\n  spec:\n    clusterIP: 10.0.0.1\n    ports:\n    - port: 0\n",
         "a.yaml:14: spec.ports[0].port: " WEB "Invalid value: 0: must be between 1 and 65535, inclusive"},
        {"kind: List\nitems:\n- kind: List\n  items:\n  - kind: Node\n    apiVersion: v1\n    metadata: {}\n",
         "a.yaml:7: metadata.name: Node: Required value"},
};

START_TEST(what_every_object_needs_is_asked_for)
{
	check_refusal("a.yaml", &objects[_i]);
}
END_TEST

/* `{opening} ELEMENT, ... {closing}` with one element more than the API allows. */
static void check_bound(const char *opening, const char *element, unsigned count, const char *closing,
                        const char *wanted)
{
	size_t size = strlen(opening) + (strlen(element) + 16) * count + strlen(closing) + 1;
	char *manifest = malloc(size);
	size_t length = (size_t)sprintf(manifest, "%s", opening);
	for (unsigned i = 0; i < count; i++) {
		length += (size_t)sprintf(manifest + length, "%s", element);
		manifest[length++] = ',';
	}
	sprintf(manifest + length, "%s", closing);
	const struct row row = {manifest, wanted};
	check_refusal("a.yaml", &row);
	free(manifest);
}

START_TEST(lists_longer_than_the_api_allows_are_refused)
{
	const char *slice = "{kind: EndpointSlice, apiVersion: discovery.k8s.io/v1, metadata: {name: web-1}, "
	                    "addressType: IPv4, ";
	char opening[256];
	snprintf(opening, sizeof(opening), "%sendpoints: [", slice);
	check_bound(opening, "{addresses: [10.0.0.1]}", 1001, "]}",
	            "a.yaml:1: endpoints: " WEB1 "Too many: 1001: must have at most 1000 items");
	snprintf(opening, sizeof(opening), "%sendpoints: [{addresses: [", slice);
	check_bound(opening, "10.0.0.1", 101, "]}]}",
	            "a.yaml:1: endpoints[0].addresses: " WEB1 "Too many: 101: must have at most 100 items");
	snprintf(opening, sizeof(opening), "%sports: [", slice);
	check_bound(opening, "{}", 20001, "]}",
	            "a.yaml:1: ports: " WEB1 "Too many: 20001: must have at most 20000 items");
	snprintf(opening, sizeof(opening), "%sendpoints: [{addresses: [10.0.0.1], hints: {forNodes: [",
	         slice);
	check_bound(opening, "{name: a}", 9, "]}}]}",
	            "a.yaml:1: endpoints[0].hints.forNodes: " WEB1 "Too many: 9: must have at most 8 items");
}
END_TEST

START_TEST(what_is_written_cannot_break_a_line_of_the_log)
{
	const struct row rows[] = {
	        {SERVICE IP PORTS "  type: \"a\\nb\"\n",
	         "a.yaml:7: spec.type: " WEB "Unsupported value: \"a\\nb\": supported values: \"ClusterIP\", "
	         "\"ExternalName\", \"LoadBalancer\", \"NodePort\""},
	        {"kind: Node\napiVersion: \"v1\\n\"\n",
	         "a.yaml:2: apiVersion: Node: Unsupported value: \"v1\\n\": supported values: \"v1\""},
	        {"kind: Node\napiVersion: v1\nmetadata: {name: \"a\\nb\"}\n",
	         "a.yaml:3: metadata.name: Node: Invalid value: \"a\\nb\": must be lower case letters, "
	         "digits, '-' and "
	         "'.', begin and end with a letter or a digit, and have at most 253 characters (an RFC 1123 "
	         "subdomain)"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		check_refusal("a.yaml", &rows[i]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("source: validate");
	TCase *refusals = tcase_create("refusals");
	tcase_add_loop_test(refusals, a_service_is_refused_in_the_api_servers_words, 0,
	                    sizeof(services) / sizeof(*services));
	tcase_add_loop_test(refusals, slices_and_endpoints_are_refused_in_the_api_servers_words, 0,
	                    sizeof(slices) / sizeof(*slices));
	tcase_add_loop_test(refusals, what_every_object_needs_is_asked_for, 0,
	                    sizeof(objects) / sizeof(*objects));
	tcase_add_test(refusals, lists_longer_than_the_api_allows_are_refused);
	tcase_add_test(refusals, what_is_written_cannot_break_a_line_of_the_log);
	suite_add_tcase(suite, refusals);
	return run_suite(suite);
}
