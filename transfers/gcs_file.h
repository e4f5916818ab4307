/*
 * Credential files of Google Cloud, JSON with a "type" (the format of application default
 * credentials, AIP-4110 and those that it names):
 *   service_account   the private key of an account, as the console gives it out (AIP-4112)
 *   authorized_user   the refresh token of a person: `gcloud auth application-default login`
 *   external_account  a token of another identity provider, in a file or behind a URL, which is
 *                     exchanged for one of Google's: workload identity federation (AIP-4117)
 * Refused by name: other types; subject tokens that come from AWS's metadata, a program or a
 * certificate; pools of a workforce; universes other than googleapis.com.
 *
 * Where secrets are sent stands in such files. So every URL must be https, or of this machine.
 *
 * Pure but for mf_gcs_file_read. Secrets go into guarded memory, with a NUL behind each.
 */
#ifndef MF_TRANSFERS_GCS_FILE_H
#define MF_TRANSFERS_GCS_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/secret.h"
#include "src/base/error.h"

#define MF_GCS_FILE_MAX ((size_t)65536)
#define MF_GCS_SUBJECT_HEADERS_MAX 8
#define MF_GCS_TOKEN_URL "https://oauth2.googleapis.com/token"

enum mf_gcs_file_type { MF_GCS_SERVICE_ACCOUNT, MF_GCS_AUTHORIZED_USER, MF_GCS_EXTERNAL_ACCOUNT };

struct mf_gcs_service_account {
	char *email;
	char *key_id;                  /* or NULL */
	struct mf_secret *private_key; /* PEM */
};

struct mf_gcs_authorized_user {
	char *client_id;
	struct mf_secret *client_secret, *refresh_token;
};

struct mf_gcs_subject_header {
	char *name;
	struct mf_secret *value;
};

struct mf_gcs_external_account {
	char *audience;
	char *token_type;  /* of the subject token: "urn:ietf:params:oauth:token-type:jwt" */
	char *path, *url;  /* where it comes from: one of them */
	bool url_is_local; /* a metadata service: plain http, and by no proxy */
	struct mf_gcs_subject_header headers[MF_GCS_SUBJECT_HEADERS_MAX]; /* with url */
	size_t n_headers;
	char *field;         /* of a JSON object that has it; NULL: it is the text */
	char *impersonation; /* the URL that gives a service account's token; or NULL */
	uint64_t lifetime_s; /* of that token */
};

struct mf_gcs_file {
	enum mf_gcs_file_type type;
	char *token_url;
	union {
		struct mf_gcs_service_account service;
		struct mf_gcs_authorized_user user;
		struct mf_gcs_external_account external;
	};
};

/* Read n bytes; path names them in messages. 0, and *out needs mf_gcs_file_fini; -1 with MF_EUSAGE,
 * MF_EUNSUPPORTED for what is refused by name, or MF_ENOMEM. */
int mf_gcs_file_parse(
    const void *bytes, size_t n, const char *path, struct mf_gcs_file *out, struct mf_error *e);
/* The same of a file. Blocking. -1 also with the errno's code; MF_EUSAGE where it is not there. */
int mf_gcs_file_read(const char *path, struct mf_gcs_file *out, struct mf_error *e);
void mf_gcs_file_fini(struct mf_gcs_file *f); /* wipes the secrets */

#endif
