/*
 * A kubeconfig: from current-context to the context, from there to its cluster and its user. What it names elsewhere is
 * not looked at.
 */
#include "api_client_url.h"
#include "base/memory.h"
#include "base/text.h"
#include "kubeconfig_section.h"

#include <stdlib.h>
#include <string.h>

#define FILE_LIMIT ((size_t)4 << 20)

static const char *const CLUSTER_FIELDS[] = {"server",
                                             "tls-server-name",
                                             "insecure-skip-tls-verify",
                                             "certificate-authority",
                                             "certificate-authority-data",
                                             "proxy-url",
                                             "disable-compression",
                                             "extensions",
                                             NULL};

/* "a", "b" */
static void add_names(const json_t *list, struct text *names)
{
	size_t index;
	json_t *item;
	json_array_foreach(list, index, item)
	{
		const char *name = json_string_value(json_object_get(item, "name"));
		if (name && names->length < 200)
			text_addf(names, "%s\"%s\"", names->length ? ", " : "", name);
	}
	if (!names->length)
		text_add(names, "none");
}

/*
 * Finds the item of `list` with that name, and opens its object of the key `what`. Where the name was said is who gets
 * the refusal.
 */
static int open_named(const struct section *said, const char *key, const char *list, const char *what,
                      const char *name, struct section *ret_section)
{
	struct kubeconfig *config = said->config;
	const json_t *items = json_object_get(config->document.value, list);
	size_t index;
	json_t *item;
	json_array_foreach(items, index, item)
	{
		const char *own = json_string_value(json_object_get(item, "name"));
		if (own && strcmp(own, name) == 0)
			return section_open(config, json_object_get(item, what), ret_section, "%s[%zu].%s",
			                    list, index, what);
	}
	auto_text names = {0};
	add_names(items, &names);
	return section_refuse(said, key, "there is no %s \"%s\"; %s in this file: %s", what, name, list,
	                      text_string(&names));
}

/* Letters, digits, dots, dashes; colons for IPv6. */
static bool is_server_name(const char *name)
{
	return strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:") ==
	               strlen(name) &&
	       name[strspn(name, ".:-_")];
}

static int read_server(const struct section *cluster)
{
	struct kubeconfig *config = cluster->config;
	struct api_access *access = config->access;
	char *server auto_free = NULL;
	int result = section_text(cluster, "server", &server);
	if (result)
		return result;
	const char *wrong = NULL;
	if (config->master) {
		wrong = api_access_set_server(access, config->master);
		if (!wrong)
			return 0;
		fault_place(config->fault, "--master");
		return fault_set(config->fault, NULL, "\"%s\": %s", config->master, wrong);
	}
	if (!server)
		return section_refuse(
		        cluster, "server",
		        "is missing; give the API server's URL, such as https://192.0.2.1:6443");
	wrong = api_access_set_server(access, server);
	return wrong ? section_refuse(cluster, "server", "%s", wrong) : 0;
}

/* The master is another server than the one whose name the cluster tells (client-go drops the name as well). */
static int read_server_name(const struct section *cluster)
{
	struct api_access *access = cluster->config->access;
	int result = section_text(cluster, "tls-server-name", &access->server_name);
	if (result || !access->server_name)
		return result;
	if (!is_server_name(access->server_name))
		return section_refuse(cluster, "tls-server-name",
		                      "must be a host name or an address, such as kubernetes.default.svc");
	if (cluster->config->master) {
		free(access->server_name);
		access->server_name = NULL;
		section_warn(cluster, "tls-server-name", "means nothing where --master names another server");
	}
	return 0;
}

static int read_authority(const struct section *cluster)
{
	struct api_access *access = cluster->config->access;
	int result = section_pem(cluster, "certificate-authority", &access->authority);
	if (!result)
		result = section_flag(cluster, "insecure-skip-tls-verify", &access->insecure);
	if (result || !access->insecure)
		return result;
	if (access->authority.bytes || access->authority.file)
		return section_refuse(
		        cluster, "insecure-skip-tls-verify",
		        "cannot be true where a certificate-authority is given; remove one of them");
	section_warn(cluster, "insecure-skip-tls-verify",
	             "the server's certificate is not checked, so whoever is on the way can stand in for it; "
	             "give its certificate-authority instead");
	return 0;
}

static int read_proxy(const struct section *cluster)
{
	struct api_access *access = cluster->config->access;
	int result = section_text(cluster, "proxy-url", &access->proxy_url);
	const char *wrong = access->proxy_url ? api_url_refuse_proxy(access->proxy_url) : NULL;
	if (!result && wrong)
		return section_refuse(cluster, "proxy-url", "%s", wrong);
	return result;
}

static int read_cluster(const struct section *cluster)
{
	section_warn_of_unknown(cluster, CLUSTER_FIELDS);
	int result = read_authority(cluster);
	if (!result)
		result = read_server_name(cluster);
	if (!result)
		result = read_proxy(cluster);
	if (!result)
		result =
		        section_flag(cluster, "disable-compression", &cluster->config->access->plain_answers);
	return result;
}

/* What the cluster says to plug-ins, if there is one and it wants to know. */
static void take_plugin_config(const struct section *cluster)
{
	struct api_exec_plugin *exec = cluster->config->access->exec;
	const json_t *extensions = json_object_get(cluster->object, "extensions");
	size_t index;
	json_t *item;
	if (!exec || !exec->provide_cluster_info)
		return;
	json_array_foreach(extensions, index, item)
	{
		const char *name = json_string_value(json_object_get(item, "name"));
		const json_t *extension = json_object_get(item, "extension");
		if (extension && name && strcmp(name, "client.authentication.k8s.io/exec") == 0) {
			free(exec->cluster_config);
			exec->cluster_config = json_dumps(extension, JSON_COMPACT | JSON_ENCODE_ANY);
		}
	}
}

static int read_context(const struct section *context)
{
	struct section cluster, user;
	char *cluster_name auto_free = NULL;
	char *user_name auto_free = NULL;
	int result = section_text(context, "cluster", &cluster_name);
	if (!result)
		result = section_text(context, "user", &user_name);
	if (result)
		return result;
	if (!cluster_name)
		return section_refuse(context, "cluster", "is missing; name one of the clusters");
	result = open_named(context, "cluster", "clusters", "cluster", cluster_name, &cluster);
	if (!result)
		result = read_cluster(&cluster);
	if (!result && user_name) {
		result = open_named(context, "user", "users", "user", user_name, &user);
		if (!result)
			result = kubeconfig_read_user(&user);
	}
	if (!result)
		result = read_server(&cluster);
	if (!result)
		take_plugin_config(&cluster);
	return result;
}

/* Both may be absent, but another kind of document is not to be guessed at. */
static int check_kind(const struct section *root)
{
	static const char *const wanted[][2] = {{"apiVersion", "v1"}, {"kind", "Config"}};
	for (size_t i = 0; i < 2; i++) {
		char *text auto_free = NULL;
		int result = section_text(root, wanted[i][0], &text);
		if (result)
			return result;
		if (text && strcmp(text, wanted[i][1]) != 0)
			return section_refuse(root, wanted[i][0], "must be %s, as in every kubeconfig",
			                      wanted[i][1]);
	}
	return 0;
}

static int read_root(const struct section *root)
{
	struct section context;
	char *name auto_free = NULL;
	int result = check_kind(root);
	if (!result)
		result = section_text(root, "current-context", &name);
	if (result)
		return result;
	if (!name) {
		auto_text names = {0};
		add_names(json_object_get(root->object, "contexts"), &names);
		return section_refuse(root, "current-context", "is missing; name one of the contexts (%s)",
		                      text_string(&names));
	}
	result = open_named(root, "current-context", "contexts", "context", name, &context);
	return result ? result : read_context(&context);
}

static char *directory_of(const char *path)
{
	char *directory = memory_copy_text(path);
	char *slash = strrchr(directory, '/');
	directory[slash ? slash + 1 - directory : 0] = '\0';
	return directory;
}

/* Releases the document. */
static int read_document(struct kubeconfig *config)
{
	struct document *document = &config->document;
	struct section root;
	config->directory = directory_of(document->name);
	for (size_t i = 0; i < document->duplicate_count; i++)
		api_access_warn(config->access, "%s:%zu: %s: stands twice; the last one counts",
		                document->name, document->duplicate_lines[i], document->duplicates[i]);
	int result = section_open(config, document->value, &root, "%s", "");
	if (!result)
		result = read_root(&root);
	if (document->text.length)
		explicit_bzero(document->text.bytes, document->text.length);
	document_done(document);
	free(config->directory);
	return result;
}

int kubeconfig_read(const char *path, const char *master, struct api_access *access, struct fault *fault)
{
	struct kubeconfig config = {.master = master, .access = access, .fault = fault};
	int result = document_read(path, FILE_LIMIT, &config.document, fault);
	return result ? result : read_document(&config);
}

int kubeconfig_parse(const char *name, const char *text, size_t length, struct api_access *access,
                     struct fault *fault)
{
	struct kubeconfig config = {.access = access, .fault = fault};
	int result = document_parse(name, text, length, &config.document, fault);
	return result ? result : read_document(&config);
}
