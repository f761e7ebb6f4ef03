#include "exec_credential.h"

#include "base/memory.h"
#include "base64.h"
#include "decoder.h"
#include "secret_text.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static json_t *describe_cluster(const struct api_access *access, const char *authority,
                                size_t authority_length)
{
	json_t *cluster = json_pack("{s:s}", "server", access->server);
	if (access->server_name)
		json_object_set_new(cluster, "tls-server-name", json_string(access->server_name));
	if (access->insecure)
		json_object_set_new(cluster, "insecure-skip-tls-verify", json_true());
	if (access->plain_answers)
		json_object_set_new(cluster, "disable-compression", json_true());
	if (access->proxy_url)
		json_object_set_new(cluster, "proxy-url", json_string(access->proxy_url));
	if (authority) {
		char *text auto_free = base64_encode(authority, authority_length);
		json_object_set_new(cluster, "certificate-authority-data", json_string(text));
	}
	if (access->exec->cluster_config)
		json_object_set_new(cluster, "config",
		                    json_loads(access->exec->cluster_config, JSON_DECODE_ANY, NULL));
	return cluster;
}

char *exec_credential_ask(const struct api_access *access, const char *authority, size_t authority_length)
{
	json_t *info = json_pack("{s:s, s:s, s:{s:b}}", "kind", "ExecCredential", "apiVersion",
	                         access->exec->api_version, "spec", "interactive", 0);
	if (access->exec->provide_cluster_info)
		json_object_set_new(json_object_get(info, "spec"), "cluster",
		                    describe_cluster(access, authority, authority_length));
	char *text = json_dumps(info, JSON_COMPACT);
	json_decref(info);
	return text ? text : memory_copy_text("{}");
}

static const char *text_at(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text && *text ? text : NULL;
}

static int read_token(const char *token, char **ret_token, const char **ret_wrong)
{
	if (!token)
		return 0;
	*ret_token = secret_text(token, strlen(token));
	if (!*ret_token)
		*ret_wrong = "status.token must be one line of printable characters";
	return *ret_wrong ? FAULT_REFUSED : 0;
}

static int read_status(const json_t *status, struct exec_credential *credential, const char **ret_wrong)
{
	const char *certificate = text_at(status, "clientCertificateData"),
	           *key = text_at(status, "clientKeyData");
	const char *expires = text_at(status, "expirationTimestamp");
	struct timespec time = {0};
	if (!json_is_object(status))
		*ret_wrong = "there is no status with a token or a certificate";
	else if (!certificate != !key)
		*ret_wrong = "status.clientCertificateData and status.clientKeyData must come together";
	else if (!certificate && !text_at(status, "token"))
		*ret_wrong = "status has neither a token nor a clientCertificateData";
	else if (expires && !timestamp_parse(expires, &time))
		*ret_wrong = "status.expirationTimestamp must be a time such as 2006-01-02T15:04:05Z";
	if (*ret_wrong || read_token(text_at(status, "token"), &credential->token, ret_wrong))
		return FAULT_REFUSED;
	credential->certificate = certificate ? memory_copy_text(certificate) : NULL;
	credential->key = key ? memory_copy_text(key) : NULL;
	credential->expires = time.tv_sec;
	return 0;
}

int exec_credential_parse(const struct api_exec_plugin *plugin, const char *output, size_t length,
                          struct exec_credential *ret_credential, struct fault *fault)
{
	struct exec_credential credential = {0};
	const char *wrong = NULL;
	json_t *answer = json_loadb(output, length, 0, NULL);
	const char *kind = text_at(answer, "kind"), *version = text_at(answer, "apiVersion");
	if (!json_is_object(answer))
		wrong = "it is no JSON object";
	else if (!kind || strcmp(kind, "ExecCredential") != 0)
		wrong = "its kind is not ExecCredential";
	else if (!version || strcmp(version, plugin->api_version) != 0)
		wrong = "its apiVersion is not the one that the kubeconfig names";
	else
		read_status(json_object_get(answer, "status"), &credential, &wrong);
	json_decref(answer);
	if (wrong)
		return fault_set(fault, NULL, "the answer of the credential plug-in %s cannot be used: %s",
		                 plugin->command, wrong);
	*ret_credential = credential;
	return 0;
}

static void wipe(char *text)
{
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
}

void exec_credential_done(struct exec_credential *credential)
{
	wipe(credential->token);
	free(credential->certificate);
	wipe(credential->key);
	*credential = (struct exec_credential){0};
}
