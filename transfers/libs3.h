/*
 * The bucket client's requests by way of libs3, signed by Signature Version 2: a carrier
 * (s3_client.h) for old appliances and gateways that know no other. Everything above it, from
 * credentials to the store's contract, is that of s3://.
 *
 * What it cannot send it refuses by name (MF_EUNSUPPORTED): other headers than Range and
 * If-None-Match: *, which no Signature V2 covers, session tokens, parameters other than those of a
 * listing's first version, keys with a space in them, which libs3 writes as '+'; and so what needs
 * them: multipart, server-side copies, storage classes, encryption by the server. A body goes with
 * its Content-MD5: the signature holds no hash of it. Whether a server has conditional puts is
 * tried, as for s3://.
 *
 * Amazon and Google are refused, also where a redirection names them: they know better signatures,
 * and s3:// and gs:// speak those.
 *
 * Requests run on their callers' threads; --net-threads has no say.
 */
#ifndef MF_TRANSFERS_LIBS3_H
#define MF_TRANSFERS_LIBS3_H

#include "src/net/http.h"
#include "transfers/s3_client.h"

/* "s3+v2"; its listings are of the first version. */
extern const struct mf_s3_dialect mf_s3_aws2;

struct mf_libs3;

/* http: of its members allow_http, ca_file, the proxies and patience are used; texts are copied.
 * Loads the module. 0 and *out (mf_libs3_close); -1 with MF_EUNSUPPORTED or MF_ENOMEM. */
int mf_libs3_open(const struct mf_http_params *http, struct mf_libs3 **out, struct mf_error *e);
void mf_libs3_close(struct mf_libs3 *l); /* NULL is fine; no thread may be inside */

/* Good as long as l is. */
struct mf_s3_carrier mf_libs3_carrier(struct mf_libs3 *l);

/* Is this the host, lower case, of a service that is not for s3+v2://? 0; -1 with MF_EUSAGE and a
 * hint. */
int mf_libs3_check_host(const char *host, struct mf_error *e);

#endif
