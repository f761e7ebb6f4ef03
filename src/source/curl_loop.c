#include "curl_loop.h"

#include "base/check.h"
#include "base/memory.h"

#include <event2/event.h>
#include <stdlib.h>

struct curl_loop {
	struct event_base *base;
	CURLM *multi;
	struct event *timer;
	void (*done)(CURL *easy, CURLcode result);
	size_t transfers;
	int depth; /* how often we are inside curl */
};

static void tell_ended(struct curl_loop *loop)
{
	int left;
	CURLMsg *message;
	while ((message = curl_multi_info_read(loop->multi, &left)))
		if (message->msg == CURLMSG_DONE) {
			/* The message is gone with the handle. */
			CURL *easy = message->easy_handle;
			CURLcode result = message->data.result;
			loop->done(easy, result);
		}
}

static void act(struct curl_loop *loop, curl_socket_t socket, int what)
{
	int running;
	loop->depth++;
	curl_multi_socket_action(loop->multi, socket, what, &running);
	loop->depth--;
	tell_ended(loop);
}

static void on_socket(evutil_socket_t fd, short what, void *context)
{
	act(context, fd, (what & EV_READ ? CURL_CSELECT_IN : 0) | (what & EV_WRITE ? CURL_CSELECT_OUT : 0));
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	act(context, CURL_SOCKET_TIMEOUT, 0);
}

static int set_timer(CURLM *multi, long delay_ms, void *context)
{
	struct curl_loop *loop = context;
	const struct timeval delay = {.tv_sec = delay_ms / 1000, .tv_usec = delay_ms % 1000 * 1000};
	(void)multi;
	if (delay_ms < 0)
		event_del(loop->timer);
	else
		event_add(loop->timer, &delay);
	return 0;
}

static int set_socket(CURL *easy, curl_socket_t socket, int what, void *context, void *assigned)
{
	struct curl_loop *loop = context;
	struct event *event = assigned;
	(void)easy;
	if (event)
		event_free(event);
	event = NULL;
	if (what != CURL_POLL_REMOVE) {
		short wanted = (short)((what & CURL_POLL_IN ? EV_READ : 0) |
		                       (what & CURL_POLL_OUT ? EV_WRITE : 0) | EV_PERSIST);
		event = event_new(loop->base, socket, wanted, on_socket, loop);
		if (event)
			event_add(event, NULL);
	}
	curl_multi_assign(loop->multi, socket, event);
	return 0;
}

struct curl_loop *curl_loop_open(struct event_base *base, void (*done)(CURL *easy, CURLcode result))
{
	struct curl_loop *loop = memory_alloc(sizeof(*loop));
	*loop = (struct curl_loop){.base = base, .done = done};
	loop->multi = curl_multi_init();
	loop->timer = event_new(base, -1, 0, on_timer, loop);
	CHECK(loop->multi && loop->timer);
	curl_multi_setopt(loop->multi, CURLMOPT_SOCKETFUNCTION, set_socket);
	curl_multi_setopt(loop->multi, CURLMOPT_SOCKETDATA, loop);
	curl_multi_setopt(loop->multi, CURLMOPT_TIMERFUNCTION, set_timer);
	curl_multi_setopt(loop->multi, CURLMOPT_TIMERDATA, loop);
	curl_multi_setopt(loop->multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
	return loop;
}

void curl_loop_close(struct curl_loop *loop)
{
	if (!loop)
		return;
	CHECK(!loop->depth && !loop->transfers);
	curl_multi_cleanup(loop->multi);
	event_free(loop->timer);
	free(loop);
}

CURLMcode curl_loop_add(struct curl_loop *loop, CURL *easy)
{
	CHECK(!loop->depth);
	CURLMcode result = curl_multi_add_handle(loop->multi, easy);
	if (result == CURLM_OK)
		loop->transfers++;
	return result;
}

void curl_loop_remove(struct curl_loop *loop, CURL *easy)
{
	CHECK(!loop->depth && loop->transfers);
	loop->depth++; /* curl may call the transfer's functions a last time */
	curl_multi_remove_handle(loop->multi, easy);
	loop->depth--;
	loop->transfers--;
}

bool curl_loop_is_inside(const struct curl_loop *loop)
{
	return loop->depth > 0;
}

size_t curl_loop_count(const struct curl_loop *loop)
{
	return loop->transfers;
}
