/*
 * A directory of manifests for tests: real files, real inotify, a real loop. Nothing sleeps; each step waits
 * until the cluster or what was told is what it should be.
 */
#ifndef KUBE_IPVS_TEST_UNIT_SOURCE_FOLDER_H
#define KUBE_IPVS_TEST_UNIT_SOURCE_FOLDER_H

#include "base/text.h"
#include "source/manifest.h"
#include "test_directory.h"

#include <event2/event.h>

struct folder {
	char root[TEST_DIRECTORY_SIZE]; /* a temporary directory; the manifests are in root/m */
	char path[96];
	struct cluster *cluster;
	struct inlet inlet;
	struct event_base *base;
	struct manifest_directory *directory;
	struct text told; /* what the listener heard, save `changed` */
	unsigned changes;
};

void folder_init(struct folder *folder);
void folder_done(struct folder *folder);
int folder_open(struct folder *folder, const char *path, struct fault *fault);
void folder_watch(struct folder *folder); /* opens root/m and watches it */

/* These take names in the root. */
const char *folder_path(const struct folder *folder, const char *name, char path[static TEST_PATH_SIZE]);
void folder_put(const struct folder *folder, const char *name, const char *content);
void folder_move(const struct folder *folder, const char *from, const char *to);
void folder_drop(const struct folder *folder, const char *name);

/* Runs the loop until both texts are what they should be, and forgets what was told. NULL: no matter. */
void folder_wait(struct folder *folder, const char *cluster, const char *told);
/* Runs the loop through two changes of the node n1, so that what should not happen before them could. */
void folder_settle(struct folder *folder);

/* A manifest, and how the cluster prints what it became. */
#define SERVICE(name, port)                                      \
	"{kind: Service, apiVersion: v1, metadata: {name: " name \
	"}, spec: {clusterIP: 10.96.0.1, ports: [{port: " port "}]}}\n"
#define PRINTED(name, port) "service default/" name " ClusterIP ips 10.96.0.1 IPv4 port :" port "/TCP\n"
#define SLICE(name, address)                                                                         \
	"{kind: EndpointSlice, apiVersion: discovery.k8s.io/v1, metadata: {name: " name ", labels: " \
	"{kubernetes.io/service-name: a}}, addressType: IPv4, endpoints: [{addresses: [" address "]}]}\n"
#define PRINTED_SLICE(name, address) "slice default/" name " of a IPv4 [ " address " ready serving ]\n"

#endif
