#include "sketch.h"

#include "base/check.h"

#include <stdio.h>
#include <string.h>

#define FIRST_CLUSTER_IP 0x0a600001 /* 10.96.0.1 */
#define FIRST_ENDPOINT   0x0a800000 /* 10.128.0.0 */

static bool ipv6;

void sketch_in_ipv6(void)
{
	ipv6 = true;
}

struct address sketch_address(uint32_t value)
{
	struct address address = {.family = ipv6 ? FAMILY_IPV6 : FAMILY_IPV4,
	                          .bytes = {[0] = ipv6 ? 0xfd : 0}};
	const uint8_t number[] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
	                          (uint8_t)value};
	memcpy(address.bytes + (ipv6 ? 12 : 0), number, sizeof(number));
	return address;
}

struct virtual_server_key sketch_key(uint32_t number)
{
	return (struct virtual_server_key){
	        .address = sketch_address(FIRST_CLUSTER_IP + number), .protocol = PROTOCOL_TCP, .port = 80};
}

struct real_server *sketch_virtual_server(uint32_t number, size_t endpoints, struct arena *arena,
                                          struct virtual_server *ret_server)
{
	struct real_server *items = arena_new_array(arena, endpoints, struct real_server);
	for (size_t i = 0; i < endpoints; i++)
		items[i] = (struct real_server){
		        .address = sketch_address(FIRST_ENDPOINT + (uint32_t)(number * endpoints + i)),
		        .port = 8080,
		        .weight = 1};
	*ret_server = (struct virtual_server){
	        .key = sketch_key(number),
	        .scheduler = "rr",
	        .netmask_bits = ipv6 ? 128 : 32,
	        .rank = RANK_OTHER,
	        .real_servers = items,
	        .real_server_count = endpoints,
	};
	return items;
}

void sketch_name(uint32_t number, struct sketch_name *ret_name)
{
	snprintf(ret_name->namespace, sizeof(ret_name->namespace), "namespace-%u", number % 100);
	snprintf(ret_name->service, sizeof(ret_name->service), "service-%u", number);
	snprintf(ret_name->slice, sizeof(ret_name->slice), "service-%u-abcde", number);
}

static void add_address(struct text *text, uint32_t value)
{
	char string[ADDRESS_TEXT_SIZE];
	struct address address = sketch_address(value);
	text_add_bytes(text, string, address_format(&address, string));
}

static void add_metadata(struct text *text, const char *name, const char *namespace, const char *labels)
{
	text_addf(text,
	          "\"metadata\":{\"creationTimestamp\":\"2026-11-21T07:57:52Z\",\"labels\":{%s},\"name\":\"%"
	          "s\","
	          "\"namespace\":\"%s\",\"uid\":\"7cfd9b84-f73d-44a2-a424-9a65d1c3f4b5\"}",
	          labels, name, namespace);
}

void sketch_service(const struct sketch *sketch, struct text *text)
{
	struct sketch_name name;
	CHECK(sketch->number < SKETCH_MOST);
	sketch_name(sketch->number, &name);
	text_clear(text);
	text_add(text, "{\"apiVersion\":\"v1\",\"kind\":\"Service\",");
	add_metadata(text, name.service, name.namespace, "\"app.kubernetes.io/name\":\"some\"");
	text_add(text, ",\"spec\":{\"clusterIP\":\"");
	add_address(text, FIRST_CLUSTER_IP + sketch->number);
	text_add(text, "\",\"clusterIPs\":[\"");
	add_address(text, FIRST_CLUSTER_IP + sketch->number);
	text_addf(text,
	          "\"],\"internalTrafficPolicy\":\"Cluster\",\"ipFamilies\":[\"%s\"],"
	          "\"ipFamilyPolicy\":\"SingleStack\",\"ports\":[{\"name\":\"http\",\"port\":80,"
	          "\"protocol\":\"TCP\",\"targetPort\":8080",
	          family_name(ipv6 ? FAMILY_IPV6 : FAMILY_IPV4));
	if (sketch->node_port)
		text_addf(text, ",\"nodePort\":%u", sketch->node_port);
	text_addf(text,
	          "}],\"selector\":{\"app.kubernetes.io/name\":\"some\"},\"sessionAffinity\":\"None\","
	          "\"type\":\"%s\"},\"status\":{\"loadBalancer\":{}}}",
	          sketch->node_port ? "NodePort" : "ClusterIP");
}

static void add_endpoint(struct text *text, uint32_t address)
{
	text_add(text, "{\"addresses\":[\"");
	add_address(text, address);
	text_addf(
	        text,
	        "\"],\"conditions\":{\"ready\":true,\"serving\":true,\"terminating\":false},"
	        "\"nodeName\":\"node-%u\",\"targetRef\":{\"kind\":\"Pod\",\"name\":\"pod-%u\",\"namespace\":"
	        "\"default\",\"uid\":\"d1c3f4b5-0d0c-4c39-9a65-%012x\"},\"zone\":\"zone-%u\"}",
	        2 + address % 500, address, address, address % 3);
}

void sketch_slice(const struct sketch *sketch, struct text *text)
{
	struct sketch_name name;
	char labels[160];
	CHECK(sketch->number < SKETCH_MOST);
	sketch_name(sketch->number, &name);
	snprintf(labels, sizeof(labels),
	         "\"endpointslice.kubernetes.io/managed-by\":\"endpointslice-controller.k8s.io\","
	         "\"kubernetes.io/service-name\":\"%s\"",
	         name.service);
	text_clear(text);
	text_addf(text, "{\"addressType\":\"%s\",\"apiVersion\":\"discovery.k8s.io/v1\",\"endpoints\":[",
	          family_name(ipv6 ? FAMILY_IPV6 : FAMILY_IPV4));
	for (size_t i = 0; i < sketch->endpoint_count; i++) {
		text_add(text, i ? "," : "");
		add_endpoint(text, sketch->endpoints[i]);
	}
	text_add(text, "],\"kind\":\"EndpointSlice\",");
	add_metadata(text, name.slice, name.namespace, labels);
	text_add(text, ",\"ports\":[{\"name\":\"http\",\"port\":8080,\"protocol\":\"TCP\"}]}");
}

void sketch_node(const char *name, struct text *text)
{
	text_clear(text);
	text_addf(text,
	          "{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"metadata\":{\"name\":\"%s\"},\"spec\":{},"
	          "\"status\":{\"addresses\":[{\"type\":\"InternalIP\",\"address\":\"192.0.2.10\"}]}}",
	          name);
}
