/*
 * Recorded answers of an API server (test/data/apiserver), and the store as text.
 */
#ifndef KUBE_IPVS_TEST_UNIT_SOURCE_RECORDED_H
#define KUBE_IPVS_TEST_UNIT_SOURCE_RECORDED_H

#include "base/text.h"
#include "model/cluster.h"

/* The body of a recorded answer; the caller frees it. Fails the test when there is no such recording. */
char *recorded_body(const char *test_data, const char *name);
#define recorded(name) recorded_body(TEST_DATA, (name))

/* All that is in the store, sorted, one object a line. Takes the marks of what changed. */
void print_cluster(struct text *text, struct cluster *cluster, const char *node_name);

#endif
