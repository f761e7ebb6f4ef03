/*
 * What the kernel must hold for a world, worked out from nothing but the world, in the plainest way: every Service is
 * planned, all that they claim is put on one heap and sorted, and whoever comes first of those who claim the same has it.
 */
#ifndef KUBE_IPVS_TEST_UNIT_MODEL_REFERENCE_H
#define KUBE_IPVS_TEST_UNIT_MODEL_REFERENCE_H

#include "fake_kernel.h"
#include "model_world.h"

#include "plan/node_view.h"

/* Each array ascends. */
struct reference {
	struct arena arena;
	const struct virtual_server **servers;
	size_t server_count;
	struct address *held;
	size_t held_count;
	struct fake_filter_element *elements;
	size_t element_count;
};

/* As the daemon of this node is to see it; in `arena`. */
void reference_view(const struct world *world, struct arena *arena, struct node_view *ret_view);
/* Replaces what was in `reference`, which is all zero at first. */
void reference_build(struct reference *reference, const struct world *world);
void reference_done(struct reference *reference);

const struct virtual_server *reference_find_server(const struct reference *reference,
                                                   const struct virtual_server_key *key);
bool reference_wants_real_server(const struct virtual_server *server, const struct real_server *real_server);
/* The virtual server is wanted, and its real servers go when nobody is connected to them any more. */
bool reference_drains(const struct reference *reference, const struct virtual_server_key *key);
bool reference_holds(const struct reference *reference, const struct address *address);
bool reference_has_element(const struct reference *reference, const char *set, const char *key);

/*
 * What there is beside: virtual servers of others, addresses that stay because they are excluded.
 */
struct strangers {
	vector_of(struct virtual_server) servers; /* without real servers */
	vector_of(struct address) held;
};

/* Whether the kernel holds exactly what is wanted, the strangers', and what drains. */
bool reference_agrees(const struct reference *reference, struct strangers *strangers,
                      struct fake_kernel *fake);
/* Both as text, the same if they agree. */
void reference_print(const struct reference *reference, struct strangers *strangers, struct text *text);
void reference_print_kernel(struct fake_kernel *fake, struct text *text);

#endif
