/* What the files of the carrier by libs3 share. */
#ifndef MF_TRANSFERS_LIBS3_INT_H
#define MF_TRANSFERS_LIBS3_INT_H

#include "src/net/url.h"
#include "transfers/libs3.h"
#include "transfers/libs3_module.h"
#include "transfers/s3.h"

struct mf_libs3 {
	const struct mf_libs3_module *module;
	bool allow_http;
	char *ca_file;                             /* or NULL */
	char *http_proxy, *https_proxy, *no_proxy; /* "": none */
	struct mf_http_patience patience;
};

/* A request for the module, and what it points into. */
struct libs3_request {
	struct mf_libs3_request q; /* without callbacks */
	char host[MF_URL_AUTHORITY_BYTES];
	char md5[28]; /* 16 bytes in base64 */
};

/* Say it as the module wants it. 0; -1 with MF_EUNSUPPORTED or MF_EUSAGE for what it cannot be
 * asked, and nothing was sent. */
int libs3_request_make(const struct mf_libs3 *l, const struct mf_s3_carried *carried,
    struct libs3_request *out, struct mf_error *e);

#endif
