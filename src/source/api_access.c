#include "source/api_access.h"

#include "access_private.h"
#include "api_client_url.h"
#include "base/memory.h"
#include "base/text.h"
#include "kept_file.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static void free_list(char **texts)
{
	for (char **text = texts; text && *text; text++)
		free(*text);
	free(texts);
}

static void wipe(char *secret, size_t length)
{
	if (secret)
		explicit_bzero(secret, length);
	free(secret);
}

static void blob_done(struct api_blob *blob)
{
	free(blob->file);
	wipe(blob->bytes, blob->length);
}

static void exec_free(struct api_exec_plugin *exec)
{
	if (!exec)
		return;
	free(exec->command);
	free_list(exec->arguments);
	free_list(exec->environment);
	free(exec->cluster_config);
	free(exec->install_hint);
	free(exec->api_version);
	free(exec);
}

static void wipe_text(char *secret)
{
	wipe(secret, secret ? strlen(secret) : 0);
}

void api_access_free(struct api_access *access)
{
	if (!access)
		return;
	blob_done(&access->authority);
	blob_done(&access->certificate);
	blob_done(&access->key);
	wipe_text(access->token);
	wipe_text(access->password);
	free(access->server);
	free(access->token_file);
	free(access->username);
	free(access->server_name);
	free(access->proxy_url);
	exec_free(access->exec);
	for (size_t i = 0; i < access->warning_count; i++)
		free(access->warnings[i]);
	free(access->warnings);
	free(access);
}

void api_access_warn(struct api_access *access, const char *format, ...)
{
	struct text warning = {0};
	va_list arguments;
	va_start(arguments, format);
	text_add_list(&warning, format, arguments);
	va_end(arguments);
	access->warnings =
	        memory_resize(access->warnings, access->warning_count + 1, sizeof(*access->warnings));
	access->warnings[access->warning_count++] = warning.bytes;
}

const char *api_access_set_server(struct api_access *access, const char *url)
{
	bool tls = access->authority.file || access->authority.bytes || access->certificate.file ||
	           access->certificate.bytes || access->insecure;
	const char *wrong;
	char *server = api_url_normalize(url, tls ? "https" : "http", &wrong);
	if (!server)
		return wrong;
	free(access->server);
	access->server = server;
	return NULL;
}

int api_access_check_pem_file(const char *path)
{
	auto_text text = {0};
	int error = text_read_file(path, KEPT_FILE_LIMIT, &text);
	if (error == 0 && !strstr(text_string(&text), "-----BEGIN "))
		error = -EBADMSG;
	if (text.length)
		explicit_bzero(text.bytes, text.length);
	return error;
}

/* The server alone, without credentials: an API server that lets everybody in, on this machine or for a test. */
static int read_master(const char *master, struct api_access *access, struct fault *fault)
{
	const char *wrong = api_access_set_server(access, master);
	fault_place(fault, "--master");
	return wrong ? fault_set(fault, NULL, "\"%s\": %s", master, wrong) : 0;
}

static bool is_given(const char *text)
{
	return text && *text;
}

static void warn_of_plain_credentials(struct api_access *access)
{
	bool secret = access->token || access->token_file || access->password || access->exec;
	if (secret && strncmp(access->server, "http://", 7) == 0)
		api_access_warn(access, "%s: the credentials travel in the clear; use https", access->server);
}

int api_access_read(const struct api_access_options *options, struct api_access **ret_access,
                    struct fault *fault)
{
	struct api_access *access = memory_alloc(sizeof(*access));
	const char *master = is_given(options->master) ? options->master : NULL;
	int result;
	if (is_given(options->kubeconfig))
		result = kubeconfig_read(options->kubeconfig, master, access, fault);
	else if (master)
		result = read_master(master, access, fault);
	else
		result = in_cluster_read(options->service_account_directory, access, fault);
	if (result) {
		api_access_free(access);
		return result;
	}
	warn_of_plain_credentials(access);
	if (fault)
		*fault = (struct fault){0};
	*ret_access = access;
	return 0;
}
