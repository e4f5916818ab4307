#include "config.h"

#include "tests/unit/net/certificates.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void
must(int yes, const char *what)
{
	if (!yes) {
		(void)fprintf(stderr, "certificates: %s\n", what);
		abort();
	}
}

static void
add_extension(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *x = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	must(x != NULL && X509_add_ext(cert, x, -1) == 1, value);
	X509_EXTENSION_free(x);
}

static X509 *
make(EVP_PKEY *key, const char *name, X509 *issuer, long serial, long begin_s, long end_s)
{
	X509 *cert = X509_new();
	X509_NAME *subject = X509_get_subject_name(cert);

	must(X509_set_version(cert, X509_VERSION_3) == 1, "version");
	must(ASN1_INTEGER_set(X509_get_serialNumber(cert), serial) == 1, "serial");
	must(X509_gmtime_adj(X509_getm_notBefore(cert), begin_s) != NULL, "begin");
	must(X509_gmtime_adj(X509_getm_notAfter(cert), end_s) != NULL, "end");
	must(X509_set_pubkey(cert, key) == 1, "key");
	must(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name,
		 -1, -1, 0) == 1,
	    "name");
	must(X509_set_issuer_name(cert, X509_get_subject_name(issuer == NULL ? cert : issuer)) == 1,
	    "issuer");
	return cert;
}

static void
write_cert(const char *path, X509 *cert)
{
	FILE *f = fopen(path, "w");

	must(f != NULL && PEM_write_X509(f, cert) == 1 && fclose(f) == 0, path);
}

static void
write_key(const char *path, EVP_PKEY *key)
{
	FILE *f = fopen(path, "w");

	must(f != NULL && PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) == 1 &&
		 fclose(f) == 0,
	    path);
}

void
certificates_make(struct certificates *c, const char *authority, const char *subject_alt_name,
    long begin_s, long end_s)
{
	EVP_PKEY *ca_key = EVP_EC_gen("P-256"), *key = EVP_EC_gen("P-256");
	X509 *ca, *cert;

	must(ca_key != NULL && key != NULL, "keys");
	(void)snprintf(c->dir, sizeof c->dir, "/tmp/mf-net-tls-XXXXXX");
	must(mkdtemp(c->dir) != NULL, c->dir);
	(void)snprintf(c->ca, sizeof c->ca, "%s/ca.pem", c->dir);
	(void)snprintf(c->cert, sizeof c->cert, "%s/cert.pem", c->dir);
	(void)snprintf(c->key, sizeof c->key, "%s/key.pem", c->dir);
	ca = make(ca_key, authority, NULL, 1, -86400, 86400);
	add_extension(ca, NID_basic_constraints, "critical,CA:TRUE");
	add_extension(ca, NID_key_usage, "critical,keyCertSign,cRLSign");
	must(X509_sign(ca, ca_key, EVP_sha256()) > 0, "sign");
	cert = make(key, "test server", ca, 2, begin_s, end_s);
	add_extension(cert, NID_subject_alt_name, subject_alt_name);
	must(X509_sign(cert, ca_key, EVP_sha256()) > 0, "sign");
	write_cert(c->ca, ca);
	write_cert(c->cert, cert);
	write_key(c->key, key);
	X509_free(ca);
	X509_free(cert);
	EVP_PKEY_free(ca_key);
	EVP_PKEY_free(key);
}

void
certificates_remove(struct certificates *c)
{
	(void)unlink(c->ca);
	(void)unlink(c->cert);
	(void)unlink(c->key);
	(void)rmdir(c->dir);
}
