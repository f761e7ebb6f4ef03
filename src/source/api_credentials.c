/*
 * A plug-in's failure is told to every request that waited for it; the next request after that tries again. So the
 * failure is kept until the waiting ones have asked.
 */
#include "api_credentials.h"

#include "base/memory.h"
#include "clock.h"
#include "exec_credential.h"
#include "exec_plugin.h"
#include "kept_file.h"
#include "secret_text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct api_credentials {
	struct event_base *base;
	const struct api_access *access;
	int64_t exec_limit_ms;
	void (*came)(void *context);
	void *context;
	uint64_t generation;
	bool stale; /* the server said 401 to them */

	struct kept_file token_file, authority, certificate, key; /* path NULL: none */
	char *file_token;

	struct exec_run *run;
	struct exec_credential exec;
	bool have_exec;
	int exec_error; /* of the run that just ended */
	struct fault exec_fault;
	bool just_came; /* those who waited have not asked yet */
};

struct api_credentials *api_credentials_open(struct event_base *base, const struct api_access *access,
                                             int64_t exec_limit_ms, void (*came)(void *context),
                                             void *context)
{
	struct api_credentials *credentials = memory_alloc(sizeof(*credentials));
	*credentials = (struct api_credentials){.base = base,
	                                        .access = access,
	                                        .exec_limit_ms = exec_limit_ms,
	                                        .came = came,
	                                        .context = context,
	                                        .generation = 1};
	if (access->token_file)
		kept_file_init(&credentials->token_file, access->token_file);
	if (access->authority.file && !access->authority.bytes)
		kept_file_init(&credentials->authority, access->authority.file);
	if (access->certificate.file && !access->certificate.bytes)
		kept_file_init(&credentials->certificate, access->certificate.file);
	if (access->key.file && !access->key.bytes)
		kept_file_init(&credentials->key, access->key.file);
	return credentials;
}

void api_credentials_close(struct api_credentials *credentials)
{
	if (!credentials)
		return;
	exec_plugin_cancel(credentials->run);
	exec_credential_done(&credentials->exec);
	kept_file_done(&credentials->token_file);
	kept_file_done(&credentials->authority);
	kept_file_done(&credentials->certificate);
	kept_file_done(&credentials->key);
	free(credentials->file_token);
	free(credentials);
}

/* A file of the access, or the bytes that stand in its place. */
static int refresh_blob(struct api_credentials *credentials, const char *what, const struct api_blob *blob,
                        struct kept_file *file, bool *ret_changed, struct credential_bytes *ret_bytes,
                        struct fault *fault)
{
	if (!file->path) {
		*ret_bytes = (struct credential_bytes){blob->bytes, blob->length};
		return 0;
	}
	int error = kept_file_refresh(file, credentials->stale, clock_ms(), ret_changed);
	if (error < 0) {
		fault_set(fault, NULL, "the %s %s cannot be read: %s", what, file->path, strerror(-error));
		return error;
	}
	*ret_bytes = (struct credential_bytes){text_string(&file->text), file->text.length};
	return 0;
}

/* A file that is away or holds nonsense leaves the token that is there, be it the literal one. */
static int refresh_token(struct api_credentials *credentials, bool *ret_changed, const char **ret_token,
                         struct fault *fault)
{
	const struct api_access *access = credentials->access;
	struct kept_file *file = &credentials->token_file;
	*ret_token = access->token;
	if (!file->path)
		return 0;
	bool changed = false;
	int error = kept_file_refresh(file, credentials->stale, clock_ms(), &changed);
	char *token = changed ? secret_text(text_string(&file->text), file->text.length) : NULL;
	if (token) {
		free(credentials->file_token);
		credentials->file_token = token;
		*ret_changed = true;
	}
	if (credentials->file_token)
		*ret_token = credentials->file_token;
	if (*ret_token)
		return 0;
	error = error < 0 ? error : -EINVAL;
	fault_set(fault, NULL, "the token file %s cannot be used: %s", file->path,
	          error == -EINVAL ? "it must hold one line, the token" : strerror(-error));
	return error;
}

static void on_exec_ended(void *context, const struct exec_end *end)
{
	struct api_credentials *credentials = context;
	struct exec_credential fresh = {0};
	int error = end->error;
	credentials->run = NULL;
	if (error < 0)
		fault_set(&credentials->exec_fault, NULL, "%s", end->sentence);
	else if (exec_credential_parse(credentials->access->exec, end->output, end->length, &fresh,
	                               &credentials->exec_fault))
		error = -EBADMSG;
	credentials->exec_error = error;
	if (error == 0) {
		exec_credential_done(&credentials->exec);
		credentials->exec = fresh;
		credentials->have_exec = true;
		credentials->generation++;
	}
	credentials->just_came = true;
	credentials->came(credentials->context);
}

static int run_plugin(struct api_credentials *credentials, const struct credential *known,
                      struct fault *fault)
{
	char *info =
	        exec_credential_ask(credentials->access, known->authority.bytes, known->authority.length);
	int error = exec_plugin_start(credentials->base, credentials->access->exec, info,
	                              credentials->exec_limit_ms, on_exec_ended, credentials,
	                              &credentials->run, fault);
	free(info);
	return error < 0 ? error : CREDENTIALS_WAIT;
}

static int refresh_exec(struct api_credentials *credentials, struct credential *credential,
                        struct fault *fault)
{
	struct exec_credential *exec = &credentials->exec;
	if (credentials->run)
		return CREDENTIALS_WAIT;
	if (credentials->exec_error < 0) {
		*fault = credentials->exec_fault;
		return credentials->exec_error;
	}
	/* What has just come is used even if it has expired meanwhile: asking again might not end. */
	bool fresh = credentials->have_exec && credentials->just_came;
	if (!credentials->have_exec || (!fresh && exec->expires && time(NULL) >= exec->expires))
		return run_plugin(credentials, credential, fault);
	if (exec->token)
		credential->token = exec->token;
	if (exec->certificate) {
		credential->certificate =
		        (struct credential_bytes){exec->certificate, strlen(exec->certificate)};
		credential->key = (struct credential_bytes){exec->key, strlen(exec->key)};
	}
	return 0;
}

int api_credentials_get(struct api_credentials *credentials, struct credential *ret_credential,
                        struct fault *fault)
{
	const struct api_access *access = credentials->access;
	struct credential credential = {0};
	bool changed = false;
	int error = refresh_blob(credentials, "certificate authority", &access->authority,
	                         &credentials->authority, &(bool){false}, &credential.authority, fault);
	if (error == 0)
		error = refresh_blob(credentials, "client certificate", &access->certificate,
		                     &credentials->certificate, &changed, &credential.certificate, fault);
	if (error == 0)
		error = refresh_blob(credentials, "client key", &access->key, &credentials->key, &changed,
		                     &credential.key, fault);
	if (error == 0)
		error = refresh_token(credentials, &changed, &credential.token, fault);
	if (changed || (credentials->stale && error == 0))
		credentials->generation++;
	if (error == 0) {
		credentials->stale = false;
		if (access->exec)
			error = refresh_exec(credentials, &credential, fault);
	}
	credential.generation = credentials->generation;
	*ret_credential = credential;
	return error;
}

void api_credentials_refused(struct api_credentials *credentials, uint64_t generation)
{
	if (generation != credentials->generation)
		return;
	credentials->stale = true;
	credentials->have_exec = false;
}

void api_credentials_settle(struct api_credentials *credentials)
{
	credentials->just_came = false;
	credentials->exec_error = 0;
}
