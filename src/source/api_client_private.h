/*
 * The client's inside: calls wait for their turn and for credentials, run, are over, are told.
 *
 * Handlers are called from two places. `began` and `received` are called from within curl, where no transfer can be
 * added or removed; so a call that starts or is cancelled there is only marked, and `pump` does it afterwards. `ended`
 * is called from an event of its own as the last thing done there, so that anything may be done in it, closing the
 * client included.
 *
 * All calls share one curl_loop and so its connections. One that fell silent, or whose certificate the server refused,
 * must not be joined by new calls: the client then opens another curl_loop, and the old one goes with its last call.
 */
#ifndef KUBE_IPVS_SOURCE_API_CLIENT_PRIVATE_H
#define KUBE_IPVS_SOURCE_API_CLIENT_PRIVATE_H

#include "api_credentials.h"
#include "base/vector.h"
#include "curl_loop.h"
#include "rate_limit.h"
#include "source/api_client.h"

#include <sys/queue.h>

struct event;

TAILQ_HEAD(api_calls, api_call);

struct api_client {
	struct event_base *base;
	struct api_access *access;
	char *user_agent;
	int64_t connect_limit_ms;
	struct rate_limit rate;
	struct api_credentials *credentials;
	struct curl_loop *loop; /* for new calls */
	vector_of(struct curl_loop *) retired;
	struct api_calls waiting, running, over, dropped;
	struct event *pump; /* there is something to start or to release */
	struct event *tell; /* there are calls that are over */
};

struct api_call {
	TAILQ_ENTRY(api_call) link;
	struct api_calls *list; /* the one it is in */
	struct api_client *client;
	struct api_handler handler;
	char *method, *path, *body, *content_type;
	size_t body_length;
	bool is_watch;
	int64_t quiet_limit_ms, total_limit_ms;
	bool has_turn; /* the rate let it pass */

	struct curl_loop *loop; /* NULL: not under way */
	CURL *easy;
	struct curl_slist *headers, *connect_to;
	char detail[CURL_ERROR_SIZE];
	uint64_t generation; /* of its credentials */
	struct event *quiet, *total;
	int64_t heard_ms;  /* when the last bytes came */
	int handler_error; /* what `received` returned */

	int error, status;
	int64_t retry_after_ms;
	char *sentence;
};

/* api_client.c */
void api_call_move(struct api_call *call, struct api_calls *list);
/* Takes the sentence. Ends the call, if it runs as well, and has it told. */
void api_call_end(struct api_call *call, int error, char *sentence);
/* New calls make connections of their own. */
void api_client_retire_connections(struct api_client *client);

/* api_client_transfer.c: one call's curl handle */
void transfer_start(struct api_call *call, const struct credential *credential);
void transfer_stop(struct api_call *call);
void transfer_done(CURL *easy, CURLcode result);

/* api_client_limits.c */
void limits_start_total(struct api_call *call);
void limits_start_quiet(struct api_call *call);
void limits_stop(struct api_call *call);

/* api_client_sentence.c: gives why a transfer failed, and the errno for it. */
char *transfer_sentence(const struct api_call *call, CURLcode result, int *ret_error);

#endif
