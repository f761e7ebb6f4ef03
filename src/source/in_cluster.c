#include "access_private.h"
#include "base/memory.h"
#include "base/text.h"
#include "kept_file.h"
#include "secret_text.h"

#include <stdlib.h>
#include <string.h>

/* What kubelet gives every pod. */
static int find_server(struct api_access *access, struct fault *fault)
{
	const char *host = getenv("KUBERNETES_SERVICE_HOST"), *port = getenv("KUBERNETES_SERVICE_PORT");
	if (!host || !*host || !port || !*port)
		return fault_set(
		        fault, NULL,
		        "neither --kubeconfig nor --master is given, and this is no pod of a cluster "
		        "(KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not both set); name a "
		        "kubeconfig with --kubeconfig, or a directory of manifests with --manifests");
	auto_text url = {0};
	text_addf(&url, strchr(host, ':') ? "https://[%s]:%s" : "https://%s:%s", host, port);
	const char *wrong = api_access_set_server(access, text_string(&url));
	if (!wrong)
		return 0;
	fault_place(fault, "KUBERNETES_SERVICE_HOST");
	return fault_set(fault, NULL, "%s %s", text_string(&url), wrong);
}

static int check_token(const char *path, struct fault *fault)
{
	auto_text text = {0};
	int error = text_read_file(path, KEPT_FILE_LIMIT, &text);
	char *token = error < 0 ? NULL : secret_text(text_string(&text), text.length);
	if (token) {
		explicit_bzero(token, strlen(token));
		free(token);
		return 0;
	}
	fault_place(fault, "%s", path);
	return fault_set(
	        fault, NULL,
	        "neither --kubeconfig nor --master is given, and this pod's token cannot be used: %s; is "
	        "automountServiceAccountToken false?",
	        error < 0 ? strerror(-error) : "it must be one line of printable characters");
}

int in_cluster_read(const char *directory, struct api_access *access, struct fault *fault)
{
	auto_text token = {0};
	auto_text authority = {0};
	const char *from = directory ? directory : SERVICE_ACCOUNT_DIRECTORY;
	int result = find_server(access, fault);
	if (result)
		return result;
	text_addf(&token, "%s/token", from);
	text_addf(&authority, "%s/ca.crt", from);
	result = check_token(token.bytes, fault);
	if (result)
		return result;
	access->in_cluster = true;
	access->token_file = memory_copy_text(token.bytes);
	int error = api_access_check_pem_file(authority.bytes);
	if (error == 0)
		access->authority.file = memory_copy_text(authority.bytes);
	else
		api_access_warn(
		        access,
		        "%s: cannot be used (%s), so the API server's certificate is checked against the "
		        "authorities of this system",
		        authority.bytes, strerror(-error));
	return 0;
}
