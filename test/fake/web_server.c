#include "web_server.h"

#include "base/check.h"
#include "base/memory.h"
#include "base/vector.h"

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/socket.h>

struct web_server {
	struct web_server_options options;
	struct evhttp *http;
	SSL_CTX *tls;
	uint16_t port;
	struct text log;
	size_t connections;
	vector_of(struct evhttp_request *) held;
};

static SSL_CTX *open_tls(const struct web_server_options *options)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
	CHECK(tls);
	CHECK(SSL_CTX_use_certificate_chain_file(tls, options->certificate) == 1);
	CHECK(SSL_CTX_use_PrivateKey_file(tls, options->key, SSL_FILETYPE_PEM) == 1);
	if (options->client_authority) {
		CHECK(SSL_CTX_load_verify_locations(tls, options->client_authority, NULL) == 1);
		SSL_CTX_set_verify(tls, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	}
	return tls;
}

static struct bufferevent *on_connection(struct event_base *base, void *context)
{
	struct web_server *server = context;
	server->connections++;
	if (!server->tls)
		return bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
	struct bufferevent *connection = bufferevent_openssl_socket_new(
	        base, -1, SSL_new(server->tls), BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
	bufferevent_openssl_set_allow_dirty_shutdown(connection, 1);
	return connection;
}

static const char *method_name(struct evhttp_request *request)
{
	switch (evhttp_request_get_command(request)) {
	case EVHTTP_REQ_POST:
		return "POST";
	case EVHTTP_REQ_PATCH:
		return "PATCH";
	default:
		return "GET";
	}
}

static void write_down(struct web_server *server, struct evhttp_request *request)
{
	struct evkeyval *header;
	text_addf(&server->log, "%s %s\n", method_name(request), evhttp_request_get_uri(request));
	TAILQ_FOREACH(header, evhttp_request_get_input_headers(request), next)
	text_addf(&server->log, "%s: %s\n", header->key, header->value);
	if (server->tls) {
		struct bufferevent *connection =
		        evhttp_connection_get_bufferevent(evhttp_request_get_connection(request));
		const char *name = SSL_get_servername(bufferevent_openssl_get_ssl(connection),
		                                      TLSEXT_NAMETYPE_host_name);
		if (name)
			text_addf(&server->log, "sni %s\n", name);
	}
	struct evbuffer *body = evhttp_request_get_input_buffer(request);
	size_t length = evbuffer_get_length(body);
	if (length)
		text_addf(&server->log, "body %.*s\n", (int)length, (char *)evbuffer_pullup(body, -1));
}

static void on_request(struct evhttp_request *request, void *context)
{
	struct web_server *server = context;
	write_down(server, request);
	server->options.answer(request, server->options.context);
}

static uint16_t port_of(evutil_socket_t fd)
{
	struct sockaddr_storage address;
	socklen_t size = sizeof(address);
	CHECK(getsockname(fd, (struct sockaddr *)&address, &size) == 0);
	return ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
	                                           : ((struct sockaddr_in *)&address)->sin_port);
}

struct web_server *web_server_start(struct event_base *base, const struct web_server_options *options)
{
	struct web_server *server = memory_alloc(sizeof(*server));
	server->options = *options;
	server->http = evhttp_new(base);
	CHECK(server->http);
	if (options->certificate)
		server->tls = open_tls(options);
	evhttp_set_bevcb(server->http, on_connection, server);
	evhttp_set_gencb(server->http, on_request, server);
	evhttp_set_allowed_methods(server->http, EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_PATCH);
	struct evhttp_bound_socket *bound = evhttp_bind_socket_with_handle(
	        server->http, options->address ? options->address : "127.0.0.1", 0);
	CHECK(bound);
	server->port = port_of(evhttp_bound_socket_get_fd(bound));
	return server;
}

void web_server_stop(struct web_server *server)
{
	if (!server)
		return;
	/* evhttp releases them with their connections, but leaves them to us when the client went first. */
	vector_for_each (&server->held, request)
		if (!evhttp_request_get_connection(*request))
			evhttp_request_free(*request);
	vector_done(&server->held);
	evhttp_free(server->http);
	SSL_CTX_free(server->tls);
	text_done(&server->log);
	free(server);
}

void web_server_hold(struct web_server *server, struct evhttp_request *request)
{
	vector_push(&server->held, request);
}

uint16_t web_server_port(const struct web_server *server)
{
	return server->port;
}

struct text *web_server_log(struct web_server *server)
{
	return &server->log;
}

size_t web_server_count_connections(const struct web_server *server)
{
	return server->connections;
}
