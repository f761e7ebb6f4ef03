/*
 * Configuration documents and what is read from them: kubeconfigs, and what a credential plug-in answers.
 */
#include "fuzz.h"

#include "access_private.h"
#include "base/memory.h"
#include "exec_credential.h"
#include "source/document.h"

#include <stdio.h>

static void read_document(const char *text, size_t length)
{
	struct document document;
	struct fault fault = {0};
	if (document_parse("fuzz.conf", text, length, &document, &fault)) {
		fuzz_check_fault(&fault);
		return;
	}
	CHECK(json_is_object(document.value));
	for (size_t i = 0; i < document.duplicate_count; i++)
		CHECK(document_line(&document, document.duplicates[i]) >= 1);
	const char *key;
	json_t *value;
	json_object_foreach(document.value, key, value)
	        CHECK(document_refuse(&document, key, &fault, "%s", "no") == FAULT_REFUSED);
	document_done(&document);
}

static void read_kubeconfig(const char *text, size_t length)
{
	struct api_access *access = memory_alloc(sizeof(*access));
	struct fault fault = {0};
	int r = kubeconfig_parse("fuzz.conf", text, length, access, &fault);
	if (r)
		fuzz_check_fault(&fault);
	else
		CHECK(access->server && access->server[0]);
	if (!r && access->exec)
		free(exec_credential_ask(access, access->authority.bytes, access->authority.length));
	api_access_free(access);
}

static void read_answer(const char *text, size_t length)
{
	char command[] = "plug-in", version[] = "client.authentication.k8s.io/v1";
	const struct api_exec_plugin plugin = {.command = command, .api_version = version};
	struct exec_credential credential = {0};
	struct fault fault = {0};
	if (exec_credential_parse(&plugin, text, length, &credential, &fault))
		fuzz_check_fault(&fault);
	else
		CHECK(credential.token || credential.certificate);
	exec_credential_done(&credential);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	char *text = fuzz_text(bytes, length);
	read_document(text, length);
	read_kubeconfig(text, length);
	read_answer(text, length);
	free(text);
	return 0;
}
