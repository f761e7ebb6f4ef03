/*
 * Asks IPVS, without the code that is to be tested or measured: which real servers has this virtual server now?
 */
#ifndef KUBE_IPVS_TEST_FAKE_IPVS_PROBE_H
#define KUBE_IPVS_TEST_FAKE_IPVS_PROBE_H

#include "plan/state.h"

#include <linux/netlink.h>
#include <stdbool.h>
#include <stdint.h>

struct ipvs_probe {
	int fd;
	uint16_t family; /* of generic netlink */
	char *buffer;
};

enum { PROBE_MESSAGE_BYTES = 128 };

/* In the network namespace of the caller; aborts where there is no IPVS. */
void ipvs_probe_open(struct ipvs_probe *probe);
void ipvs_probe_close(struct ipvs_probe *probe);

/* A request for the real servers of `key`, or with NULL for all virtual servers, ready to be sent. */
const struct nlmsghdr *ipvs_probe_listing(const struct ipvs_probe *probe,
                                          const struct virtual_server_key *key,
                                          char ret_message[static PROBE_MESSAGE_BYTES]);
/* Sends a prebuilt dump request on `fd`, and receives all of its answer. 0 or a negative errno. */
int ipvs_probe_dump(int fd, const struct nlmsghdr *message, char *buffer);
enum { PROBE_BUFFER_BYTES = 1 << 17 };

/* Address, port and weight of each. How many there are, also none where there is no such virtual server; or a negative
 * errno. */
int ipvs_probe_read(struct ipvs_probe *probe, const struct virtual_server_key *key, struct real_server *items,
                    size_t most);

#endif
