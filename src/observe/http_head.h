/*
 * Text of HTTP/1.x, without sockets: what a request says, and how an answer begins.
 */
#ifndef KUBE_IPVS_OBSERVE_HTTP_HEAD_H
#define KUBE_IPVS_OBSERVE_HTTP_HEAD_H

#include "base/text.h"
#include "observe/http_server.h"

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

enum { HTTP_BODY_BYTES_MAX = 16384 };

struct http_head {
	const char *method;
	const char *path; /* without the query */
	bool close;       /* the client wants no other request after this one, or cannot have one */
	bool body;        /* something follows that belongs to this request */
};

/*
 * Where a request's head ends: the length with its empty line, or 0 when that is not there yet. `*scanned` is where
 * the search goes on next time; 0 at first.
 */
size_t http_head_find_end(const char *bytes, size_t length, size_t *scanned);
/*
 * Reads a whole head, whose bytes it cuts into strings; the texts in *ret_head lie there. 0, or the status that a
 * request has earned that is not well-formed or not wanted.
 */
int http_head_parse(char *bytes, size_t length, struct http_head *ret_head);

/* The answer's head with its empty line; `close`: the connection ends with it. */
void http_head_render(const struct http_answer *answer, bool close, time_t now, struct text *text);
const char *http_status_phrase(int status);

#endif
