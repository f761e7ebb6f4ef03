/*
 * Why a transfer failed, for a person at night: what is wrong, what it may be, and what curl or the TLS library said.
 */
#include "api_client_private.h"
#include "base/memory.h"
#include "base/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct meaning {
	long code;
	int error;
	const char *text;
	bool with_detail; /* what curl said says more than the text */
};

/* X509_V_ERR_... of OpenSSL, which curl hands on as they are; 1 is what curl leaves there when it compares names. */
static const struct meaning VERDICTS[] = {
        {9, -EKEYREJECTED, "the server's certificate is not valid yet; is the clock of this node right?",
         false},
        {10, -EKEYREJECTED, "the server's certificate has expired; is the clock of this node right?", false},
        {18, -EKEYREJECTED,
         "the server's certificate is not signed by the given authority: it is signed by itself", false},
        {19, -EKEYREJECTED,
         "the server's certificate is not signed by the given authority, but by another that it brings along",
         false},
        {20, -EKEYREJECTED,
         "the server's certificate is not signed by the given authority; is the certificate-authority that "
         "of "
         "this cluster?",
         false},
        {21, -EKEYREJECTED,
         "the server's certificate is not signed by the given authority; is the certificate-authority that "
         "of "
         "this cluster?",
         false},
        {23, -EKEYREJECTED, "the server's certificate has been revoked", false},
        {1, -EKEYREJECTED,
         "the server's certificate is for another name or address than the one that is connected to; "
         "tls-server-name can name the one to expect",
         true},
};

static const struct meaning FAILURES[] = {
        {CURLE_COULDNT_RESOLVE_HOST, -EHOSTUNREACH, "the server's name cannot be looked up", true},
        {CURLE_COULDNT_RESOLVE_PROXY, -EHOSTUNREACH, "the proxy's name cannot be looked up", true},
        {CURLE_OPERATION_TIMEDOUT, -ETIMEDOUT, "no connection within the time limit", true},
        {CURLE_SSL_CONNECT_ERROR, -EPROTO, "no TLS connection: does this port speak TLS?", true},
        {CURLE_SSL_CERTPROBLEM, -EKEYREJECTED, "the client certificate or its key cannot be used", true},
        {CURLE_SSL_CACERT_BADFILE, -EKEYREJECTED, "the certificate authority cannot be used", true},
        {CURLE_SSL_CIPHER, -EPROTO, "the server speaks no TLS that we do", true},
        {CURLE_GOT_NOTHING, -ECONNRESET, "the server closed the connection without an answer", false},
        {CURLE_PARTIAL_FILE, -ECONNRESET, "the answer broke off", true},
        {CURLE_SEND_ERROR, -ECONNRESET, "the connection broke", true},
        {CURLE_RECV_ERROR, -ECONNRESET, "the connection broke", true},
        {CURLE_HTTP2, -ECONNRESET, "the HTTP/2 connection broke", true},
        {CURLE_HTTP2_STREAM, -ECONNRESET, "the server ended the answer before its end", true},
        {CURLE_WEIRD_SERVER_REPLY, -EPROTO, "what answers is no HTTP server", true},
        {CURLE_UNSUPPORTED_PROTOCOL, -EPROTO, "what answers is no HTTP server", true},
        {CURLE_HTTP_RETURNED_ERROR, -EPROTO, "the proxy refused the connection", true},
        {CURLE_PROXY, -EPROTO, "the proxy refused the connection", true},
        {CURLE_BAD_CONTENT_ENCODING, -EBADMSG, "the packed answer cannot be unpacked", true},
        {CURLE_WRITE_ERROR, -EBADMSG, "the packed answer cannot be unpacked", true},
        {CURLE_OUT_OF_MEMORY, -ENOMEM, "there is no memory", false},
};

static const struct meaning OTHER = {0, -EIO, "the request failed", true};

static const struct meaning *find_meaning(const struct meaning *meanings, size_t count, long code)
{
	for (size_t i = 0; i < count; i++)
		if (meanings[i].code == code)
			return &meanings[i];
	return NULL;
}

#define FIND(meanings, code) find_meaning((meanings), sizeof(meanings) / sizeof(*(meanings)), (code))

static struct meaning find_verdict(const struct api_call *call)
{
	static const struct meaning unknown = {0, -EKEYREJECTED, "the server's certificate is not accepted",
	                                       true};
	long verdict = 0;
	curl_easy_getinfo(call->easy, CURLINFO_SSL_VERIFYRESULT, &verdict);
	const struct meaning *known = FIND(VERDICTS, verdict);
	return known ? *known : unknown;
}

/* The kernel's word where there is one: refused, unreachable. */
static struct meaning find_connect_failure(const struct api_call *call)
{
	long number = 0;
	curl_easy_getinfo(call->easy, CURLINFO_OS_ERRNO, &number);
	if (!number)
		return (struct meaning){0, -ECONNREFUSED, "no connection", true};
	return (struct meaning){0, -(int)number, strerror((int)number), false};
}

static struct meaning find_failure(const struct api_call *call, CURLcode result)
{
	if (result == CURLE_COULDNT_CONNECT)
		return find_connect_failure(call);
	if (result == CURLE_PEER_FAILED_VERIFICATION)
		return find_verdict(call);
	const struct meaning *known = FIND(FAILURES, (long)result);
	return known ? *known : OTHER;
}

char *transfer_sentence(const struct api_call *call, CURLcode result, int *ret_error)
{
	if (call->handler_error) { /* who gave up knows why */
		*ret_error = call->handler_error;
		return NULL;
	}
	struct meaning meaning = find_failure(call, result);
	struct text sentence = {0};
	text_addf(&sentence, "%s: %s", call->client->access->server, meaning.text);
	if (meaning.with_detail)
		text_addf(&sentence, " (%s)", *call->detail ? call->detail : curl_easy_strerror(result));
	*ret_error = meaning.error;
	return sentence.bytes;
}
