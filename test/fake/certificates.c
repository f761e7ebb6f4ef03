#include "certificates.h"

#include "base/text.h"

#include <arpa/inet.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>

struct pair {
	X509 *certificate;
	EVP_PKEY *key;
};

static void pair_done(struct pair *pair)
{
	X509_free(pair->certificate);
	EVP_PKEY_free(pair->key);
}

static int add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX context;
	X509V3_set_ctx_nodb(&context);
	X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	int good = extension != NULL && X509_add_ext(certificate, extension, -1);
	X509_EXTENSION_free(extension);
	return good ? 0 : -1;
}

static int set_serial(X509 *certificate)
{
	unsigned char bytes[8];
	if (RAND_bytes(bytes, sizeof(bytes)) != 1)
		return -1;
	bytes[0] &= 0x7f;
	BIGNUM *number = BN_bin2bn(bytes, sizeof(bytes), NULL);
	int good = number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;
	BN_free(number);
	return good ? 0 : -1;
}

/* `extensions`: pairs of NID and value up to one of NID 0. An issuer without certificate: signed by itself. */
struct extension {
	int nid;
	const char *value;
};

static int make_pair(const char *user, const char *group, const struct extension *extensions,
                     const struct pair *issuer, struct pair *ret_pair)
{
	X509 *certificate = ret_pair->certificate = X509_new();
	EVP_PKEY *key = ret_pair->key = EVP_EC_gen("P-256");
	if (certificate == NULL || key == NULL || set_serial(certificate) != 0)
		return -1;
	X509 *signer = issuer == NULL ? certificate : issuer->certificate;
	X509_NAME *name = X509_get_subject_name(certificate);
	X509_set_version(certificate, 2);
	X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 3650L * 86400);
	X509_set_pubkey(certificate, key);
	if (group != NULL)
		X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8, (const unsigned char *)group, -1, -1, 0);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)user, -1, -1, 0);
	X509_set_issuer_name(certificate, X509_get_subject_name(signer));
	for (; extensions->nid != 0; extensions++) {
		if (add_extension(certificate, signer, extensions->nid, extensions->value) != 0)
			return -1;
	}
	return X509_sign(certificate, issuer == NULL ? key : issuer->key, EVP_sha256()) > 0 ? 0 : -1;
}

/* ---- files */

static FILE *open_file(const char *directory, const char *name, const char *ending)
{
	auto_text path = {0};
	text_addf(&path, "%s/%s.%s", directory, name, ending);
	FILE *file = fopen(text_string(&path), "w");
	if (file == NULL)
		fprintf(stderr, "certificates: %s: cannot be written: %m\n", text_string(&path));
	return file;
}

static int write_pair(const char *directory, const char *name, const struct pair *pair)
{
	FILE *certificate = open_file(directory, name, "crt");
	FILE *key = certificate == NULL ? NULL : open_file(directory, name, "key");
	int good = key != NULL && PEM_write_X509(certificate, pair->certificate) &&
	           PEM_write_PKCS8PrivateKey(key, pair->key, NULL, NULL, 0, NULL, NULL);
	if (certificate != NULL && fclose(certificate) != 0)
		good = 0;
	if (key != NULL && fclose(key) != 0)
		good = 0;
	return good ? 0 : -1;
}

static int make_and_write(const char *directory, const char *file, const char *user, const char *group,
                          const struct extension *extensions, const struct pair *issuer,
                          struct pair *ret_pair)
{
	if (make_pair(user, group, extensions, issuer, ret_pair) != 0) {
		ERR_print_errors_fp(stderr);
		return -1;
	}
	return write_pair(directory, file, ret_pair);
}

/* ---- the four */

static const struct extension authority[] = {
        {NID_basic_constraints, "critical,CA:TRUE"},
        {NID_key_usage, "critical,keyCertSign,cRLSign"},
        {NID_subject_key_identifier, "hash"},
        {0, NULL},
};
static const struct extension client[] = {
        {NID_key_usage, "critical,digitalSignature"},
        {NID_ext_key_usage, "clientAuth"},
        {NID_authority_key_identifier, "keyid"},
        {0, NULL},
};

static void add_name(struct text *names, const char *name)
{
	unsigned char address[16];
	int is_address = inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1;
	text_addf(names, ",%s:%s", is_address ? "IP" : "DNS", name);
}

static int make_server(const char *directory, const char *const *names, size_t name_count,
                       const struct pair *issuer)
{
	auto_text all = {0};
	struct pair pair = {0};
	text_add(&all, "IP:127.0.0.1,IP:::1,DNS:localhost");
	for (size_t i = 0; i < name_count; i++)
		add_name(&all, names[i]);
	const struct extension server[] = {
	        {NID_key_usage, "critical,digitalSignature"},
	        {NID_ext_key_usage, "serverAuth"},
	        {NID_authority_key_identifier, "keyid"},
	        {NID_subject_alt_name, text_string(&all)},
	        {0, NULL},
	};
	int error = make_and_write(directory, "server", "kube-apiserver", NULL, server, issuer, &pair);
	pair_done(&pair);
	return error;
}

int certificates_make(const char *directory, const char *const *names, size_t name_count)
{
	struct pair ca = {0}, other = {0}, user = {0};
	int error = make_and_write(directory, "ca", "kubernetes", NULL, authority, NULL, &ca);
	if (error == 0)
		error = make_server(directory, names, name_count, &ca);
	if (error == 0)
		error = make_and_write(directory, "client", "system:node:n1", "system:nodes", client, &ca,
		                       &user);
	if (error == 0)
		error = make_and_write(directory, "other-ca", "somebody else", NULL, authority, NULL, &other);
	pair_done(&ca);
	pair_done(&other);
	pair_done(&user);
	return error;
}
