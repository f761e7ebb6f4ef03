/*
 * Short ways to make what the tests of apply work with.
 */
#ifndef KUBE_IPVS_TEST_FAKE_OBJECTS_H
#define KUBE_IPVS_TEST_FAKE_OBJECTS_H

#include "plan/diff.h"

/* Fails an assertion when the text is no address. */
struct address make_address(const char *text);
/* TCP, rr, no flags, a host netmask. */
struct virtual_server make_virtual_server(const char *address, uint16_t port);
/* Masquerade, weight 1. */
struct real_server make_real_server(const char *address, uint16_t port);

/* Append one change; what they point at is borrowed. */
void want_virtual_server(struct changes *changes, enum change_kind kind, const struct virtual_server *server);
void want_real_server(struct changes *changes, enum change_kind kind, const struct virtual_server *server,
                      const struct real_server *real_server);
void want_address(struct changes *changes, enum change_kind kind, const char *address);

#endif
