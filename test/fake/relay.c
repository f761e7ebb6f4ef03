#include "relay.h"

#include "base/check.h"
#include "base/memory.h"
#include "base/vector.h"

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

struct link {
	struct relay *relay;
	struct bufferevent *near, *far; /* NULL: closed, or not asked for yet */
};

struct relay {
	struct event_base *base;
	struct evconnlistener *listener;
	char *socket_path;
	uint16_t port;
	struct text heads;
	vector_of(struct link *) links;
};

static void link_close(struct link *link)
{
	if (link->near)
		bufferevent_free(link->near);
	if (link->far)
		bufferevent_free(link->far);
	link->near = link->far = NULL;
}

static void pass_on(struct bufferevent *from, void *context)
{
	struct link *link = context;
	struct bufferevent *to = from == link->near ? link->far : link->near;
	if (to)
		evbuffer_add_buffer(bufferevent_get_output(to), bufferevent_get_input(from));
}

static void on_event(struct bufferevent *from, short what, void *context)
{
	(void)from;
	if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
		link_close(context);
}

static void connect_far(struct link *link, const struct sockaddr *address, int size)
{
	link->far = bufferevent_socket_new(link->relay->base, -1, BEV_OPT_CLOSE_ON_FREE);
	CHECK(link->far);
	bufferevent_setcb(link->far, pass_on, NULL, on_event, link);
	bufferevent_setcb(link->near, pass_on, NULL, on_event, link);
	bufferevent_enable(link->far, EV_READ | EV_WRITE);
	if (bufferevent_socket_connect(link->far, address, size) < 0)
		link_close(link);
	else
		pass_on(link->near, link);
}

static void on_head(struct bufferevent *from, void *context)
{
	struct link *link = context;
	struct evbuffer *input = bufferevent_get_input(from);
	struct evbuffer_ptr end = evbuffer_search(input, "\r\n\r\n", 4, NULL);
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	if (end.pos < 0)
		return;
	size_t length = (size_t)end.pos + 4;
	char *head = memory_alloc(length + 1);
	evbuffer_remove(input, head, length);
	text_add(&link->relay->heads, head);
	unsigned port = 0;
	int known = sscanf(head, "CONNECT 127.0.0.1:%u ", &port);
	free(head);
	if (known != 1) {
		link_close(link);
		return;
	}
	address.sin_port = htons((uint16_t)port);
	bufferevent_write(from, "HTTP/1.1 200 there you are\r\n\r\n", 30);
	connect_far(link, (struct sockaddr *)&address, sizeof(address));
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address, int size,
                      void *context)
{
	struct relay *relay = context;
	struct link *link = memory_alloc(sizeof(*link));
	(void)listener;
	(void)address;
	(void)size;
	link->relay = relay;
	link->near = bufferevent_socket_new(relay->base, fd, BEV_OPT_CLOSE_ON_FREE);
	CHECK(link->near);
	vector_push(&relay->links, link);
	bufferevent_setcb(link->near, on_head, NULL, on_event, link);
	bufferevent_enable(link->near, EV_READ | EV_WRITE);
	if (!relay->socket_path)
		return;
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	CHECK(strlen(relay->socket_path) < sizeof(to.sun_path));
	strcpy(to.sun_path, relay->socket_path);
	connect_far(link, (struct sockaddr *)&to, sizeof(to));
}

struct relay *relay_start(struct event_base *base, const char *socket_path)
{
	struct relay *relay = memory_alloc(sizeof(*relay));
	struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(here);
	relay->base = base;
	relay->socket_path = socket_path ? memory_copy_text(socket_path) : NULL;
	relay->listener = evconnlistener_new_bind(base, on_accept, relay, LEV_OPT_CLOSE_ON_FREE, 16,
	                                          (struct sockaddr *)&here, sizeof(here));
	CHECK(relay->listener);
	CHECK(getsockname(evconnlistener_get_fd(relay->listener), (struct sockaddr *)&here, &size) == 0);
	relay->port = ntohs(here.sin_port);
	return relay;
}

void relay_stop(struct relay *relay)
{
	if (!relay)
		return;
	vector_for_each (&relay->links, link) {
		link_close(*link);
		free(*link);
	}
	vector_done(&relay->links);
	evconnlistener_free(relay->listener);
	text_done(&relay->heads);
	free(relay->socket_path);
	free(relay);
}

uint16_t relay_port(const struct relay *relay)
{
	return relay->port;
}

size_t relay_count_connections(const struct relay *relay)
{
	return relay->links.count;
}

const char *relay_heads(const struct relay *relay)
{
	return text_string(&relay->heads);
}
