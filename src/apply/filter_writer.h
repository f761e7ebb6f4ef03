/*
 * The packet filter's commands, handed over to libnftables: the real transport's half of apply/transport.h.
 *
 * libnftables says only that something failed; what and where is in its words, so the errno is found there.
 */
#ifndef KUBE_IPVS_APPLY_FILTER_WRITER_H
#define KUBE_IPVS_APPLY_FILTER_WRITER_H

#include "base/text.h"

#include <stdbool.h>

/* As kernel_transport's filter_run and filter_close. */
int filter_writer_run(void *context, void **session, const char *commands, struct text *ret_words);
void filter_writer_close(void *context, void *session);

/*
 * Adds one clear sentence about a failure to `ret_words`: what libnftables said, without its decoration, and with
 * `quoted` the part of the commands that it points at. Returns the negative errno that the words name; -EINVAL when they
 * name none.
 */
int filter_writer_explain(const char *said, bool quoted, struct text *ret_words);

#endif
