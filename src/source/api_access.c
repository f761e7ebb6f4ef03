#include "source/api_access.h"

#include "base/memory.h"

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
