#include "base/memory.h"
#include "kubeconfig_section.h"
#include "secret_text.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const USER_FIELDS[] = {"client-certificate",
                                          "client-certificate-data",
                                          "client-key",
                                          "client-key-data",
                                          "token",
                                          "tokenFile",
                                          "username",
                                          "password",
                                          "exec",
                                          "extensions",
                                          NULL};

/* Fields of users that other clients know and that mean another identity: to pass over them would be wrong. */
static const struct {
	const char *field, *sentence;
} REFUSED[] = {
        {"auth-provider", "is not supported; use exec with a credential plug-in"},
        {"as", "is not supported: who we are cannot be changed to somebody else; remove it"},
        {"as-uid", "is not supported: who we are cannot be changed to somebody else; remove it"},
        {"as-groups", "is not supported: who we are cannot be changed to somebody else; remove it"},
        {"as-user-extra", "is not supported: who we are cannot be changed to somebody else; remove it"},
};

static int refuse_unsupported(const struct section *user)
{
	for (size_t i = 0; i < sizeof(REFUSED) / sizeof(*REFUSED); i++)
		if (section_has(user, REFUSED[i].field))
			return section_refuse(user, REFUSED[i].field, "%s", REFUSED[i].sentence);
	return 0;
}

static int read_certificate(const struct section *user)
{
	struct api_access *access = user->config->access;
	int result = section_pem(user, "client-certificate", &access->certificate);
	if (!result)
		result = section_pem(user, "client-key", &access->key);
	if (result)
		return result;
	bool certificate = access->certificate.bytes || access->certificate.file;
	bool key = access->key.bytes || access->key.file;
	if (certificate && !key)
		return section_refuse(user, "client-certificate",
		                      "has no key; give client-key or client-key-data as well");
	if (key && !certificate)
		return section_refuse(
		        user, "client-key",
		        "has no certificate; give client-certificate or client-certificate-data as "
		        "well");
	return 0;
}

static int read_token(const struct section *user)
{
	struct api_access *access = user->config->access;
	char *token auto_free = NULL;
	int result = section_text(user, "token", &token);
	if (!result && token) {
		access->token = secret_text(token, strlen(token));
		explicit_bzero(token, strlen(token));
		if (!access->token)
			return section_refuse(user, "token", "must be one line of printable characters");
	}
	if (!result)
		result = section_file(user, "tokenFile", &access->token_file);
	if (!result && access->token_file && !access->token && euidaccess(access->token_file, R_OK) < 0)
		return section_refuse(user, "tokenFile", "%s cannot be read: %m", access->token_file);
	return result;
}

static int read_password(const struct section *user)
{
	struct api_access *access = user->config->access;
	int result = section_text(user, "username", &access->username);
	if (!result)
		result = section_text(user, "password", &access->password);
	if (result)
		return result;
	if (access->password && !access->username)
		return section_refuse(user, "password", "has no username; give both or neither");
	if (access->username && strchr(access->username, ':'))
		return section_refuse(user, "username", "must not have a colon in it");
	if (access->username && (access->token || access->token_file))
		return section_refuse(user, "username",
		                      "cannot be used together with a token; remove one of them");
	return 0;
}

int kubeconfig_read_user(const struct section *user)
{
	int result = refuse_unsupported(user);
	if (result)
		return result;
	section_warn_of_unknown(user, USER_FIELDS);
	result = read_certificate(user);
	if (!result)
		result = read_token(user);
	if (!result)
		result = read_password(user);
	if (!result)
		result = kubeconfig_read_exec(user);
	return result;
}
