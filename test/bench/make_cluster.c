/*
 * Prints a cluster as one JSON List, as an API server writes it, without blanks: N ClusterIP Services with one slice
 * of M endpoints each.
 *
 *	bench-make_cluster SERVICES ENDPOINTS > cluster.json
 */
#include <stdio.h>
#include <stdlib.h>

static void print_service(unsigned long i)
{
	printf("{"
	       "\"apiVersion\":\"v1\","
	       "\"kind\":\"Service\","
	       "\"metadata\":{"
	       "\"creationTimestamp\":\"2026-11-21T07:57:52Z\","
	       "\"labels\":{"
	       "\"app.kubernetes.io/name\":\"service-%lu\""
	       "},"
	       "\"name\":\"service-%lu\","
	       "\"namespace\":\"namespace-%lu\","
	       "\"resourceVersion\":\"%lu\","
	       "\"uid\":\"7cfd9b84-f73d-44a2-a424-%012lx\""
	       "},"
	       "\"spec\":{"
	       "\"clusterIP\":\"10.%lu.%lu.%lu\","
	       "\"clusterIPs\":["
	       "\"10.%lu.%lu.%lu\""
	       "],"
	       "\"internalTrafficPolicy\":\"Cluster\","
	       "\"ipFamilies\":["
	       "\"IPv4\""
	       "],"
	       "\"ipFamilyPolicy\":\"SingleStack\","
	       "\"ports\":["
	       "{"
	       "\"name\":\"http\","
	       "\"port\":80,"
	       "\"protocol\":\"TCP\","
	       "\"targetPort\":8080"
	       "}"
	       "],"
	       "\"selector\":{"
	       "\"app.kubernetes.io/name\":\"service-%lu\""
	       "},"
	       "\"sessionAffinity\":\"None\","
	       "\"type\":\"ClusterIP\""
	       "},"
	       "\"status\":{"
	       "\"loadBalancer\":{}"
	       "}"
	       "}",
	       i, i, i % 100, 10000 + i, i, 96 + (i >> 16), (i >> 8) & 255, i & 255, 96 + (i >> 16),
	       (i >> 8) & 255, i & 255, i);
}

static void print_endpoint(unsigned long number, int first)
{
	printf("%s{"
	       "\"addresses\":["
	       "\"10.%lu.%lu.%lu\""
	       "],"
	       "\"conditions\":{"
	       "\"ready\":true,"
	       "\"serving\":true,"
	       "\"terminating\":false"
	       "},"
	       "\"nodeName\":\"node-%lu\","
	       "\"targetRef\":{"
	       "\"kind\":\"Pod\","
	       "\"name\":\"pod-%lu\","
	       "\"namespace\":\"default\","
	       "\"uid\":\"d1c3f4b5-0d0c-4c39-9a65-%012lx\""
	       "},"
	       "\"zone\":\"zone-%lu\""
	       "}",
	       first ? "" : ",\n", 128 + (number >> 16) % 100, (number >> 8) & 255, number & 255,
	       number % 500, number, number, number % 3);
}

static void print_slice(unsigned long i, unsigned long endpoints)
{
	printf(",{"
	       "\"addressType\":\"IPv4\","
	       "\"apiVersion\":\"discovery.k8s.io/v1\","
	       "\"endpoints\":[");
	for (unsigned long j = 0; j < endpoints; j++)
		print_endpoint(i * endpoints + j, j == 0);
	printf("],"
	       "\"kind\":\"EndpointSlice\","
	       "\"metadata\":{"
	       "\"creationTimestamp\":\"2026-11-21T07:57:52Z\","
	       "\"generateName\":\"service-%lu-\","
	       "\"labels\":{"
	       "\"endpointslice.kubernetes.io/managed-by\":"
	       "\"endpointslice-controller.k8s.io\","
	       "\"kubernetes.io/service-name\":\"service-%lu\""
	       "},"
	       "\"name\":\"service-%lu-abcde\","
	       "\"namespace\":\"namespace-%lu\","
	       "\"resourceVersion\":\"%lu\","
	       "\"uid\":\"6f172a92-43e1-43f7-bd30-%012lx\""
	       "},"
	       "\"ports\":["
	       "{"
	       "\"name\":\"http\","
	       "\"port\":8080,"
	       "\"protocol\":\"TCP\""
	       "}"
	       "]"
	       "}",
	       i, i, i, i % 100, 20000 + i, i);
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fputs("usage: bench-make_cluster SERVICES ENDPOINTS\n", stderr);
		return EXIT_FAILURE;
	}
	unsigned long services = strtoul(argv[1], NULL, 10), endpoints = strtoul(argv[2], NULL, 10);
	printf("{\"apiVersion\":\"v1\",\"items\":[");
	for (unsigned long i = 0; i < services; i++) {
		fputs(i == 0 ? "" : ",\n", stdout);
		print_service(i);
		print_slice(i, endpoints);
	}
	printf("],\"kind\":\"List\",\"metadata\":{\"resourceVersion\":\"\"}}\n");
	return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
